"""The model file: ONNX, waveform in, scores out, with its card as metadata.

Input ``samples``: (batch, clip_samples) float32 in [-1, 1]. Output ``scores``: (batch, labels), each row sums
to 1. The card tells everything a program or a person needs: labels, rate, length, features, data, licence,
metrics, how to repeat it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hanmadi.errors import MissingExtraError, ModelError
from hanmadi.files import replacing
from hanmadi.labels import LabelSet

if TYPE_CHECKING:
    import onnxruntime

FORMAT: Final = "hanmadi-model-1"
INPUT, OUTPUT = "samples", "scores"
_CARD_KEY: Final = "hanmadi_card"


@dataclass(frozen=True)
class Bundle:
    """An opened model file."""

    path: Path
    session: onnxruntime.InferenceSession
    labels: LabelSet
    sample_rate: int  # Hz
    clip_samples: int
    card: dict[str, Any]


def open_bundle(path: str | os.PathLike[str], *, threads: int = 1) -> Bundle:
    """Open a model file. Raises ModelError if it is absent, damaged or not one of hanmadi's."""
    import onnxruntime

    path = Path(path)
    if not path.is_file():
        raise ModelError(f"{path}: no such model file; train one with: hanmadi train")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        metadata = session.get_modelmeta().custom_metadata_map
    except Exception as error:  # onnxruntime raises many kinds, none of them documented
        raise ModelError(f"{path}: not a model that ONNX Runtime can read ({_first_line(error)})") from error
    if _CARD_KEY not in metadata:
        raise ModelError(f"{path}: an ONNX model without a hanmadi card; expected one that hanmadi exported")
    return _checked(path, session, metadata[_CARD_KEY])


def write_card(path: Path, card: dict[str, Any]) -> None:
    """Store a card in a model file, which stays whole at any moment."""
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("export", "writing a model file") from error
    model = onnx.load(path)
    del model.metadata_props[:]
    model.metadata_props.add(key=_CARD_KEY, value=json.dumps(card, ensure_ascii=False))
    model.producer_name = "hanmadi"
    model.doc_string = "Recognises single spoken words: waveform in, scores out. See the metadata."
    with replacing(path) as temporary:
        onnx.save(model, str(temporary))


def _checked(path: Path, session: onnxruntime.InferenceSession, text: str) -> Bundle:
    try:
        card = json.loads(text)
        if card["format"] != FORMAT:
            raise ModelError(f"{path}: expected a model of format {FORMAT}, found {card['format']}; update hanmadi")
        if not isinstance(card["labels"], list):
            raise ModelError(f"{path}: its card is damaged (expected a list of labels); export it again")
        labels, rate, samples = LabelSet(tuple(card["labels"])), int(card["sample_rate"]), int(card["clip_samples"])
        inputs, outputs = session.get_inputs()[0], session.get_outputs()[0]
        if inputs.name != INPUT or inputs.shape[1] != samples or outputs.shape[1] != len(labels):
            raise ModelError(f"{path}: the network and its card do not belong together; export it again")
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{path}: its card is damaged ({error}); export it again") from error
    return Bundle(path, session, labels, rate, samples, card)


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0][:200]
