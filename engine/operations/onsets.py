"""Where sounds begin in a recording, to a few milliseconds, also over noise and ringing tails.

Spectral flux over logarithmic bands finds that something begins (Böck and Widmer, "Maximum
filter vibrato suppression for onset detection", DAFx 2013, is the idea); the rise of the band
that changed most says when.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SAMPLE_RATE = 44_100
"""Recordings are brought to this rate before they are listened to."""

Array = npt.NDArray[np.float64]

_WINDOW, _HOP = 1024, 128
_BANDS = 32
_LAG = 4  # frames, 12 ms: over which a band must have risen
_MOST_RISE = 1.5  # decades a band adds at most, so that no single one decides
_LEAST_FLUX = 0.11  # of a strong onset in the same recording
_AROUND_S, _APART_S, _PEAK_S = 0.12, 0.05, 0.015
_EARLY_S, _LATE_S, _TOP_S = 0.012, 0.006, 0.025  # before and after the frame of most change
_RISEN = 0.2  # of the way from before to the peak: where a sound is heard to begin
_AFTER_S, _BEFORE_S = (0.002, 0.016), (0.020, 0.003)  # where a sound is compared with before
_MOST_LOUDER, _LEAST_LASTING = 9.0, 0.7
_SPLIT_HZ = (250.0, 2_500.0)


@dataclass(frozen=True, slots=True)
class Onset:
    """One beginning: its sample at SAMPLE_RATE, and how clear it is (1 = as the clearest)."""

    frame: int
    clearness: float


def onsets(sound: Array) -> list[Onset]:
    """The onsets of mono `(T,)` at SAMPLE_RATE, in order."""
    if len(sound) < _WINDOW or not np.abs(sound).max():
        return []
    flux = _flux(_band_energies(sound))
    clear = float(np.quantile(flux[flux > 0], 0.995)) if (flux > 0).any() else 0.0
    if clear <= 0.0:
        return []
    envelopes = _envelopes(sound)
    found: list[Onset] = []
    for place in _peaks(flux, clear):
        onset = Onset(_begin(envelopes, place * _HOP), float(min(1.0, flux[place] / clear)))
        if _lasting(envelopes, onset.frame) < _LEAST_LASTING:
            continue
        if not found or onset.frame - found[-1].frame > _APART_S * SAMPLE_RATE:
            found.append(onset)
        elif onset.clearness > found[-1].clearness:
            found[-1] = onset
    return found


def _band_energies(sound: Array) -> Array:
    """Decades of energy above the noise in `(frames, bands)`; frame n is centred on n * _HOP."""
    padded = np.pad(sound, (_WINDOW // 2, _WINDOW))
    view = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    power = np.abs(np.fft.rfft(view * np.hanning(_WINDOW), axis=1)) ** 2
    hertz = np.fft.rfftfreq(_WINDOW, 1.0 / SAMPLE_RATE)
    edges = np.geomspace(35.0, 17_000.0, _BANDS + 1)
    energy = np.stack(
        [
            power[:, (hertz >= low) & (hertz < high)].sum(axis=1)
            if ((hertz >= low) & (hertz < high)).any()
            else power[:, np.argmin(np.abs(hertz - (low + high) / 2))]
            for low, high in itertools.pairwise(edges)
        ],
        axis=1,
    )
    # Noise of the recording itself, and of a sound 60 dB below its loudest moment.
    floor = np.quantile(energy, 0.2, axis=0) * 4.0
    floor = np.maximum(floor, energy.sum(axis=1).max() * 1e-6)
    return np.asarray(np.log10(np.maximum(energy, floor) / floor))


def _flux(energies: Array) -> Array:
    """How much rises at each frame: bands against the neighbourhood they had 12 ms before."""
    wide = np.maximum(energies, np.maximum(_shifted(energies, 1), _shifted(energies, -1)))
    before = np.pad(wide, ((_LAG, 0), (0, 0)))[: len(wide)]
    rise = np.clip(energies - before, 0.0, _MOST_RISE)
    return np.asarray(rise.sum(axis=1))


def _shifted(energies: Array, by: int) -> Array:
    shifted = np.zeros_like(energies)
    if by > 0:
        shifted[:, by:] = energies[:, :-by]
    else:
        shifted[:, :by] = energies[:, -by:]
    return shifted


def _peaks(flux: Array, clear: float) -> list[int]:
    """Frames where the flux is highest around and stands out."""
    around = round(_AROUND_S * SAMPLE_RATE / _HOP)
    near = round(_PEAK_S * SAMPLE_RATE / _HOP)
    found = []
    for n in np.flatnonzero(flux > _LEAST_FLUX * clear):
        near_by = flux[max(0, n - near) : n + near + 1]
        wide = flux[max(0, n - around) : n + around + 1]
        if flux[n] >= near_by.max() and flux[n] > wide.mean() + 0.08 * clear:
            found.append(int(n))
    return found


def _envelopes(sound: Array) -> list[Array]:
    """Smooth 1 ms envelopes of the low, middle and high part of the sound."""
    size = 1 << (len(sound) + SAMPLE_RATE // 10).bit_length()
    spectrum = np.fft.rfft(sound, size)
    hertz = np.fft.rfftfreq(size, 1.0 / SAMPLE_RATE)
    low, high = (1.0 / (1.0 + (hertz / edge) ** 4) for edge in _SPLIT_HZ)
    smooth = np.hanning(round(0.0015 * SAMPLE_RATE) | 1)
    smooth /= smooth.sum()
    parts = []
    for weight in (low, high - low, 1.0 - high):
        part = np.fft.irfft(spectrum * weight, size)[: len(sound)]
        parts.append(np.convolve(np.abs(part), smooth, mode="same"))
    return parts


def _begin(envelopes: list[Array], about: int) -> int:
    """The sample near `about` at which the part that rises most begins to."""
    early, late, after = (round(t * SAMPLE_RATE) for t in (_EARLY_S, _LATE_S, _TOP_S))
    start, end = max(0, about - early), about + late
    best, frame = -1.0, about
    for envelope in envelopes:
        part = envelope[start:end]
        before = float(np.median(envelope[max(0, start - 2 * early) : start + early // 4]))
        height = float(envelope[start : about + after].max(initial=0.0)) - before
        if height <= 0.0:
            continue
        contrast = height / (before + 0.02 * float(envelope.max()) + 1e-12) * height**0.5
        if contrast > best:
            best = contrast
            risen = np.flatnonzero(part > before + _RISEN * height)
            frame = start + int(risen[0]) if len(risen) else about
    return frame


def _lasting(envelopes: list[Array], frame: int) -> float:
    """How much louder a part is after `frame` than before, and how loud in the recording.

    0.7 and more for sounds; less for the click with which a tail is cut off, and for rumble.
    """
    from_, to = (frame + round(t * SAMPLE_RATE) for t in _AFTER_S)
    early, late = (max(0, frame - round(t * SAMPLE_RATE)) for t in _BEFORE_S)
    most = 0.0
    for envelope in envelopes:
        if not len(envelope[from_:to]):
            continue
        after = float(np.median(envelope[from_:to]))
        before = float(np.median(envelope[early : late + 1]))
        loud = after / (float(envelope.max()) + 1e-12)
        most = max(most, min(_MOST_LOUDER, after / (before + 1e-12)) * loud**0.5)
    return most
