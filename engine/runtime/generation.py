"""A voice that is ready: from a request to a finished sound.

Written once for every runtime: a runtime brings only the networks (class Networks).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.errors import BadRange
from engine.operations import make
from engine.runtime.bench import Networks, Progress, RuntimeBench
from engine.runtime.guide import guide_of
from engine.schedules import MAX_STEPS
from engine.types import FloatArray, Generated, GenerateRequest
from engine.voice import Voice

__all__ = ["LoadedVoice", "Networks"]


@dataclass(frozen=True)
class LoadedVoice:
    """A voice that is ready to make sound. Calls may come from one thread at a time."""

    voice: Voice
    networks: Networks

    def generate(
        self,
        request: GenerateRequest,
        *,
        index: int = 0,
        on_step: Callable[[int, int], None] = lambda _done, _steps: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Generated:
        """Makes variation `index` of a request, whichever operation it asks for.

        The result depends on the voice, the request and the index alone, never on what else
        was asked for before or at the same time. on_step(done, steps) is called after every
        sampler step. Raises Cancelled between steps, BadRange for values out of range.
        """
        if request.seed is None:
            raise BadRange("a request needs a seed before it reaches the runtime")
        if not 1 <= request.steps <= MAX_STEPS:
            raise BadRange(f"steps is {request.steps}; expected 1 to {MAX_STEPS}")
        if not 0.0 <= request.strength <= 1.0:
            raise BadRange(f"strength is {request.strength}; expected 0 to 1")
        guide = guide_of(self.voice, request, index)
        _check_source(request.source, request.source_rate)
        _check_source(request.other, request.other_rate)
        progress = Progress(on_step, cancelled)
        progress.check()
        made = make(RuntimeBench(self.voice, self.networks, request, index, progress, guide))
        return Generated(
            audio=made.audio,
            words_understood=guide.first.words_understood,
            words_unknown=guide.first.words_unknown,
            conditions=guide.first.record,
            sample_rate=made.sample_rate,
        )


def _check_source(source: FloatArray | None, rate: int) -> None:
    if source is None:
        return
    if source.ndim != 2 or source.size == 0 or not np.isfinite(source).all():
        raise BadRange(
            f"a source of shape {source.shape}; expected (channels, frames) of finite samples, "
            "not empty"
        )
    if not 1_000 <= rate <= 768_000:
        raise BadRange(f"source_rate is {rate}; expected 1000 to 768000 Hz")
