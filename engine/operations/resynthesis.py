"""Send any sound through the voice's codec."""

from __future__ import annotations

import math

from engine.operations.bench import Bench, Made
from engine.operations.finish import finish
from engine.operations.plain import source_at_rate, source_latent
from engine.operations.waves import at_rate, played, spread

__all__ = ["resynthesise"]


def resynthesise(bench: Bench) -> Made:
    """The source as the codec hears it, at the source's rate and length."""
    voice = bench.voice
    source, rate = source_at_rate(bench)
    hop_s = voice.codec.hop_frames / voice.sample_rate
    frames = max(math.ceil(source.shape[1] / rate / hop_s), voice.codec.shortest_frames)
    sound = at_rate(bench.decode(source_latent(bench, frames)), voice.sample_rate, rate)
    return Made(finish(spread(sound, played(source)), source.shape[1], rate), rate)
