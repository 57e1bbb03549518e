"""What is measured of a denoised sound, against the clean one and the noise that was added.

Sounds are (C, T); figures of several channels are taken over all samples, or averaged.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.metrics.pairs import log_spectral_distance_db, si_sdr_db

__all__ = [
    "gaps_db", "kept_db", "level_db", "measure", "multi_resolution", "onset_frames", "onsets_db",
]  # fmt: skip

Floats = npt.NDArray[np.float64]

_FRAME_SECONDS = 0.02
_SOUNDING_DB = 40.0  # below the loudest frame: still sounds
_SILENT_DB = 60.0  # below the loudest frame: a gap
_MOST_DB = 100.0  # figures of ratios end here
_WINDOWS = (2048, 1024, 512)
_RANGE = 1e-4  # of the loudest bin, 80 dB: quieter is silence
_ONSET_HOP_SECONDS = 0.005
_ONSET_BEFORE, _ONSET_AFTER = 4, 4  # hops: 20 ms
_ONSET_RISE_DB, _ONSET_RANGE_DB = 6.0, 30.0
_ONSET_APART = 12  # hops: 60 ms


def measure(
    clean: npt.ArrayLike, noise: npt.ArrayLike, other: npt.ArrayLike, sample_rate: int
) -> dict[str, float | None]:
    """Every figure of a denoised sound ``other``; None where the sound gives no occasion.

    si_sdr_db, improvement_db: Le Roux et al. 2019, and what was gained over clean + noise.
    log_spectral_db, multi_resolution: distances to the clean sound. onset_db: energy of the 20 ms
    after onsets; onset_error_db: mean size of that. level_db: root mean square where the clean
    sound is heard. kept_db: gain of the clean sound within. gap_db: against the noise in gaps.
    """
    x, n, y = (np.atleast_2d(np.asarray(each, np.float64)) for each in (clean, noise, other))
    found, before = si_sdr_db(x, y), si_sdr_db(x, x + n)
    onsets = onsets_db(x, y, sample_rate)
    return {
        "si_sdr_db": min(_MOST_DB, found),
        "improvement_db": found - before if np.any(n) else None,
        "log_spectral_db": _mean(
            [log_spectral_distance_db(a, b) for a, b in zip(x, y, strict=True)]
        ),
        "multi_resolution": multi_resolution(x, y),
        "onset_db": None if onsets is None else float(onsets.mean()),
        "onset_error_db": None if onsets is None else float(np.abs(onsets).mean()),
        "level_db": level_db(x, y, sample_rate),
        "kept_db": kept_db(x, y),
        "gap_db": gaps_db(x, n, y, sample_rate),
    }


def multi_resolution(clean: Floats, other: Floats) -> float:
    """Multi-resolution STFT distance (Yamamoto et al. 2020, eqs. 3-6), no unit; 0 of equal sounds.

    Spectral convergence plus mean |difference| of log magnitudes, over windows of 2048, 1024 and
    512 samples with a hop of a quarter; magnitudes 80 dB below the clean sound's peak are floored.
    """
    distances = []
    for left, right in zip(clean, other, strict=True):
        for window in _WINDOWS:
            a, b = _magnitudes(left, window), _magnitudes(right, window)
            floor = float(a.max()) * _RANGE + 1e-9
            convergence = np.linalg.norm(a - b) / max(floor, float(np.linalg.norm(a)))
            logs = np.abs(np.log(np.maximum(a, floor)) - np.log(np.maximum(b, floor)))
            distances.append(float(convergence) + float(logs.mean()))
    return _mean(distances)


def level_db(clean: Floats, other: Floats, sample_rate: int) -> float:
    """Root mean square of ``other`` against the clean sound's, where that one is heard.

    Heard: frames of 20 ms within 40 dB of the clean sound's loudest.
    """
    power, denoised = _frame_power(clean, sample_rate), _frame_power(other, sample_rate)
    heard = power > power.max() * 10 ** (-_SOUNDING_DB / 10)
    return _ratio_db(float(denoised[heard].sum()), float(power[heard].sum()))


def kept_db(clean: Floats, other: Floats) -> float:
    """Gain at which the clean sound is in ``other``: <other, clean> / |clean|^2, as amplitude."""
    energy = float((clean**2).sum())
    gain = max(0.0, float((clean * other).sum())) / energy if energy else 0.0
    return _ratio_db(gain**2, 1.0)


def gaps_db(clean: Floats, noise: Floats, other: Floats, sample_rate: int) -> float | None:
    """What is left of the noise where the clean sound is silent (60 dB below its loudest frame)."""
    power = _frame_power(clean, sample_rate)
    silent = power < power.max() * 10 ** (-_SILENT_DB / 10)
    before = float(_frame_power(noise, sample_rate)[silent].sum())
    if not before:
        return None
    return _ratio_db(float(_frame_power(other, sample_rate)[silent].sum()), before)


def onset_frames(clean: Floats, sample_rate: int) -> npt.NDArray[np.int64]:
    """Samples at which the clean sound's level rises by 6 dB or more within 20 ms.

    The level is that of hops of 5 ms; only what comes within 30 dB of the loudest hop counts, and
    of rises less than 60 ms apart the steepest.
    """
    hop = max(1, round(_ONSET_HOP_SECONDS * sample_rate))
    power = _frame_power(clean, sample_rate, hop)
    level = 10 * np.log10(power + 1e-12 * max(1e-12, float(power.max())))
    before = np.pad(level, (_ONSET_BEFORE, 0), constant_values=level.min())
    recent = np.lib.stride_tricks.sliding_window_view(before, _ONSET_BEFORE)[: level.size]
    rise = level - recent.max(axis=1)
    loud = level > level.max() - _ONSET_RANGE_DB
    found: list[int] = []
    for hop_number in np.argsort(-rise, kind="stable"):
        if rise[hop_number] < _ONSET_RISE_DB:
            break
        if loud[hop_number] and all(abs(hop_number - other) >= _ONSET_APART for other in found):
            found.append(int(hop_number))
    return np.sort(np.array(found, np.int64)) * hop


def onsets_db(clean: Floats, other: Floats, sample_rate: int) -> Floats | None:
    """Energy of the 20 ms from each onset on, against the clean sound's; None without onsets."""
    length = round(_ONSET_AFTER * _ONSET_HOP_SECONDS * sample_rate)
    places = onset_frames(clean, sample_rate)
    if not places.size:
        return None
    return np.array([
        _ratio_db(
            float((other[:, at : at + length] ** 2).sum()),
            float((clean[:, at : at + length] ** 2).sum()),
        )
        for at in places
    ])  # fmt: skip


def _frame_power(sound: Floats, sample_rate: int, length: int = 0) -> Floats:
    """Mean square of whole frames over all channels, (frames,); a frame is 20 ms by default."""
    length = length or max(1, round(_FRAME_SECONDS * sample_rate))
    frames = sound.shape[1] // length
    kept = sound[:, : frames * length].reshape(sound.shape[0], frames, length)
    return np.asarray((kept**2).mean(axis=(0, 2)))


def _magnitudes(sound: Floats, window: int) -> Floats:
    padded = np.pad(sound, (window // 2, window))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[:: window // 4]
    return np.abs(np.fft.rfft(frames * np.hanning(window), axis=1))


def _ratio_db(one: float, other: float) -> float:
    """10 log10 of a ratio of energies, within +-100 dB."""
    if not other:
        return 0.0 if not one else _MOST_DB
    return float(np.clip(10 * np.log10(max(one / other, 1e-30)), -_MOST_DB, _MOST_DB))


def _mean(values: list[float]) -> float:
    return float(np.mean(values))
