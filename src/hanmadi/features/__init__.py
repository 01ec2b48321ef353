"""What a network sees: the definition in NumPy, and the same in torch."""

from hanmadi.features.definition import (
    KINDS,
    FeatureConfig,
    Kind,
    compute,
    dct_matrix,
    hann_window,
    hz_to_mel,
    log_mel,
    mel_filters,
    mel_to_hz,
)

__all__ = [
    "KINDS",
    "FeatureConfig",
    "Kind",
    "compute",
    "dct_matrix",
    "hann_window",
    "hz_to_mel",
    "log_mel",
    "mel_filters",
    "mel_to_hz",
]
