"""Sounds at another rate, by their spectrum: numpy alone, no delay, the top tapered."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import RecipeError

Array = NDArray[np.float32]
_TAPER = 0.08  # share of the kept band over which it fades: a brick wall would ring
_ROOM_SECONDS = 0.02  # silence around the sound, so that its ends do not meet


def resample(audio: Array, from_rate: int, to_rate: int) -> Array:
    """(T,) audio to (ceil(T * to_rate / from_rate),); what the lower rate cannot hold is gone.

    Raises RecipeError for rates that are not positive.
    """
    if min(from_rate, to_rate) < 1:
        raise RecipeError(f"cannot resample from {from_rate} Hz to {to_rate} Hz; expected 1 or up")
    if from_rate == to_rate or not audio.size:
        return np.asarray(audio, np.float32)
    divisor = math.gcd(from_rate, to_rate)
    up, down = to_rate // divisor, from_rate // divisor
    # both lengths are whole numbers, and the shift of the room in front is too
    room = -(-int(_ROOM_SECONDS * from_rate) // down) * down
    size = -(-(audio.size + 2 * room) // down) * down
    spectrum = np.fft.rfft(np.pad(np.asarray(audio, np.float64), (room, size - room - audio.size)))
    made = size // down * up
    kept = min(size, made) // 2 + 1
    fade = max(1, int(_TAPER * kept))
    gain = np.ones(kept)
    gain[kept - fade :] = 0.5 + 0.5 * np.cos(np.pi * (np.arange(fade) + 1) / fade)
    whole = np.zeros(made // 2 + 1, np.complex128)
    whole[:kept] = spectrum[:kept] * gain
    out = np.fft.irfft(whole, made) * (made / size)
    begin = room // down * up
    return np.asarray(out[begin : begin + -(-audio.size * up // down)], np.float32)


def resampled_shard(table: Mapping[str, NDArray[Any]], sample_rate: int) -> dict[str, Any]:
    """An audio shard's arrays with all sounds at ``sample_rate``; the rest stays as it is."""
    old = int(table["sample_rate"])
    sounds = []
    for begin, count in zip(table["start"].tolist(), table["length"].tolist(), strict=True):
        sound = (table["audio"][begin : begin + count] / 32767.0).astype(np.float32)
        made = resample(sound, old, sample_rate)
        made = made / np.float32(max(1.0, float(np.abs(made).max(initial=0.0))))
        sounds.append(np.round(made * 32767.0).astype(np.int16))
    length = np.array([sound.size for sound in sounds])
    return {
        **table,
        "sample_rate": np.int64(sample_rate),
        "audio": np.concatenate(sounds),
        "start": np.concatenate([[0], np.cumsum(length)[:-1]]),
        "length": length,
    }
