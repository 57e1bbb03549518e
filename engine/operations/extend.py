"""Go on from the end of a clip."""

from __future__ import annotations

import math

import numpy as np

from engine.errors import BadRange
from engine.operations.bench import Bench, Made
from engine.operations.plain import source_at_rate
from engine.operations.waves import as_mono, at_rate, fitted, played, spliced, spread
from engine.operations.windows import extended, runs_to_extend
from engine.types import Continue, FloatArray

__all__ = ["OVERLAP_S", "extend"]

OVERLAP_S = 0.030
"""The source's last samples fade into its continuation: there it may itself fade out."""

_FADE_OUT_S = 0.008
_REACH = 24  # latent frames before the joint that the decoder hears


def extend(bench: Bench, operation: Continue) -> Made:
    """The source and `seconds` more; all but its last OVERLAP_S stay to the bit."""
    voice, codec = bench.voice, bench.voice.codec
    source, rate = source_at_rate(bench)
    kept = played(source)
    samples, more = kept.shape[1], round(operation.seconds * rate)
    if not 0 < more <= voice.max_seconds * rate:
        raise BadRange(
            f"seconds is {operation.seconds:g}; voice {voice.name!r} goes on for more than 0, "
            f"at most {voice.max_seconds:g}"
        )
    hop = codec.hop_frames
    mono = at_rate(as_mono(source), rate, voice.sample_rate)
    overlap = min(OVERLAP_S, 0.25 * samples / rate)
    known = max(1, int((samples / rate - overlap) * voice.sample_rate / hop))
    total = math.ceil((samples + more) * voice.sample_rate / rate / hop)
    heard = min(known, codec.longest_frames)
    latent = bench.encode(mono[(known - heard) * hop :], heard)
    bench.expect(runs_to_extend(bench, heard, heard + total - known))
    latent = extended(bench, latent, heard + total - known)
    reach = min(heard, _REACH)
    tail = np.zeros(total * hop, dtype=np.float32)
    tail[(known - reach) * hop :] = bench.decode(latent[..., heard - reach :])
    new = spread(at_rate(tail, voice.sample_rate, rate, samples + more), kept)
    new[:, samples + more - round(_FADE_OUT_S * rate) :] *= _fall(round(_FADE_OUT_S * rate))
    joint = samples - round(overlap * rate)
    longer = fitted(kept, samples + more)
    return Made(spliced(longer, new, joint, samples + more, round(overlap * rate)), rate)


def _fall(length: int) -> FloatArray:
    turn = 0.5 + 0.5 * np.cos(np.pi * (np.arange(length) + 0.5) / max(length, 1))
    return np.asarray(turn, dtype=np.float32)
