"""One definition of the features: NumPy, PyTorch and the exported matrices agree, and librosa with them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from hanmadi import features
from hanmadi.audio import Samples
from hanmadi.errors import AudioError
from hanmadi.features import KINDS, FeatureConfig
from hanmadi.features.torch import WARPED, ExportedFrontEnd, FrontEnd

COURSE = FeatureConfig(kind="spectrogram", sample_rate=8_000, n_fft=258, window=258, hop=64, centred=True)
ODD = FeatureConfig(sample_rate=11_025, seconds=0.73, n_fft=301, window=211, hop=97, centred=True, high_hz=5_000.0)
CONFIGS = {
    "course": COURSE,
    "default": FeatureConfig(),
    "centred": FeatureConfig(centred=True),
    "compact": FeatureConfig(window=512, hop=320, low_hz=40.0, mean=-6.0, std=4.0),
    "8 kHz": FeatureConfig(sample_rate=8_000, n_fft=256, window=256, hop=160, high_hz=3_800.0),
    "odd": ODD,
}


def sounds(n: int) -> Samples:
    """What a microphone may give: a voiced sound, noise, digital silence, full scale, one click, a whisper."""
    rng = np.random.default_rng(0)
    t = np.arange(n)
    voiced = sum(np.sin(0.03 * k * t + k) / k for k in range(1, 20)) * np.hanning(n) * 0.2
    click = np.eye(1, n, n // 3)[0]
    square = np.where(np.sin(0.1 * t) > 0, 1.0, -1.0)
    whisper = 1e-3 * rng.standard_normal(n)
    rows = [voiced + whisper, 0.3 * rng.standard_normal(n), np.zeros(n), square, click, whisper]
    return np.clip(np.stack(rows), -1, 1).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("front_end", [FrontEnd, ExportedFrontEnd])
def test_torch_equals_numpy(kind: features.Kind, name: str, front_end: type[FrontEnd]) -> None:
    config = replace(CONFIGS[name], kind=kind, high_hz=min(CONFIGS[name].high_hz, CONFIGS[name].sample_rate / 2))
    samples = sounds(config.clip_samples)
    expected = features.compute(samples, config)
    found = front_end(config)(torch.from_numpy(samples)).numpy()
    assert expected.shape == found.shape == (len(samples), *config.shape)
    assert expected.dtype == found.dtype == np.float32
    assert np.isfinite(expected).all()
    scale = np.abs(expected).max(axis=tuple(range(1, expected.ndim)), keepdims=True)
    assert np.all(np.abs(found - expected) <= 1e-4 * scale + 1e-7)
    assert np.ptp(expected) > 0


@pytest.mark.parametrize(
    ("config", "shape"),
    [
        (COURSE, (130, 126)),
        (FeatureConfig(kind="waveform", sample_rate=8_000), (8_000,)),
        (FeatureConfig(), (40, 98)),
        (FeatureConfig(kind="mfcc"), (13, 98)),
        (FeatureConfig(kind="spectrogram", centred=True), (257, 101)),
        (FeatureConfig(window=512, hop=320), (40, 49)),
    ],
)
def test_shapes(config: FeatureConfig, shape: tuple[int, ...]) -> None:
    assert config.shape == shape
    assert features.compute(np.zeros(config.clip_samples, np.float32), config).shape == shape
    assert FeatureConfig(**config.to_dict()) == config


def test_the_gradient_at_silence_is_finite() -> None:
    silence = torch.zeros(1, 8_000, requires_grad=True)
    FrontEnd(COURSE)(silence).sum().backward()
    assert silence.grad is not None
    assert torch.isfinite(silence.grad).all()


def test_a_tone_lies_in_its_bin() -> None:
    tone = np.sin(2 * np.pi * 1_000 * np.arange(16_000) / 16_000).astype(np.float32)
    spectrum = features.compute(tone, FeatureConfig(kind="spectrogram", n_fft=512, window=512))
    assert set(spectrum.argmax(axis=0)) == {32}  # 1,000 Hz * 512 / 16,000 Hz
    assert spectrum.max() == pytest.approx(512 / 4, rel=1e-3)  # half the sum of the Hann window


def test_magnitudes_equal_librosa() -> None:
    librosa = pytest.importorskip("librosa")
    samples = sounds(8_000)[:2]
    expected = np.abs(librosa.stft(samples, n_fft=258, hop_length=64, center=True, pad_mode="constant"))
    assert features.compute(samples, COURSE) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("config", [FeatureConfig(), FeatureConfig(n_mels=64, low_hz=0.0, high_hz=8_000.0)])
def test_mel_filters_equal_librosa(config: FeatureConfig) -> None:
    librosa = pytest.importorskip("librosa")
    expected = librosa.filters.mel(
        sr=16_000, n_fft=512, n_mels=config.n_mels, fmin=config.low_hz, fmax=config.high_hz, htk=True, norm=None
    )
    assert features.mel_filters(config) == pytest.approx(expected, abs=1e-5)


def test_dct_is_orthonormal() -> None:
    matrix = features.dct_matrix(40, 40)
    assert matrix @ matrix.T == pytest.approx(np.eye(40), abs=1e-5)


@pytest.mark.parametrize("warp", [0.8, 1.0, 1.2])
def test_warped_filters_stay_finite_and_move(warp: float) -> None:
    filters = features.mel_filters(FeatureConfig(), warp)
    assert np.isfinite(filters).all()
    assert filters.min() >= 0
    centres = filters @ np.arange(257)
    assert (centres[5:20] / (features.mel_filters(FeatureConfig()) @ np.arange(257))[5:20]).mean() == pytest.approx(
        warp**2, rel=0.1  # the filters move, and grow as wide
    )  # fmt: skip


def test_a_warp_of_one_changes_nothing() -> None:
    front_end = FrontEnd(FeatureConfig())
    samples = torch.from_numpy(np.tile(sounds(16_000), (WARPED // 4, 1)))
    mel = front_end.warped_mel_of(samples, lambda: 1.0)
    assert torch.allclose(front_end.normalised(mel).transpose(1, 2), front_end(samples))
    warps = iter([1.0, 0.9])
    some = front_end.warped_mel_of(samples, lambda: next(warps))
    assert torch.allclose(some[:WARPED], mel[:WARPED])
    assert not torch.allclose(some[WARPED:], mel[WARPED:])


@pytest.mark.parametrize(("n_mels", "warp"), [(40, 1.0), (40, 1.08), (41, 0.92), (1, 1.0)])
def test_parts_of_the_filters_hear_what_all_of_them_hear(n_mels: int, warp: float) -> None:
    config = FeatureConfig(n_mels=n_mels, n_mfcc=1)
    front_end, samples = FrontEnd(config), torch.from_numpy(sounds(16_000))
    whole = front_end.power(samples) @ torch.from_numpy(features.mel_filters(config, warp).T.copy())
    assert torch.allclose(front_end.warped_mel_of(samples, lambda: warp), whole, rtol=1e-5)


def test_the_cached_arrays_cannot_be_edited() -> None:
    for array in (features.hann_window(COURSE), features.mel_filters(FeatureConfig()), features.dct_matrix(3, 4)):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_log_mel_of_any_length() -> None:
    found = features.log_mel(sounds(24_001)[0], sample_rate=22_050, n_mels=20)
    assert found.shape[0] == 20
    assert np.isfinite(found).all()
    with pytest.raises(AudioError, match="one window"):
        features.log_mel(np.zeros(100, np.float32), sample_rate=16_000)
    with pytest.raises(AudioError, match="above 0"):
        features.log_mel(np.zeros(0, np.float32), sample_rate=16_000)


@pytest.mark.parametrize("shape", [(15_999,), (2, 3, 16_000), ()])
def test_another_length_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(AudioError, match="expected clips of 16000 samples"):
        features.compute(np.zeros(shape, np.float32), FeatureConfig())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "cepstrum"}, "among waveform"), ({"sample_rate": 0}, "above 0"), ({"seconds": 0.0}, "above 0"),
        ({"seconds": 1e-6, "kind": "waveform"}, "above 0"), ({"hop": 0}, "0 < hop"), ({"hop": 481}, "hop <= window"),
        ({"window": 513}, "window <= n_fft"), ({"seconds": 0.02}, "one window"), ({"high_hz": 8_001.0}, "half"),
        ({"low_hz": 7_600.0}, "low_hz < high_hz"), ({"low_hz": -1.0}, "0 <= low_hz"), ({"n_mels": 0}, "n_mels"),
        ({"n_mfcc": 41}, "n_mfcc <= n_mels"), ({"floor": 0.0}, "floor"), ({"std": 0.0}, "std"),
        ({"std": float("nan")}, "std"),
    ],
)  # fmt: skip
def test_configurations_that_make_no_sense(changes: dict[str, object], message: str) -> None:
    with pytest.raises(AudioError, match=message):
        FeatureConfig(**changes)  # type: ignore[arg-type]
