"""Make a region of a clip anew, told what surrounds it.

The sampler's denoised latents are replaced by the source's outside the region at every step
(RePaint, Lugmayr et al. 2022, sec. 4.1; here on D, which every sampler shares). In the waveform
the region is then spliced into the source, which stays to the bit outside it.
"""

from __future__ import annotations

import numpy as np

from engine.errors import BadRange
from engine.operations.bench import LEAST_STRENGTH, Bench, Draw, Made
from engine.operations.plain import source_at_rate
from engine.operations.waves import CROSSFADE_S, as_mono, at_rate, played, spliced, spread
from engine.types import Inpaint

__all__ = ["inpaint"]

_SHORTEST_S = 0.005


def inpaint(bench: Bench, operation: Inpaint) -> Made:
    """The source with [start, end) made anew; see CROSSFADE_S for where they meet."""
    voice, codec = bench.voice, bench.voice.codec
    source, rate = source_at_rate(bench)
    kept = played(source)
    samples = kept.shape[1]
    start, end = round(operation.start * rate), min(round(operation.end * rate), samples)
    _check(operation, start, end, samples, rate)
    if operation.strength < LEAST_STRENGTH:
        return Made(kept, rate)
    mono = at_rate(as_mono(source), rate, voice.sample_rate)
    hop = codec.hop_frames
    to_frames = voice.sample_rate / rate / hop
    whole = max(int(np.ceil(mono.size / hop)), codec.shortest_frames)
    low, high = int(start * to_frames), min(int(np.ceil(end * to_frames)), whole)
    first, last = _window(low, high, whole, codec.longest_frames)
    if last - first > voice.max_seconds * voice.sample_rate / hop:
        raise BadRange(
            f"region of {operation.end - operation.start:g} s; voice {voice.name!r} makes at most "
            f"{voice.max_seconds:g} s at once"
        )
    keep = np.ones((1, 1, last - first), dtype=np.float32)
    keep[..., low - first : high - first] = 0.0
    clean = bench.encode(mono[first * hop :], last - first)
    made = bench.sample(Draw(last - first, clean=clean, start=operation.strength, keep=keep))
    sound = np.zeros(whole * hop, dtype=np.float32)
    sound[first * hop : last * hop] = bench.decode(made)
    new = spread(at_rate(sound, voice.sample_rate, rate, samples), kept)
    return Made(spliced(kept, new, start, end, round(CROSSFADE_S * rate)), rate)


def _window(low: int, high: int, whole: int, longest: int) -> tuple[int, int]:
    """Frames to look at: all of a short clip, else the region with as much on both sides."""
    if whole <= longest:
        return 0, whole
    around = max((longest - (high - low)) // 2, longest // 8)
    first = max(0, low - around)
    return first, min(whole, max(high + around, first + longest))


def _check(operation: Inpaint, start: int, end: int, samples: int, rate: int) -> None:
    if not (0 <= start < samples and end - start >= _SHORTEST_S * rate):
        raise BadRange(
            f"region {operation.start:g} to {operation.end:g} s; expected two times within the "
            f"source's {samples / rate:g} s, at least {_SHORTEST_S:g} s apart"
        )
