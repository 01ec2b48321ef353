"""hanmadi (한마디, "a single word"): recognise single spoken words.

    import hanmadi

    run = hanmadi.train("recordings/", words=["yes", "no"])
    recognizer = hanmadi.load(run.folder)
    recognizer.predict(samples, sample_rate=16_000).label

The commands of the same names do the same: ``hanmadi train``, ``hanmadi predict``, ``hanmadi evaluate``.
"""

import os
from typing import TYPE_CHECKING, Any

# ONNX Runtime writes an identifier of the device into the home folder and sends events to its maker, unless this
# stands in the environment before it is imported; every module of hanmadi is imported after this one
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"

if TYPE_CHECKING:
    from hanmadi.card import DecisionConfig
    from hanmadi.errors import HanmadiError
    from hanmadi.evaluation.evaluation import Evaluation, evaluate
    from hanmadi.inference.decisions import Detection
    from hanmadi.inference.recognizer import Prediction, Recognizer, load
    from hanmadi.inference.stream import Stream, listen
    from hanmadi.training.train import Run, resume, train

# name: module. Importing hanmadi loads none of them, so it is fast and needs nothing.
_PUBLIC = {
    "DecisionConfig": "card",
    "Detection": "inference.decisions",
    "Evaluation": "evaluation.evaluation",
    "HanmadiError": "errors",
    "Prediction": "inference.recognizer",
    "Recognizer": "inference.recognizer",
    "Run": "training.train",
    "Stream": "inference.stream",
    "evaluate": "evaluation.evaluation",
    "listen": "inference.stream",
    "load": "inference.recognizer",
    "resume": "training.train",
    "train": "training.train",
}

__all__ = [
    "DecisionConfig", "Detection", "Evaluation", "HanmadiError", "Prediction", "Recognizer", "Run", "Stream",
    "__version__", "evaluate", "listen", "load", "resume", "train",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'hanmadi' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"hanmadi.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
