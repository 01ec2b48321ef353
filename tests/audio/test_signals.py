"""signals.py against numpy.fft, librosa and scipy, and against what the theory promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hanmadi import audio
from hanmadi.audio import signals
from hanmadi.errors import AudioError

few = settings(max_examples=25, deadline=None)
RATE = 8_000  # Hz


def noise(length: int, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(length).astype(np.float32)


def loudest_hz(samples: np.ndarray, rate: float = RATE) -> float:
    size = np.abs(np.fft.rfft(samples))
    return float(signals.bin_frequencies(len(samples), sample_rate=rate)[size.argmax()])


# ---- sounds ----


def test_tone_is_its_formula() -> None:
    sound = signals.tone(440, duration_s=0.5, sample_rate=RATE, amplitude=0.3, phase_rad=1.0)
    time_s = np.arange(4_000) / RATE
    assert sound.dtype == np.float32
    np.testing.assert_allclose(sound, 0.3 * np.sin(2 * np.pi * 440 * time_s + 1.0), atol=1e-6)
    np.testing.assert_array_equal(signals.time_axis(4_000, sample_rate=RATE), time_s)


def test_a_late_tone_is_still_in_tune() -> None:
    # computed in float32 a minute in, the phase would be off by a hundredth of a cycle
    sound = signals.tone(3_000, duration_s=60, sample_rate=16_000)
    np.testing.assert_allclose(sound[-16:], sound[:16], atol=1e-5)


def test_harmonics_have_the_amplitudes_and_phases_asked_for() -> None:
    amplitudes, phases = [0.5, 0.0, 0.25, 0.1], [0.0, 0.0, 1.0, -2.0]
    sound = signals.harmonics(100, amplitudes, duration_s=1, sample_rate=RATE, phases_rad=phases)
    spectrum = np.fft.rfft(sound) * 2 / RATE  # one bin a Hz
    np.testing.assert_allclose(np.abs(spectrum[[100, 200, 300, 400, 500]]), [*amplitudes, 0], atol=1e-6)
    np.testing.assert_allclose(
        np.angle(spectrum[[300, 400]]), np.array([1, -2]) - np.pi / 2 + [0, 2 * np.pi], atol=1e-4
    )


def test_harmonics_refuse_what_would_fold_back() -> None:
    with pytest.raises(AudioError, match="at most 4 amplitudes"):
        signals.harmonics(1_000, [1] * 5, duration_s=1, sample_rate=RATE)
    signals.harmonics(1_000, [1] * 4, duration_s=1, sample_rate=RATE)


def test_chirp_is_scipys() -> None:
    oracle = pytest.importorskip("scipy.signal").chirp
    time_s = signals.time_axis(RATE, sample_rate=RATE)
    sound = signals.chirp(100, 3_000, duration_s=1, sample_rate=RATE, amplitude=0.5)
    np.testing.assert_allclose(sound, 0.5 * oracle(time_s, 100, 1, 3_000, phi=-90), atol=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        {"duration_s": 0, "sample_rate": RATE},
        {"duration_s": 1, "sample_rate": 0},
        {"duration_s": float("nan"), "sample_rate": RATE},
        {"duration_s": 1e-6, "sample_rate": RATE},
        {"duration_s": 1e9, "sample_rate": RATE},
        {"duration_s": 1, "sample_rate": RATE, "amplitude": float("inf")},
    ],
)
def test_tone_refuses(options: dict[str, float]) -> None:
    with pytest.raises(AudioError, match="expected"):
        signals.tone(440, **options)


@pytest.mark.parametrize(("fundamental", "amplitudes", "phases"), [(100, [], None), (100, [1], [0, 0]), (0, [1], None)])
def test_harmonics_refuse(fundamental: float, amplitudes: list[float], phases: list[float] | None) -> None:
    with pytest.raises(AudioError, match="expected"):
        signals.harmonics(fundamental, amplitudes, duration_s=1, sample_rate=RATE, phases_rad=phases)


# ---- sampling ----


@pytest.mark.parametrize(
    ("frequency", "alias"),
    [(0, 0), (1_000, 1_000), (4_000, 4_000), (5_000, 3_000), (7_000, 1_000), (8_000, 0), (9_000, 1_000),
     (12_000, 4_000), (13_000, 3_000), (-1_000, 1_000)],
)  # fmt: skip
def test_alias_frequency_by_hand(frequency: float, alias: float) -> None:
    assert signals.alias_frequency(frequency, RATE) == alias


@few
@given(st.floats(0, 1e5), st.integers(0, 5))
def test_alias_repeats_with_the_rate_and_mirrors_at_half(frequency: float, turns: int) -> None:
    alias = signals.alias_frequency(frequency, RATE)
    assert 0 <= alias <= RATE / 2
    assert signals.alias_frequency(frequency + turns * RATE, RATE) == pytest.approx(alias, abs=1e-6)
    assert signals.alias_frequency(turns * RATE - frequency, RATE) == pytest.approx(alias, abs=1e-6)


@pytest.mark.parametrize("frequency", [500, 3_900, 5_000, 7_000, 11_500, 16_300])
def test_a_sampled_tone_is_heard_at_its_alias(frequency: float) -> None:
    sound = signals.tone(frequency, duration_s=1, sample_rate=RATE)
    assert loudest_hz(sound) == signals.alias_frequency(frequency, RATE)


@pytest.mark.parametrize("frequency", [500, 5_000, 7_000, 9_000])
def test_aliasing_shows_two_tones_through_the_same_samples(frequency: float) -> None:
    shown = signals.aliasing(frequency, sample_rate=RATE, duration_s=0.005)
    assert shown.alias_hz == signals.alias_frequency(frequency, RATE)
    assert len(shown.samples) == len(shown.sample_time_s) == 40
    for curve in (shown.tone, shown.alias):
        there = np.interp(shown.sample_time_s, shown.time_s, curve)
        np.testing.assert_allclose(there, shown.samples, atol=0.01)
    same = np.allclose(shown.tone, shown.alias, atol=1e-5)
    assert same == (frequency < RATE / 2)


# ---- quantisation ----


@pytest.mark.parametrize("bits", range(6, 21))
def test_snr_of_a_full_scale_sine_is_6_db_a_bit(bits: int) -> None:
    top = 1 - 2.0 ** (1 - bits)  # the highest level: a sine of 1.0 would be clipped there
    sine = top * np.sin(2 * np.pi * 997.3 * np.arange(48_000) / 48_000)
    measured = signals.snr_db(sine, signals.quantise(sine, bits=bits))
    assert measured == pytest.approx(signals.quantisation_snr_db(bits), abs=0.5)
    assert signals.quantisation_snr_db(bits) == pytest.approx(6.02 * bits + 1.76, abs=0.05)


@pytest.mark.parametrize("bits", [1, 2, 3, 8])
def test_quantise_knows_no_more_levels_than_it_has_bits(bits: int) -> None:
    ramp = np.linspace(-1.2, 1.2, 5_000)
    levels = np.unique(signals.quantise(ramp, bits=bits))
    assert len(levels) == 2**bits
    assert (levels[0], levels[-1]) == (-1, 1 - 2.0 ** (1 - bits))
    np.testing.assert_allclose(np.diff(levels), 2.0 ** (1 - bits))


def test_quantise_is_at_most_half_a_step_off_and_settles() -> None:
    sound = np.clip(0.3 * noise(1_000), -0.9, 0.9)
    coarse = signals.quantise(sound, bits=5)
    assert np.abs(coarse - sound).max() <= 2.0**-5
    np.testing.assert_array_equal(signals.quantise(coarse, bits=5), coarse)
    assert not signals.quantise(np.zeros(9), bits=3).any()


def test_16_bits_are_what_a_sound_file_holds() -> None:
    sound = 0.5 * noise(1_000)
    np.testing.assert_array_equal(signals.quantise(sound, bits=16), audio.from_int16(audio.to_int16(sound)))


@pytest.mark.parametrize("bits", [0, 25, 7.5, -3])
def test_quantise_refuses(bits: int) -> None:
    with pytest.raises(AudioError, match="1 to 24 bits"):
        signals.quantise([0.0], bits=bits)


def test_snr_by_hand() -> None:
    assert signals.snr_db([1, -1], [1.1, -1.1]) == pytest.approx(20)
    assert signals.snr_db([1, 2], [1, 2]) == np.inf
    assert signals.snr_db([0, 0], [1, 0]) == -np.inf
    with pytest.raises(AudioError, match="one length"):
        signals.snr_db([1, 2], [1, 2, 3])


# ---- the Fourier transform ----


@pytest.mark.parametrize("length", [1, 2, 3, 16, 97, 258])
def test_dft_is_the_fft_and_back(length: int) -> None:
    rng = np.random.default_rng(length)
    values = rng.standard_normal(length) + 1j * rng.standard_normal(length)
    np.testing.assert_allclose(signals.dft(values), np.fft.fft(values), atol=1e-10)
    np.testing.assert_allclose(signals.fft(values), np.fft.fft(values), atol=1e-10)
    np.testing.assert_allclose(signals.ifft(signals.fft(values)), values, atol=1e-12)


@few
@given(st.integers(1, 64), st.floats(-3, 3), st.floats(-3, 3))
def test_dft_is_linear_and_keeps_the_energy(length: int, a: float, b: float) -> None:
    x, y = noise(length, seed=1), noise(length, seed=2)
    mixed = signals.dft(a * x + b * y)
    np.testing.assert_allclose(mixed, a * signals.dft(x) + b * signals.dft(y), atol=1e-4)
    energy = np.sum(np.abs(signals.dft(x)) ** 2) / length  # Parseval
    assert energy == pytest.approx(np.sum(x.astype(float) ** 2))


def test_dft_says_when_it_is_too_long() -> None:
    with pytest.raises(AudioError, match=r"at most 2048 samples, got 2049; use fft\(\)"):
        signals.dft(np.zeros(2_049))


@pytest.mark.parametrize("n_fft", [8, 9])
def test_bins_name_the_frequency_of_a_tone(n_fft: int) -> None:
    half = signals.bin_frequencies(n_fft, sample_rate=RATE)
    full = signals.bin_frequencies(n_fft, sample_rate=RATE, one_sided=False)
    assert (len(half), len(full)) == (n_fft // 2 + 1, n_fft)
    for k in range(1, (n_fft + 1) // 2):
        spectrum = signals.dft(np.exp(2j * np.pi * full[-k] * np.arange(n_fft) / RATE))
        assert np.abs(spectrum).argmax() == n_fft - k
        assert half[k] == -full[-k] == pytest.approx(k * RATE / n_fft)


def test_magnitude_and_phase_are_the_polar_form() -> None:
    spectrum = np.array([[3 + 4j, -2], [1e-9j, 0]])
    np.testing.assert_allclose(signals.magnitude(spectrum), [[5, 2], [1e-9, 0]])
    np.testing.assert_allclose(signals.phase(spectrum), [[np.arctan2(4, 3), np.pi], [np.pi / 2, 0]])
    assert signals.phase(spectrum, floor=1e-6)[1, 0] == 0


def test_to_db_has_a_fixed_floor() -> None:
    np.testing.assert_allclose(signals.to_db([1, 0.1, -0.5, 1e-9, 0]), [0, -20, -6.0206, -100, -100], atol=1e-4)
    assert signals.to_db(0.0, floor_db=-60) == -60
    # the quiet part of a sound does not depend on the loud one
    assert signals.to_db([0.01, 1.0])[0] == signals.to_db([0.01])[0]


# ---- windows ----


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("length", [1, 2, 7, 256])
@pytest.mark.parametrize("name", signals.WINDOWS)
def test_windows_are_scipys(name: str, length: int, periodic: bool) -> None:
    oracle = pytest.importorskip("scipy.signal").get_window
    theirs = oracle("boxcar" if name == "rectangular" else name, length, fftbins=periodic)
    np.testing.assert_allclose(signals.get_window(name, length, periodic=periodic), theirs, atol=1e-12)


def test_an_unknown_window_lists_the_choices() -> None:
    with pytest.raises(AudioError, match="rectangular, hann, hamming, blackman; got 'han'"):
        signals.get_window("han", 16)
    with pytest.raises(AudioError, match="window length of at least 1"):
        signals.get_window("hann", 0)
    with pytest.raises(TypeError):
        signals.WINDOWS["hann"] = (1.0,)  # type: ignore[index]


# ---- the short-time Fourier transform ----

SIZES = [
    {"n_fft": 258, "hop": 64},
    {"n_fft": 257, "hop": 64},
    {"n_fft": 512, "hop": 160, "window_length": 400},
    {"n_fft": 512, "hop": 160, "window_length": 401, "window": "hamming"},
    {"n_fft": 64, "hop": 3, "window": "blackman"},  # more frames than one block
]


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_stft_is_librosas(dtype: type, sizes: dict[str, int], centred: bool) -> None:
    librosa = pytest.importorskip("librosa")
    sound = noise(8_000).astype(dtype)
    theirs = librosa.stft(
        sound,
        n_fft=sizes["n_fft"],
        hop_length=sizes["hop"],
        win_length=sizes.get("window_length"),
        window=sizes.get("window", "hann"),
        center=centred,
        pad_mode="constant",
    )
    ours = signals.stft(sound, centred=centred, **sizes)
    assert ours.dtype == theirs.dtype
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, atol=1e-5 if dtype == np.float32 else 1e-12)


def test_stft_has_the_courses_shape() -> None:
    assert signals.stft(np.zeros(8_000, np.float32), n_fft=258, hop=64).shape == (130, 126)


@pytest.mark.parametrize("sizes", SIZES)
def test_istft_gives_the_sound_back(sizes: dict[str, int]) -> None:
    sound = noise(3_000).astype(np.float64)
    spectrum = signals.stft(sound, **sizes)
    back = signals.istft(spectrum, length=3_000, **sizes)
    np.testing.assert_allclose(back, sound, atol=1e-9)
    inner = signals.istft(signals.stft(sound, centred=False, **sizes), centred=False, **sizes)
    edge = sizes["n_fft"]  # nothing overlaps the first and the last window's ends
    np.testing.assert_allclose(inner[edge:-edge], sound[edge : len(inner) - edge], atol=1e-9)


def test_istft_is_the_nearest_sound_of_a_spectrum_that_no_sound_has() -> None:
    sizes = {"n_fft": 16, "hop": 4}
    rng = np.random.default_rng(5)
    wanted = rng.standard_normal((9, 11)) + 1j * rng.standard_normal((9, 11))
    # bins 1 to 7 stand for their mirror images too
    twice = np.sqrt(np.array([1, *[2] * 7, 1]))[:, None]

    def stacked(spectrum: np.ndarray) -> np.ndarray:
        weighted = (twice * spectrum).ravel()
        return np.concatenate([weighted.real, weighted.imag])

    columns = [stacked(signals.stft(unit, **sizes)) for unit in np.eye(40)]
    nearest = np.linalg.lstsq(np.stack(columns, axis=1), stacked(wanted))[0]
    np.testing.assert_allclose(signals.istft(wanted, length=40, **sizes), nearest, atol=1e-10)


@pytest.mark.parametrize("length", [200, 256, 1_000])
def test_istft_cuts_or_pads_to_a_length_and_keeps_the_precision(length: int) -> None:
    back = signals.istft(signals.stft(noise(256), n_fft=64, hop=16), n_fft=64, hop=16, length=length)
    assert back.shape == (length,)
    assert back.dtype == np.float32
    whole = min(length, 256)
    np.testing.assert_allclose(back[:whole], noise(256)[:whole], atol=1e-5)
    assert np.abs(back[256:]).max(initial=0) < 1e-4


def test_stft_shows_a_glide_where_it_is() -> None:
    sound = signals.chirp(500, 3_500, duration_s=1, sample_rate=RATE)
    peak_hz = np.abs(signals.stft(sound, n_fft=256, hop=80)).argmax(axis=0) * RATE / 256
    time_s = np.arange(len(peak_hz)) * 80 / RATE
    np.testing.assert_allclose(peak_hz[5:-5], (500 + 3_000 * time_s)[5:-5], atol=2 * RATE / 256)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"n_fft": 256, "hop": 0}, "hop of at least 1"),
        ({"n_fft": 0, "hop": 1}, "n_fft of at least 1"),
        ({"n_fft": 256, "hop": 64, "window_length": 300}, "at most n_fft = 256"),
        ({"n_fft": 256, "hop": 64, "window_length": 0}, "window_length of at least 1"),
        ({"n_fft": 256, "hop": 64, "window": "kaiser"}, "out of rectangular"),
        ({"n_fft": 256, "hop": 64, "centred": False}, "at least n_fft = 256 samples, got 100"),
    ],
)
def test_stft_refuses(options: dict[str, int], said: str) -> None:
    with pytest.raises(AudioError, match=said):
        signals.stft(np.zeros(100), **options)


def test_istft_refuses() -> None:
    spectrum = np.zeros((129, 4), complex)
    with pytest.raises(AudioError, match=r"expected a spectrum \(65, n_frames\)"):
        signals.istft(spectrum, n_fft=128, hop=32)
    with pytest.raises(AudioError, match="leaves samples out"):
        signals.istft(spectrum, n_fft=256, hop=300)


def test_resolution_is_a_trade() -> None:
    short, long = (signals.resolution(sample_rate=16_000, n_fft=n, hop=160) for n in (256, 1_024))
    assert short == pytest.approx((16, 62.5, 10, 62.5))
    assert long.time_ms > short.time_ms
    assert long.frequency_hz < short.frequency_hz
    padded = signals.resolution(sample_rate=16_000, n_fft=1_024, hop=160, window_length=256)
    assert (padded.frequency_hz, padded.bin_hz) == (62.5, 15.625)
    for found in (short, long, padded):
        assert found.time_ms * found.frequency_hz == pytest.approx(1_000)


def test_two_tones_melt_below_the_resolution() -> None:
    def dip(n_fft: int) -> float:
        pair = sum(signals.tone(f, duration_s=1, sample_rate=RATE) for f in (1_000, 1_050))
        size = np.abs(np.fft.rfft(pair[:n_fft] * signals.get_window("hann", n_fft), 8_000))
        return float(size[1_025] / size[990:1_061].max())

    apart = signals.resolution(sample_rate=RATE, n_fft=800, hop=1).frequency_hz
    melted = signals.resolution(sample_rate=RATE, n_fft=100, hop=1).frequency_hz
    assert apart < 50 < melted
    assert dip(800) < 0.3
    assert dip(100) > 0.8


# ---- checks ----


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (np.zeros((2, 16_000)), r"mono samples \(n,\), got shape \(2, 16000\); call to_mono\(\)"),
        ([], "at least one sample"),
        ([1.0, np.nan], "NaN or infinity"),
        ([1j], "real samples"),
        (["a"], "expected numbers"),
    ],
)
def test_samples_that_are_none_are_refused(samples: object, said: str) -> None:
    with pytest.raises(AudioError, match=said):
        signals.check_mono(samples)  # type: ignore[arg-type]


def test_inputs_stay_as_they_are() -> None:
    sound = noise(1_000)
    before = sound.copy()
    signals.quantise(sound, bits=4)
    signals.stft(sound, n_fft=64, hop=16)
    signals.dft(sound)
    np.testing.assert_array_equal(sound, before)
