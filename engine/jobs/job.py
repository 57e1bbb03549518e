"""One job: a request on its way through the engine, and who listens to it."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from engine.errors import Cancelled, DriftwaveError, OutOfMemory, StorageError
from engine.jobs.queue import Priority
from engine.jobs.requests import source_bytes
from engine.jobs.sources import Sources
from engine.types import Clip, GenerateRequest

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is.

    Attributes:
        fraction: 0..1 of the whole job.
        step, steps: sampler steps done and to do, over all variations.
        index: variation being made.
        eta_s: estimated seconds left, without the waiting between turns.
    """

    fraction: float
    step: int
    steps: int
    index: int
    eta_s: float


class JobListener:
    """What a door hears of its job; override what you need.

    After `queued` come `progress` and `clip`, then exactly one of `done` and `fail`. The
    calls of one job never overlap. Return quickly: other jobs wait meanwhile. An exception
    is logged and goes no further.
    """

    def queued(self, job: Job, position: int) -> None:
        """The job was accepted; `position` jobs go before it."""

    def progress(self, job: Job, progress: Progress) -> None:
        """A sampler step is done."""

    def clip(self, job: Job, clip: Clip) -> None:
        """A variation is finished; it may not be on disk yet."""

    def not_stored(self, job: Job, clip: Clip, error: StorageError) -> None:
        """A clip that was delivered could not be put into the library."""

    def done(self, job: Job) -> None:
        """Every variation was delivered and is on disk (or was reported as not stored)."""

    def fail(self, job: Job, error: DriftwaveError) -> None:
        """The job ended early; clips delivered before are kept."""


class Job:
    """One request in the engine. Fields may be read from any thread.

    Attributes:
        id, origin: together unique among the active jobs.
        request: as submitted, with the seed chosen.
        priority: of the whole job.
        clips: ids of the clips made so far.
        words_understood, words_unknown: what the voice made of the prompt.
        error: why the job failed, or None.
        keep: whether its clips go into the library.
        sources: what its clips are made from, known once the first is begun.
    """

    def __init__(
        self,
        job_id: int,
        request: GenerateRequest,
        priority: Priority,
        origin: str,
        listener: JobListener | None,
    ) -> None:
        self.id = job_id
        self.origin = origin
        self.request = request
        self.priority = priority
        self.source_bytes = source_bytes(request)
        self.clips: list[str] = []
        self.words_understood: tuple[str, ...] = ()
        self.words_unknown: tuple[str, ...] = ()
        self.error: DriftwaveError | None = None
        self.keep = True
        self.sources = Sources()
        self._listener = listener or JobListener()
        self._telling = threading.Lock()
        self._cancelled = False
        self._ended = threading.Event()
        self._stored = 0
        self._submitted = time.monotonic()
        self._variation_started = 0.0
        self._worked_s = 0.0

    @property
    def made(self) -> int:
        """Variations finished."""
        return len(self.clips)

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked for the job to stop."""
        return self._cancelled

    @property
    def ended(self) -> bool:
        """Whether the job is done or failed."""
        return self._ended.is_set()

    @property
    def elapsed_ms(self) -> float:
        """Milliseconds since the job was submitted."""
        return (time.monotonic() - self._submitted) * 1000.0

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the job to be done or failed; False after `timeout_s`."""
        return self._ended.wait(timeout_s)

    def request_cancel(self) -> None:
        """Ask the job to stop at its next step."""
        self._cancelled = True

    def check_cancelled(self) -> None:
        """Raise Cancelled when somebody asked for it."""
        if self._cancelled:
            raise Cancelled(f"cancelled after {self.made} of {self.request.count} variations")

    def begin_variation(self) -> None:
        """The clock of one variation starts. [worker thread]"""
        self._variation_started = time.monotonic()

    def variation_ms(self) -> float:
        """Milliseconds since the variation began. [worker thread]"""
        return (time.monotonic() - self._variation_started) * 1000.0

    def step(self, step: int, steps: int) -> None:
        """A sampler step is done: tell the listener. [worker thread]"""
        total = steps * self.request.count
        done = min(self.made * steps + step, total)
        worked = self._worked_s + time.monotonic() - self._variation_started
        progress = Progress(
            fraction=done / total,
            step=done,
            steps=total,
            index=self.made,
            eta_s=worked / done * (total - done) if done else -1.0,
        )
        self.tell("progress", lambda to: to.progress(self, progress))

    def add(self, clip: Clip) -> None:
        """Count a finished variation. [worker thread]"""
        self._worked_s += time.monotonic() - self._variation_started
        self.clips.append(clip.id)

    def count_stored(self) -> int:
        """Count a clip as stored or given up; returns how many are. [clip writer]"""
        self._stored += 1
        return self._stored

    def end(self, error: DriftwaveError | None) -> None:
        """The job is over; the last word to the listener follows."""
        self.error = error

    def tell(self, what: str, call: Callable[[JobListener], None]) -> None:
        """Call the listener; what it raises is logged and goes no further."""
        try:
            with self._telling:
                call(self._listener)
        except Exception:
            log.exception("job %d of %s: its listener failed at %s", self.id, self.origin, what)
        finally:
            if what in ("done", "fail"):
                self._ended.set()


def random_seed() -> int:
    """A seed in 0..2**63-1 for a request that names none."""
    return secrets.randbelow(2**63)


def as_driftwave_error(error: BaseException) -> DriftwaveError:
    """Any exception as one that a door can report; a bug is logged with its traceback."""
    if isinstance(error, DriftwaveError):
        return error
    text = str(error)
    memory = isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__
    if memory or "Failed to allocate memory" in text or "bad_alloc" in text:
        return OutOfMemory(
            f"not enough memory ({text[:200] or type(error).__name__}): ask for a shorter clip, "
            "unload a voice, or close another program"
        )
    log.error("internal error", exc_info=error)
    return DriftwaveError(
        f"{type(error).__name__}: {text[:300] or 'no details'}; the log has the details, "
        "please report it"
    )
