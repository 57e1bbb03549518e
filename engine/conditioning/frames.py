"""Conditions along time: mel frames for vocoders, sketches to draw, the place in a sound.

A sketch is two curves in 0..1: loudness (RMS from -60 dB to 0 dB of a sound whose peak is 0.95)
and brightness (the spectral centroid from 20 Hz, ten octaves up; 0 where the sound is silent).
A place is how long ago the sound began, told by four curves that fall from 1 to -1 at different
rates: what a network of limited sight needs to know where in a one-shot it is.

numpy only, so that training, runtime and a beatbox are measured alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engine.errors import RecipeError

__all__ = [
    "FRAME_SECONDS",
    "SKETCH",
    "FrameSettings",
    "mel",
    "mel_amplitude",
    "mel_filters",
    "mel_frames",
    "place",
    "sketch",
    "sketch_of",
]

Floats = NDArray[np.float32]

SKETCH = ("loudness", "brightness")
"""The curves of a sketch, in order."""
FRAME_SECONDS = 1024 / 44_100
"""What one frame of a sketch covers: a latent frame of the codec."""
KINDS = ("", "mel", "sketch", "place")
_PLACE_SECONDS = (0.004, 0.016, 0.064, 0.256)  # in which a curve of place falls to 1 / e
SCALES = ("decibels", "lmnt")
_MEL_FLOOR_DB, _MEL_RANGE_DB = -80.0, 40.0  # mel frames are (dB - floor) / range - 1
_LOW_HZ = 20.0
_QUIET_DB = -60.0
_OCTAVES = 10.0
_PEAK = 0.95


@dataclass(frozen=True)
class FrameSettings:
    """Table [data.condition] of a recipe: which frames a network is told."""

    kind: str = ""  # "" = none | mel | sketch | place
    hop: int = 256  # samples a frame of mel or place; the network's upsampling, multiplied
    bands: int = 80  # of mel
    scale: str = "decibels"  # of mel; lmnt: as the vocoders of that name were trained with
    # of mel: the network works on sound whose spectrum the frames have been taken out of
    # (engine.codecs.shaping), and what it makes is matched to the frames so many times
    shaped: bool = False
    matched: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise RecipeError(f"condition kind is {self.kind!r}; expected mel, sketch or place")
        if (self.shaped or self.matched) and self.kind != "mel":
            raise RecipeError(
                f"condition {self.kind!r} is shaped or matched; expected that of mel alone"
            )
        if self.scale not in SCALES or (self.scale != "decibels" and (self.shaped or self.matched)):
            raise RecipeError(
                f"condition has the scale {self.scale!r}; expected decibels, or lmnt of frames "
                "that shape and match nothing"
            )
        if self.hop < 1 or self.bands < 1 or self.matched < 0:
            raise RecipeError(
                f"condition has hop {self.hop}, bands {self.bands}, matched {self.matched}; "
                "expected 1, 1 and 0 at least"
            )

    @property
    def channels(self) -> int:
        """M of the frames; 0 = none."""
        known = {"mel": self.bands, "sketch": len(SKETCH), "place": len(_PLACE_SECONDS)}
        return known.get(self.kind, 0)


def mel_frames(audio: Floats, sample_rate: int, told: FrameSettings) -> Floats:
    """(T,) audio to the mel frames (bands, ceil(T / hop)) that ``told`` describes."""
    if told.scale == "lmnt":
        return _lmnt_mel(audio, sample_rate, told.hop, told.bands)
    return mel(audio, sample_rate, told.hop, told.bands)


def mel(audio: Floats, sample_rate: int, hop: int, bands: int) -> Floats:
    """(T,) audio to log-mel frames (bands, ceil(T / hop)), about -1 (-80 dB) to 1 (0 dB).

    Frame i is centred on sample i * hop + hop / 2, through a Hann window of 4 hops whose
    spectrum is scaled so that a full-scale sine has amplitude 1.
    """
    frames = -(-audio.size // hop)
    size = 4 * hop
    padded = np.pad(np.asarray(audio, np.float64), (size // 2 - hop // 2, size + hop))
    view = np.lib.stride_tricks.sliding_window_view(padded, size)[: frames * hop : hop]
    window = np.hanning(size + 1)[:-1]
    amplitude = np.abs(np.fft.rfft(view * window, axis=1)) * (2.0 / window.sum())
    level = 20.0 * np.log10(mel_filters(sample_rate, size, bands) @ amplitude.T + 1e-7)
    scaled = (np.maximum(level, _MEL_FLOOR_DB) - _MEL_FLOOR_DB) / _MEL_RANGE_DB - 1.0
    return np.asarray(scaled, np.float32)


def _lmnt_mel(audio: Floats, sample_rate: int, hop: int, bands: int) -> Floats:
    """0 (-100 dB) to 1 (0 dB), 20 dB down: what lmnt's DiffWave and WaveGrad are told.

    Frame i is centred on sample i * hop, through a Hann window of 4 hops in a transform of the
    next power of two, over the root of the window's energy; triangles rise to 1.
    """
    frames, width = -(-audio.size // hop), 4 * hop
    size = 1 << (width - 1).bit_length()
    padded = np.pad(np.asarray(audio, np.float64), size // 2, mode="reflect")
    view = np.lib.stride_tricks.sliding_window_view(padded, size)[: frames * hop : hop]
    window = np.zeros(size)
    window[(size - width) // 2 : (size + width) // 2] = np.hanning(width + 1)[:-1]
    amplitude = np.abs(np.fft.rfft(view * window, axis=1)) / np.sqrt((window**2).sum())
    level = _triangles(sample_rate, size, bands) @ amplitude.T
    scaled = (20.0 * np.log10(np.maximum(level, 1e-5)) + 80.0) / 100.0
    return np.asarray(np.clip(scaled, 0.0, 1.0), np.float32)


def mel_amplitude(frames: Floats | np.float32) -> NDArray[np.float64]:
    """The bands' amplitudes that frames stand for, where a full-scale sine has 1."""
    level = (np.asarray(frames, np.float64) + 1.0) * _MEL_RANGE_DB + _MEL_FLOOR_DB
    return np.asarray(10.0 ** (level / 20.0))


def place(frames: int, sample_rate: int, hop: int) -> Floats:
    """Curves (4, frames) of a sound that begins with frame 0, each frame told at its middle."""
    seconds = (np.arange(frames) + 0.5) * hop / sample_rate
    falls = [2.0 * np.exp(-seconds / each) - 1.0 for each in _PLACE_SECONDS]
    return np.asarray(np.stack(falls), np.float32)


def sketch(audio: Floats, starts: NDArray[np.int64], size: int, sample_rate: int) -> Floats:
    """Curves (2, L) of (T,) audio in windows of ``size`` samples centred on starts + size / 4."""
    padded = np.pad(np.asarray(audio, np.float64), (size // 4, size))
    parts = padded[starts[:, None] + np.arange(size)]
    power_db = 10.0 * np.log10((parts**2).mean(axis=1) + 1e-12)
    spectrum = np.abs(np.fft.rfft(parts * np.hanning(size), axis=1))
    hertz = np.fft.rfftfreq(size, 1.0 / sample_rate)
    centroid = (spectrum @ hertz) / (spectrum.sum(axis=1) + 1e-12)
    loudness = np.clip(1.0 - power_db / _QUIET_DB, 0.0, 1.0)
    octave = np.log2(np.maximum(centroid, _LOW_HZ) / _LOW_HZ) / _OCTAVES
    brightness = np.where(loudness > 0.0, np.clip(octave, 0.0, 1.0), 0.0)
    return np.asarray(np.stack((loudness, brightness)), np.float32)


def sketch_of(audio: Floats, sample_rate: int, *, frame_seconds: float = FRAME_SECONDS) -> Floats:
    """Curves (2, L) of any sound, such as a beatbox: (T,) or (C, T), L = T / frame, rounded up.

    The sound is first brought to the peak of training sounds; silence gives zeros.
    """
    mono = np.nan_to_num(np.asarray(audio, np.float32))
    mono = mono.mean(axis=0) if mono.ndim == 2 else mono
    if mono.size == 0:
        return np.zeros((len(SKETCH), 0), np.float32)
    peak = float(np.abs(mono).max())
    level = np.float32(_PEAK / peak if peak > 1e-4 else 0.0)
    hop = sample_rate * frame_seconds
    frames = int(np.ceil(mono.size / hop - 1e-6))
    starts = np.round(np.arange(frames) * hop).astype(np.int64)
    return sketch(mono * level, starts, 2 * round(hop), sample_rate)


@lru_cache(maxsize=8)
def mel_filters(sample_rate: int, size: int, bands: int) -> NDArray[np.float64]:
    """Triangles evenly spaced in mel from 20 Hz to half the rate, (bands, bins); each sums to 1."""
    triangles = _triangles(sample_rate, size, bands).copy()
    hertz = np.fft.rfftfreq(size, 1.0 / sample_rate)
    centres = _band_hertz(sample_rate, bands)[1:-1]
    for band, row in enumerate(triangles):  # low bands can be narrower than a bin
        if not row.any():
            row[np.argmin(np.abs(hertz - centres[band]))] = 1.0
    return np.asarray(triangles / triangles.sum(axis=1, keepdims=True))


def _band_hertz(sample_rate: int, bands: int) -> NDArray[np.float64]:
    """(bands + 2,): lower edge, centres and upper edge, evenly spaced in mel."""
    top = 2595.0 * np.log10(1.0 + sample_rate / 2.0 / 700.0)
    low = 2595.0 * np.log10(1.0 + _LOW_HZ / 700.0)
    return np.asarray(700.0 * (10.0 ** (np.linspace(low, top, bands + 2) / 2595.0) - 1.0))


@lru_cache(maxsize=8)
def _triangles(sample_rate: int, size: int, bands: int) -> NDArray[np.float64]:
    """(bands, bins) that rise to 1 at the bands' centres."""
    hertz, bins = _band_hertz(sample_rate, bands), np.fft.rfftfreq(size, 1.0 / sample_rate)
    rise = (bins - hertz[:-2, None]) / (hertz[1:-1] - hertz[:-2])[:, None]
    fall = (hertz[2:, None] - bins) / (hertz[2:] - hertz[1:-1])[:, None]
    return np.asarray(np.maximum(0.0, np.minimum(rise, fall)))
