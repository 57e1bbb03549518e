"""Has the sounds of the stream made: one at a time, the newest wish first, behind everyone else."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from engine.errors import Busy, Cancelled, DriftwaveError
from engine.jobs import Engine, Job, JobListener, Priority
from engine.stage.stream_grains import Sample
from engine.stage.stream_plan import Wish
from engine.types import Clip, GenerateRequest

ORIGIN: Final = "stream"
SECONDS: Final = 1.0
SLOW_MS: Final = 100.0
FAST_MS: Final = 40.0
"""Where a sound takes longer than SLOW_MS fewer steps are taken, and more again below FAST_MS."""
LIKE: Final = 0.3
"""Farthest that a sound may be from a wish to stand in for it."""
_KEPT: Final = 64
_RETRY_S: Final = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A sound that is ready.

    Attributes:
        wish: what was asked for.
        epoch: which state of the controls it was asked for in.
        sample: the sound.
        again: it was made for another wish, which asked for much the same.
    """

    wish: Wish
    epoch: int
    sample: Sample
    again: bool = False


class StreamMaker:
    """Asks the engine for sounds. `ready` is called with each, with None when one was cancelled;
    `failed` with what ends the stream.

    Both come from the engine's threads, or from within `ask`. Any thread.
    """

    def __init__(
        self,
        engine: Engine,
        voice: str,
        ready: Callable[[Made | None], None],
        failed: Callable[[DriftwaveError], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._voice = voice
        self._ready = ready
        self._failed = failed
        self._clock = clock
        self._lock = threading.Lock()
        self._job: Job | None = None
        self._asked: tuple[Wish, int] | None = None
        self._spared = False
        self._retry_at = 0.0
        self._known: OrderedDict[tuple[object, ...], tuple[Wish, Sample]] = OrderedDict()
        self._fewer = 0  # times that the steps are halved

    def check(self) -> None:
        """Raise VoiceError when the voice cannot be used."""
        self._engine.voices.find(self._voice)

    @property
    def busy(self) -> bool:
        """Whether a sound is being made, or it is too early to ask again."""
        with self._lock:
            return self._asked is not None or self._clock() < self._retry_at

    def ask(self, wish: Wish, epoch: int) -> None:
        """Have one sound made; at once when the same was made before. Not while busy."""
        with self._lock:
            known = self._known.get(wish.key)
            if known is None:
                self._asked = wish, epoch
        if known is not None:
            self._ready(Made(wish, epoch, known[1]))
            return
        usual = self._engine.voices.default_steps(self._voice)
        request = GenerateRequest(
            voice=self._voice,
            prompt=wish.prompt,
            morph=wish.morph,
            mix=wish.mix,
            seed=wish.seed,
            biases=wish.biases,
            seconds=SECONDS,
            steps=max(1, usual >> self._fewer),
        )
        try:
            job = self._engine.submit(
                request, priority=Priority.STREAM, origin=ORIGIN, keep=False, listener=_Heard(self)
            )
        except Busy:
            self._over(retry=True)
        except DriftwaveError as error:
            self._over()
            self._failed(error)
        else:
            with self._lock:
                self._job = job if self._asked is not None else None

    def like(self, wish: Wish) -> Sample | None:
        """A sound made before that comes near to a wish by its words, the last such one."""
        with self._lock:
            known = list(self._known.values())[::-1]
        near = min(known, key=lambda made: made[0].distance(wish), default=None)
        return near[1] if near is not None and near[0].distance(wish) <= LIKE else None

    def outdate(self) -> None:
        """Controls have changed: end what is being made, but never two in a row.

        While a fader moves, every second sound is finished, so that its way is heard.
        """
        with self._lock:
            job = self._job
            if job is None or self._spared:
                return
            self._spared = True
        self._engine.cancel_job(job)

    def end(self) -> None:
        """Have nothing made any more."""
        with self._lock:
            job = self._job
        if job is not None:
            self._engine.cancel_job(job)

    def _heard(self, clip: Clip) -> None:
        with self._lock:
            asked, self._asked, self._job = self._asked, None, None
            self._spared = False
            if asked is None:
                return
            wish, epoch = asked
            sample = Sample(clip.audio, clip.sample_rate)
            self._known[wish.key] = wish, sample
            if clip.milliseconds > SLOW_MS and clip.steps > 1:
                self._fewer += 1
            elif clip.milliseconds < FAST_MS and self._fewer > 0:
                self._fewer -= 1
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        self._ready(Made(wish, epoch, sample))

    def _over(self, *, retry: bool = False) -> None:
        with self._lock:
            self._asked = self._job = None
            if retry:
                self._retry_at = self._clock() + _RETRY_S


class _Heard(JobListener):
    """Hands what the engine says to the maker."""

    def __init__(self, maker: StreamMaker) -> None:
        self._maker = maker

    def clip(self, job: Job, clip: Clip) -> None:
        """The sound is there."""
        self._maker._heard(clip)

    def fail(self, job: Job, error: DriftwaveError) -> None:
        """There will be none: cancelled, by us or by somebody, or a reason to end."""
        self._maker._over()
        if isinstance(error, Cancelled):
            self._maker._ready(None)
        else:
            self._maker._failed(error)
