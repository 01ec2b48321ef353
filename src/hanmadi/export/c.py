"""A model as plain C99 for a microcontroller: weights as constants, no memory of its own, no library but math.h.

The code is in ``export/c_template/``; names between @ signs become the numbers of a model. Front-end, network and
decisions are those of `hanmadi.features`, the model file and `hanmadi.inference.decisions`, in single precision.
Beside them, for machines with memory for a whole recording: which clip of it holds the word, by the rule of
`hanmadi.audio.endpoints`, in double precision.
"""

from __future__ import annotations

import math
import re
import string
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hanmadi.audio import Samples
from hanmadi.export.graph import Convolution, Network, features_of, read_network
from hanmadi.features import FeatureConfig, hann_window, mel_filters
from hanmadi.inference.model_file import Bundle
from hanmadi.inference.stream import HOP_S
from hanmadi.labels import UNKNOWN

TEMPLATES: Final = Path(__file__).parent / "c_template"
FILES: Final = ("hanmadi_model.h", "hanmadi_model.c", "hanmadi_speech.h", "hanmadi_speech.c", "example.c")
_FLOAT_BYTES: Final = 4
_PER_LINE: Final = 8
_PLAIN: Final = frozenset(string.ascii_letters + string.digits + " _-")
_IN_COMMENTS: Final = frozenset(" .,:;()[]<>{}=+-_/@#%&!'\"")  # besides letters and digits of any writing
_MOST_COMMENT: Final = 2_000  # characters
_PLACE: Final = re.compile(r"@([A-Z_]+)@")


def sources(bundle: Bundle) -> dict[str, str]:
    """File names to C sources of a model. Raises ModelError if it is not a log-mel network of the compact family."""
    features = features_of(bundle)
    network = read_network(bundle.path, features.shape)
    arrays = _arrays(features, network)
    values = _facts(bundle, features, network) | _decisions(bundle) | {"ARRAYS": "\n\n".join(arrays.values())}
    return {name: _filled((TEMPLATES / name).read_text("utf-8"), values) for name in FILES}


def workspace_floats(features: FeatureConfig, network: Network) -> tuple[int, int]:
    """Sizes of the two buffers: features and every second layer in the first, the other layers in the second."""
    sizes = [math.prod(layer.shape_out) for layer in network.convolutions]
    means = network.weights.shape[1]
    first = max(math.prod(features.shape), means, *sizes[1::2])
    spectrum = features.n_fft + features.n_bins  # the front-end uses the second one before the network does
    return first, max(spectrum, means, *sizes[0::2])


def _facts(bundle: Bundle, features: FeatureConfig, network: Network) -> dict[str, Any]:
    first, second = workspace_floats(features, network)
    data, card = bundle.about.data, bundle.about
    return {
        "TITLE": _comment(f"{card.architecture.name or 'A model'}: recognises single spoken words."),
        "LICENCE": _comment(data.licence or "not told"),
        "ATTRIBUTION": _comment(data.attribution or data.source or ""),
        "LABELS": len(bundle.labels), "WORDS": len(bundle.labels.keywords),
        "LABEL_NAMES": ", ".join(_string(label) for label in bundle.labels.labels),
        "WORD_LABELS": ", ".join(str(bundle.labels.labels.index(word)) for word in bundle.labels.keywords),
        "SAMPLE_RATE": bundle.sample_rate, "CLIP_SAMPLES": bundle.clip_samples, "N_FFT": int(features.n_fft),
        "WINDOW": int(features.window), "HOP": int(features.hop), "FRAMES": int(features.n_frames),
        "MELS": int(features.n_mels),
        "FLOOR": _number(features.floor), "MEAN": _number(features.mean), "STD": _number(features.std),
        "ARENA": first, "WORKSPACE": first + second, "WORKSPACE_BYTES": f"{_FLOAT_BYTES * (first + second):,}",
        "CHANNELS": network.weights.shape[1], "LAYER_COUNT": len(network.convolutions),
        "CONSTANT_BYTES": f"{_FLOAT_BYTES * _constants(features, network):,}",
    }  # fmt: skip


def _decisions(bundle: Bundle) -> dict[str, Any]:
    config = bundle.about.decision_config
    unknown = bundle.labels.labels.index(UNKNOWN) if UNKNOWN in bundle.labels.labels else None
    extra = "0.0f" if unknown is None else f"{_number(config.unknown_weight - 1)} * scores[{unknown}]"
    calibrated = "chosen by hanmadi calibrate" if bundle.about.decisions else "not calibrated: the same for all words"
    return {
        "LIVE_HOP": round(HOP_S * bundle.sample_rate),
        "SMOOTHED": max(1, round(config.smoothing_s / HOP_S)), "SMOOTHING_S": f"{config.smoothing_s:g}",
        "REST": math.ceil(config.refractory_s / HOP_S - 1e-9), "REFRACTORY_S": f"{config.refractory_s:g}",
        "THRESHOLDS": ", ".join(_number(config.threshold_of(word)) for word in bundle.labels.keywords),
        "CALIBRATED": calibrated, "UNKNOWN_EXTRA": extra,
    }  # fmt: skip


# ---- constants ----


def _arrays(features: FeatureConfig, network: Network) -> dict[str, str]:
    """The C declarations of the model's constant arrays, by name."""
    angle = 2 * np.pi * np.arange(features.n_fft // 2) / features.n_fft
    firsts, counts, weights = _sparse(mel_filters(features))
    floats = {
        "window": hann_window(features), "cosines": np.cos(angle), "sines": np.sin(angle), "mel_weights": weights,
        "dense_weights": network.weights, "dense_bias": network.bias,
    }  # fmt: skip
    for number, layer in enumerate(network.convolutions):
        floats |= {f"weights_{number}": layer.weights, f"bias_{number}": layer.bias}
    arrays = {name: _array("float", name, map(_number, np.ravel(values))) for name, values in floats.items()}
    arrays |= {name: _array("int", name, map(str, v)) for name, v in (("mel_firsts", firsts), ("mel_counts", counts))}
    layers = [_layer(number, layer) for number, layer in enumerate(network.convolutions)]
    return arrays | {"layers": "static const layer layers[LAYERS] = {\n" + "\n".join(layers) + "\n};"}


def _sparse(filters: Samples) -> tuple[list[int], list[int], NDArray[np.float32]]:
    """First bin and number of bins of each mel filter, and the weights of all of them one after the other."""
    firsts, counts, weights = [], [], [np.zeros(0, np.float32)]
    for row in filters:
        inside = np.flatnonzero(row)
        first, last = (int(inside[0]), int(inside[-1]) + 1) if len(inside) else (0, 0)
        firsts.append(first)
        counts.append(last - first)
        weights.append(row[first:last])
    return firsts, counts, np.concatenate(weights)


def _layer(number: int, layer: Convolution) -> str:
    numbers = (
        *layer.shape_in, *layer.shape_out, *layer.weights.shape[2:], *layer.stride, *layer.padding,
        layer.groups, int(layer.residual), int(layer.relu),
    )  # fmt: skip
    return f"    {{{', '.join(map(str, numbers))}, weights_{number}, bias_{number}}},"


def _constants(features: FeatureConfig, network: Network) -> int:
    """Numbers of four bytes that are stored."""
    filters = np.count_nonzero(mel_filters(features)) + 2 * features.n_mels
    layers = sum(layer.weights.size + layer.bias.size for layer in network.convolutions)
    return int(features.window + features.n_fft + filters + layers + network.weights.size + network.bias.size)


def _array(kind: str, name: str, values: Iterable[str]) -> str:
    texts = list(values)
    rows = (", ".join(texts[start : start + _PER_LINE]) for start in range(0, len(texts), _PER_LINE))
    return f"static const {kind} {name}[{len(texts)}] = {{\n    " + ",\n    ".join(rows) + "\n};"


# ---- text ----


def _filled(template: str, values: Mapping[str, Any]) -> str:
    return _PLACE.sub(lambda found: str(values[found[1]]), template)


def _number(value: float) -> str:
    """A float literal that is the same single-precision number when read."""
    text = np.format_float_scientific(np.float32(value), unique=True, trim="0")
    return f"{text}f"


def _string(text: str) -> str:
    """A C string: bytes of all but plain letters are octal, which, unlike \\x, has an end.

    A label may be anybody's: ``??/`` left alone is a backslash to a C compiler, and ends the string too late.
    """
    signs = (chr(byte) if chr(byte) in _PLAIN else f"\\{byte:03o}" for byte in text.encode("utf-8", "replace"))
    return '"' + "".join(signs) + '"'


def _comment(text: object) -> str:
    """What a card says, on one line that can neither end a comment, nor go on in the next, nor turn text around."""
    line = " ".join(str(text).split())[:_MOST_COMMENT]
    return "".join(sign if sign.isalnum() or sign in _IN_COMMENTS else "_" for sign in line)
