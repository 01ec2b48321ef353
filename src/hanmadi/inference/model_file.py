"""The model file: ONNX, waveform in, scores out, with its card as metadata.

Input ``samples``: (batch, clip_samples) float32 in [-1, 1]. Output ``scores``: (batch, labels), each row sums
to 1. The card tells everything a program or a person needs: labels, rate, length, features, data, licence,
metrics, how to repeat it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hanmadi.card import FORMAT as FORMAT
from hanmadi.card import Card, as_json
from hanmadi.errors import MissingExtraError, ModelError
from hanmadi.files import replacing
from hanmadi.labels import LabelSet

if TYPE_CHECKING:
    import onnxruntime

INPUT, OUTPUT = "samples", "scores"
_CARD_KEY: Final = "hanmadi_card"


@dataclass(frozen=True)
class Bundle:
    """An opened model file: session, labels, rate, clip length, card."""

    path: Path
    session: onnxruntime.InferenceSession
    labels: LabelSet
    about: Card

    @property
    def sample_rate(self) -> int:
        """Samples a second of the noise, in Hz."""
        return self.about.sample_rate

    @property
    def clip_samples(self) -> int:
        """Samples that the network hears at a time."""
        return self.about.clip_samples

    @property
    def card(self) -> dict[str, Any]:
        """`about` as plain values: a copy."""
        return self.about.to_dict()


def open_bundle(path: str | os.PathLike[str], *, threads: int = 1) -> Bundle:
    """Open a model file. Raises ModelError if it is absent, damaged or not one of hanmadi's."""
    path = Path(path)
    session = open_session(path, threads=threads)
    metadata = metadata_of(session)
    if _CARD_KEY not in metadata:
        raise ModelError(f"{path}: an ONNX model without a hanmadi card; expected one that hanmadi exported")
    return _checked(path, session, metadata[_CARD_KEY])


def open_session(path: Path, *, threads: int) -> onnxruntime.InferenceSession:
    """The network of an ONNX file, on the processor. Raises ModelError if it is absent or cannot be read."""
    import onnxruntime

    if not path.is_file():
        raise ModelError(f"{path}: no such model file; train one with: hanmadi train")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises many kinds, none of them documented
        raise ModelError(f"{path}: not a model that ONNX Runtime can read ({_first_line(error)})") from error


def metadata_of(session: onnxruntime.InferenceSession) -> dict[str, str]:
    """What stands beside the network in its file."""
    found: dict[str, str] = session.get_modelmeta().custom_metadata_map
    return found


def write_card(path: Path, card: Card | Mapping[str, Any]) -> None:
    """Store a card, typed or as plain values, in a model file, which stays whole at any moment."""
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("export", "writing a model file") from error
    model = onnx.load(path)
    del model.metadata_props[:]
    model.metadata_props.add(key=_CARD_KEY, value=as_json(card))
    model.producer_name = "hanmadi"
    model.doc_string = "Recognises single spoken words: waveform in, scores out. See the metadata."
    with replacing(path) as temporary:
        onnx.save(model, str(temporary))


def _checked(path: Path, session: onnxruntime.InferenceSession, text: str) -> Bundle:
    card = Card.from_json(text, origin=path)
    inputs, outputs = session.get_inputs()[0], session.get_outputs()[0]
    if inputs.name != INPUT or inputs.shape[1] != card.clip_samples or outputs.shape[1] != len(card.labels):
        raise ModelError(f"{path}: the network and its card do not belong together; export it again")
    return Bundle(path, session, LabelSet(card.labels), card)


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0][:200]
