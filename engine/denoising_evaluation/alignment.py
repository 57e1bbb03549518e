"""How late a denoiser's output is, by cross-correlation, and how it is brought back in time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from engine.denoising_evaluation.instruments import voice
from engine.denoising_evaluation.seeds import generator
from engine.errors import DataError

__all__ = ["Mono", "aligned", "measured_delay", "probe"]

FloatArray = npt.NDArray[np.float32]
Mono = Callable[[FloatArray], FloatArray]
"""(T,) float32 to (T',) float32, at one rate."""

_PROBE_SECONDS = 3.0
_PROBE_SEED = 11
_LONGEST_SECONDS = 0.5
_LEAST_LIKENESS = 0.3  # correlation at the best shift


def probe(sample_rate: int) -> FloatArray:
    """A made voice without noise, (T,): speech denoisers let it pass, at any rate the same."""
    samples = round(_PROBE_SECONDS * sample_rate)
    sound = voice(generator(_PROBE_SEED, "probe"), samples, sample_rate)
    return np.asarray(0.3 * sound / np.abs(sound).max(), np.float32)


def measured_delay(process: Mono, sample_rate: int, sound: FloatArray | None = None) -> int:
    """Samples by which ``process`` is late on a sound (the probe by default), negative if early.

    Raises DataError when its output resembles the sound at no shift up to half a second.
    """
    given = probe(sample_rate) if sound is None else sound
    made = process(given)
    size = 1 << int(np.ceil(np.log2(given.size + made.size)))
    a, b = (np.asarray(x, np.float64) for x in (given, made))
    product = np.fft.irfft(np.conj(np.fft.rfft(a, size)) * np.fft.rfft(b, size), size)
    most = min(size // 2 - 1, round(_LONGEST_SECONDS * sample_rate))
    shifts = np.arange(-most, most + 1)
    correlation = product[shifts]
    best = int(np.argmax(correlation))
    likeness = float(correlation[best]) / (float(np.linalg.norm(a) * np.linalg.norm(b)) + 1e-12)
    if likeness < _LEAST_LIKENESS:
        raise DataError(
            f"no delay could be measured: the output resembles the input to {likeness:.2f} at most;"
            f" expected {_LEAST_LIKENESS} or more of a clean voice"
        )
    return int(shifts[best])


def aligned(process: Mono, sound: FloatArray, delay: int) -> FloatArray:
    """``process`` applied to (T,), its output moved back by ``delay`` samples and cut to (T,)."""
    made = process(np.pad(sound, (0, max(0, delay))))
    made = made[delay:] if delay > 0 else np.pad(made, (-delay, 0))
    return np.pad(made[: sound.size], (0, max(0, sound.size - made.size)))
