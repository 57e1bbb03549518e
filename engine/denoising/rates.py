"""Any sample rate: the denoiser works at 44.1 or 48 kHz, and what it takes out is resampled back.

Only what is removed passes through the resampler, so at other rates too the sound that stays is
the original's, and what lies above the denoiser's band is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.audio_files import RATES_HZ
from engine.denoising.amount import on_grid
from engine.denoising.stream import LIMIT, Stream
from engine.errors import BadRange

Array = NDArray[np.float32]

LEAD_SECONDS = 2.0
_NATIVE_HZ = (44_100, 48_000)
Delta = Callable[[Array, Array], Array]
"""What is removed of (dry, clean), as engine.denoising.amount.delta with an amount."""


def native_rate(sample_rate: int) -> int:
    """The rate at which sound of this rate is denoised: 44.1 or 48 kHz, whichever fits it.

    Raises BadRange for rates outside of what audio files may have.
    """
    if not RATES_HZ[0] <= sample_rate <= RATES_HZ[1]:
        raise BadRange(f"sample rate {sample_rate} Hz; expected {RATES_HZ[0]} to {RATES_HZ[1]} Hz")
    if sample_rate in _NATIVE_HZ:
        return sample_rate
    return 44_100 if sample_rate % 11_025 == 0 else 48_000


class Aligned:
    """Feeds a stream at its own rate; gives what goes in beside what is removed of it, in time.

    Everything that goes in comes out once, in order, in pieces of its own; ``finish`` gives the
    rest. Memory holds what lies between entry and exit alone. The stream hears the first seconds
    backwards before they come, and so knows their noise from the first sample on.
    """

    def __init__(self, stream: Stream, sample_rate: int, delta: Delta) -> None:
        self.stream, self.delta = stream, delta
        rate = native_rate(sample_rate)
        self._channels = stream.removed.shape[0]
        self._down = _Resampler(sample_rate, rate, self._channels)
        self._up = _Resampler(rate, sample_rate, self._channels)
        self._skip = stream.latency_frames
        self._lead: Array | None = np.zeros((self._channels, 0), np.float32)
        self._lead_frames = int(LEAD_SECONDS * rate)
        self._sound = np.zeros((self._channels, 0), np.float32)
        self._removed = np.zeros((self._channels, 0), np.float32)

    def feed(self, sound: Array) -> tuple[Array, Array]:
        """Takes (channels, n); gives (sound, removed), (channels, m) each, m as much as is done."""
        sound = np.clip(np.nan_to_num(sound, nan=0.0, posinf=0.0, neginf=0.0), -LIMIT, LIMIT)
        self._sound = np.concatenate((self._sound, np.asarray(sound, np.float32)), axis=1)
        self._take(self._up(self._removed_of(self._down(sound))))
        return self._give(min(self._sound.shape[1], self._removed.shape[1]))

    def finish(self) -> tuple[Array, Array]:
        """What was not given yet; nothing may be fed afterwards."""
        silence = np.zeros((self._channels, self.stream.latency_frames), np.float32)
        rest = self._removed_of(self._down(None), ended=True)
        rest = np.concatenate((rest, self._removed_of(silence)), axis=1)
        self._take(self._up(rest))
        self._take(self._up(None))
        left = self._sound.shape[1]
        missing = max(0, left - self._removed.shape[1])
        self._take(np.zeros((self._channels, missing), np.float32))
        return self._give(left)

    def run(self, blocks: Iterable[Array]) -> Iterator[tuple[Array, Array]]:
        """feed of every block, then finish."""
        for block in blocks:
            yield self.feed(block)
        yield self.finish()

    def _removed_of(self, sound: Array, ended: bool = False) -> Array:
        if self._lead is not None:
            self._lead = sound = np.concatenate((self._lead, sound), axis=1)
            if self._lead.shape[1] < self._lead_frames and not ended:
                return sound[:, :0]
            lead = self._lead[:, : self._lead_frames]
            self._skip += lead.shape[1]
            self._lead, sound = None, np.concatenate((lead[:, ::-1], sound), axis=1)
        heard = self.stream.process(sound)
        skipped = min(self._skip, sound.shape[1])
        self._skip -= skipped
        return self.delta(heard.dry[:, skipped:], heard.clean[:, skipped:])

    def _take(self, removed: Array) -> None:
        self._removed = np.concatenate((self._removed, on_grid(removed)), axis=1)

    def _give(self, count: int) -> tuple[Array, Array]:
        given = self._sound[:, :count], self._removed[:, :count]
        self._sound, self._removed = self._sound[:, count:], self._removed[:, count:]
        return given


class _Resampler:
    """Blocks (channels, n) at another rate; None = the sound has ended."""

    def __init__(self, from_hz: int, to_hz: int, channels: int) -> None:
        self._channels = channels
        self._soxr: Any = None
        if from_hz != to_hz:
            import soxr

            self._soxr = soxr.ResampleStream(from_hz, to_hz, channels, "float32", "VHQ")

    def __call__(self, block: Array | None) -> Array:
        if self._soxr is None:
            return np.zeros((self._channels, 0), np.float32) if block is None else block
        ended = block is None
        given = np.zeros((self._channels, 0), np.float32) if block is None else block
        out = self._soxr.resample_chunk(np.ascontiguousarray(given.T), last=ended)
        return np.asarray(out.reshape(-1, self._channels).T, np.float32)
