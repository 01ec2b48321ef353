"""The speech encoder as a model file: a second of sound in, a vector and phone posteriors every 40 ms out.

ONNX like the others, with a card of its own that names what it has heard and who taught it. Training starts from its
weights (`read_weights`); the answers need neither torch nor onnx (`SpeechEncoder`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hanmadi.audio import Samples
from hanmadi.card import EncoderCard
from hanmadi.errors import AudioError, MissingExtraError, ModelError
from hanmadi.inference.model_file import INPUT, metadata_of, open_session

SHIPPED_ENCODER: Final = Path(__file__).parents[1] / "shipped" / "encoder" / "encoder.onnx"
VECTORS, PHONES = "vectors", "phones"  # outputs
CARD_KEY: Final = "hanmadi_encoder"


class Frames(NamedTuple):
    """What the encoder hears in clips, one frame every 40 ms."""

    vectors: NDArray[np.float32]  # (batch, frames, channels)
    phones: NDArray[np.float32]  # (batch, frames, phones), sum to 1; names are on the card


class SpeechEncoder:
    """An opened speech encoder.

    >>> encoder = SpeechEncoder.open()
    >>> encoder(np.zeros((2, 16_000), np.float32)).vectors.shape
    (2, 25, 192)
    """

    def __init__(self, session: Any, about: EncoderCard, path: Path) -> None:
        self._session, self.about, self.path = session, about, path

    @classmethod
    def open(cls, path: str | os.PathLike[str] | None = None, *, threads: int = 1) -> SpeechEncoder:
        """The shipped one, or that of a file. Raises ModelError if it is absent, damaged or no encoder."""
        path = SHIPPED_ENCODER if path is None else Path(path)
        session = open_session(path, threads=threads)
        text = metadata_of(session).get(CARD_KEY)
        if text is None:
            raise ModelError(f"{path}: expected a speech encoder, found another model; leave its path out for ours")
        return cls(session, EncoderCard.from_json(text, origin=path), path)

    def __call__(self, clips: Samples) -> Frames:
        """Frames of clips at the encoder's rate, (batch, clip_samples) in [-1, 1]. Raises AudioError otherwise."""
        if clips.ndim != 2 or clips.shape[1] != self.about.clip_samples:
            raise AudioError(f"expected clips (batch, {self.about.clip_samples}), got shape {clips.shape}")
        given = {INPUT: np.ascontiguousarray(clips, dtype=np.float32)}
        return Frames(*self._session.run([VECTORS, PHONES], given))


def read_weights(path: str | os.PathLike[str]) -> dict[str, NDArray[np.float32]]:
    """Weights of an encoder's file by the names of its layers. Raises ModelError if it is none."""
    try:
        import onnx
        from onnx import numpy_helper
    except ImportError as error:
        raise MissingExtraError("export", "reading an encoder's weights") from error
    if not Path(path).is_file():
        raise ModelError(f"{path}: no such file; name a speech encoder, or leave --from out to start from ours")
    try:
        model = onnx.load(path)
    except Exception as error:  # protobuf's own kinds
        raise ModelError(f"{path}: cannot be read as a speech encoder ({error})") from error
    if CARD_KEY not in {entry.key for entry in model.metadata_props}:
        raise ModelError(f"{path}: expected a speech encoder, found another model; leave --from out to start from ours")
    return {part.name: np.array(numpy_helper.to_array(part)) for part in model.graph.initializer}
