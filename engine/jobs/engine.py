"""The one way to make a sound: every door submits requests here and listens to its jobs."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from engine.errors import BadRange, Cancelled, NotFound, StorageError
from engine.jobs.clip_writer import ClipWriter
from engine.jobs.job import Job, JobListener, as_driftwave_error, random_seed
from engine.jobs.queue import CAPACITY, JobQueue, Priority
from engine.jobs.requests import check_request
from engine.jobs.sources import imported, with_grid_sources, with_sources
from engine.jobs.voice_cache import DEFAULT_MEMORY_BYTES, FindVoices, VoiceCache
from engine.library.library import Library
from engine.library.record import ClipRecord, record_of
from engine.library.request_record import request_fields
from engine.types import Clip, GenerateRequest

if TYPE_CHECKING:
    from engine.runtime import Runtime

log = logging.getLogger(__name__)

ALL_JOBS = -1
FIRST_OWN_ID = 1_000_000_000
"""Job ids the engine chooses begin here, clear of those that clients choose."""

_TIMES = 512
"""Variations over which the times in `EngineStatus` are taken."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """What an engine is doing now.

    Attributes:
        waiting: jobs not yet started or waiting for their next turn.
        running: whether a variation is being made.
        finished, failed: jobs since the start.
        loaded: voices in memory.
        device: the runtime in use, empty before the first voice is loaded.
        uptime_s: seconds since the start.
        p50_ms, p99_ms: time to make a variation, over the last ones.
    """

    waiting: int
    running: bool
    finished: int
    failed: int
    loaded: tuple[str, ...]
    device: str
    uptime_s: float
    p50_ms: float
    p99_ms: float


class Engine:
    """A queue of jobs and the worker thread that owns the runtime.

    Any thread may call any method; none of them waits for a sound. Variations of different
    origins take turns, so that nobody waits for another's batch of 64.
    """

    def __init__(
        self,
        find_voices: FindVoices,
        open_runtime: Callable[[], Runtime],
        *,
        library: Library | None = None,
        capacity: int = CAPACITY,
        memory_bytes: int = DEFAULT_MEMORY_BYTES,
    ) -> None:
        """Start the worker. The runtime is opened when the first voice is loaded."""
        self.voices = VoiceCache(find_voices, open_runtime, memory_bytes=memory_bytes)
        self.library = library
        self._queue: JobQueue[Job] = JobQueue(capacity)
        self._writer = ClipWriter(library)
        self._lock = threading.Lock()
        self._jobs: dict[tuple[str, int], Job] = {}
        self._next_id = FIRST_OWN_ID
        self._running: Job | None = None
        self._finished = self._failed = 0
        self._times: deque[float] = deque(maxlen=_TIMES)
        self._started = time.monotonic()
        self._closing = self._closed = False
        self._worker = threading.Thread(target=self._work, name="jobs", daemon=True)
        self._worker.start()

    def submit(
        self,
        request: GenerateRequest,
        *,
        priority: Priority = Priority.INTERACTIVE,
        origin: str = "local",
        listener: JobListener | None = None,
        job_id: int = -1,
        keep: bool = True,
    ) -> Job:
        """Queue a request and return its job.

        `listener.queued` is called before this returns, the other callbacks from the
        engine's threads, one at a time for a job. `job_id` is the caller's, unique among
        the active jobs of `origin`; -1 lets the engine choose. A seed of None becomes a
        random one. `keep` False leaves the clips out of the library. Raises BadRange,
        VoiceError, NotFound (source clip) and Busy.
        """
        check_request(request)
        self.voices.find(request.voice)
        if request.source is None and request.source_id:
            self.record(request.source_id)
        if request.other is None and request.other_id:
            self.record(request.other_id)
        request = with_grid_sources(request)
        if request.seed is None:
            request = replace(request, seed=random_seed())
        job = self._register(request, priority, origin, listener, job_id)
        job.keep = keep
        try:
            position = self._queue.admit(job)
        except BaseException:
            self._forget(job)
            raise
        job.tell("queued", lambda to: to.queued(job, position))
        self._queue.put(job)
        with self._lock:
            too_late = self._closed
        if too_late:
            self._drop(job)
        return job

    def cancel(self, job_id: int = ALL_JOBS, *, origin: str | None = None) -> int:
        """Cancel one job, or with -1 all, of `origin` or of everybody; returns how many.

        A running job ends at its next step. Raises NotFound for a job that is not active.
        """
        with self._lock:
            jobs = [
                job
                for (owner, number), job in self._jobs.items()
                if origin in (None, owner) and job_id in (ALL_JOBS, number)
            ]
        if not jobs and job_id != ALL_JOBS:
            raise NotFound(f"job {job_id}: not waiting or running; it may have finished")
        return sum(self.cancel_job(job) for job in jobs)

    def cancel_job(self, job: Job) -> bool:
        """Cancel a job; False when it has already ended."""
        if job.ended:
            return False
        job.request_cancel()
        if self._queue.remove(job):
            self._forget(job)
            self._queue.put_errand(lambda: self._end(job, Cancelled("cancelled while waiting")))
        return True

    def load_voice(self, name: str) -> Future[None]:
        """Load a voice and warm it up before the next job.

        The future raises VoiceError or OutOfMemory when it cannot be loaded.
        """

        def load() -> None:
            self.voices.load(name)

        return self._errand(load)

    def unload_voice(self, name: str) -> Future[bool]:
        """Drop a voice from memory; the future says whether it was there."""
        return self._errand(lambda: self.voices.unload(name))

    def clip(self, clip_id: str) -> Clip:
        """A clip with its audio, stored or about to be. Raises NotFound, StorageError."""
        clip = self._writer.find(clip_id)
        if clip is not None:
            return clip
        return self._need_library().get(clip_id)

    def record(self, clip_id: str) -> ClipRecord:
        """What is known about a clip. Raises NotFound."""
        clip = self._writer.find(clip_id)
        if clip is not None:
            return record_of(clip)
        return self._need_library().record(clip_id)

    def wait_stored(self, clip_id: str, timeout_s: float = 30.0) -> None:
        """Wait until a clip that was just delivered is on disk (or was given up)."""
        self._writer.wait(clip_id, timeout_s)

    def settle(self, timeout_s: float = 30.0) -> None:
        """Wait until every clip that was delivered is on disk (or was given up)."""
        self._writer.settle(timeout_s)

    def status(self) -> EngineStatus:
        """What the engine is doing now."""
        running = self._running is not None
        times = sorted(self._times)
        return EngineStatus(
            waiting=max(0, len(self._queue) - running),
            running=running,
            finished=self._finished,
            failed=self._failed,
            loaded=self.voices.loaded(),
            device=self.voices.device,
            uptime_s=time.monotonic() - self._started,
            p50_ms=_rank(times, 0.5),
            p99_ms=_rank(times, 0.99),
        )

    def close(self, *, finish: bool = False, timeout_s: float = 10.0) -> bool:
        """End: cancel every job, or with `finish` complete them first.

        Clips that are made get stored. Returns False when the worker was still inside the
        runtime after `timeout_s`; it then ends with the process.
        """
        with self._lock:
            self._closing = True
        if not finish:
            self.cancel()
        self._queue.close()
        self._worker.join(None if finish else timeout_s)
        if self._worker.is_alive():
            return False
        with self._lock:
            self._closed = True
            left = list(self._jobs.values())
        for job in left:
            self._drop(job)
        self._writer.close()
        return True

    def _register(
        self,
        request: GenerateRequest,
        priority: Priority,
        origin: str,
        listener: JobListener | None,
        job_id: int,
    ) -> Job:
        with self._lock:
            if self._closing:
                raise Cancelled("the engine is shutting down")
            if job_id < 0:
                job_id, self._next_id = self._next_id, self._next_id + 1
            if (origin, job_id) in self._jobs:
                raise BadRange(
                    f"job {job_id}: this id is in use; expected one that is not active, or -1"
                )
            job = Job(job_id, request, priority, origin, listener)
            self._jobs[origin, job_id] = job
            return job

    def _drop(self, job: Job) -> None:
        """End a job that came while the worker went."""
        if self._queue.remove(job):
            self._forget(job)
            self._end(job, Cancelled("the engine is shutting down"))

    def _forget(self, job: Job) -> None:
        with self._lock:
            self._jobs.pop((job.origin, job.id), None)

    def _errand(self, action: Callable[[], Result]) -> Future[Result]:
        future: Future[Result] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(action())
            except BaseException as error:
                future.set_exception(as_driftwave_error(error))

        self._queue.put_errand(run)
        return future

    def _work(self) -> None:
        while (task := self._queue.take()) is not None:
            if isinstance(task, Job):
                self._running = task
                self._advance(task)
                self._running = None
            else:
                try:
                    task()
                except Exception:
                    log.exception("an errand of the engine failed")
        self.voices.clear()

    def _advance(self, job: Job) -> None:
        """Make one variation of a job, then put it back, finish it or fail it."""
        try:
            clip = self._make(job)
        except BaseException as error:
            self._queue.release(job)
            self._forget(job)
            self._end(job, error)
            return
        job.add(clip)
        self._times.append(clip.milliseconds)
        self._writer.keep(clip)  # whoever hears of it may ask for it at once
        job.tell("clip", lambda to: to.clip(job, clip))
        if job.keep:
            self._writer.put(clip, lambda error: self._stored(job, clip, error))
        else:
            self._writer.leave(clip)
            self._stored(job, clip, None)
        if job.made < job.request.count:
            self._queue.put_back(job)
        else:
            self._queue.release(job)
            self._forget(job)

    def _make(self, job: Job) -> Clip:
        job.check_cancelled()
        request = with_sources(job.request, self.clip)
        voice = self.voices.load(request.voice)
        assert request.seed is not None
        job.begin_variation()
        if job.made == 0:
            job.sources = imported(request, self._writer, self.library, self.record)
        index = request.first + job.made
        made = voice.generate(
            request,
            index=index,
            on_step=lambda step, steps: job.step(step, steps),
            cancelled=lambda: job.cancelled,
        )
        job.words_understood = made.words_understood
        job.words_unknown = made.words_unknown
        return Clip(
            id=uuid.uuid4().hex,
            audio=made.audio,
            sample_rate=made.sample_rate or voice.voice.sample_rate,
            seed=request.seed,
            index=index,
            voice=request.voice,
            voice_hash=voice.voice.hash,
            prompt=request.prompt,
            negative=request.negative,
            steps=request.steps,
            words_understood=made.words_understood,
            words_unknown=made.words_unknown,
            conditions=made.conditions,
            parents=job.sources.parents,
            milliseconds=job.variation_ms(),
            created=time.time(),
            request=request_fields(request, job.sources.digests),
        )

    def _stored(self, job: Job, clip: Clip, error: StorageError | None) -> None:
        """Called by the clip writer: a job is done when its last clip is on disk."""
        if error is not None:
            job.tell("not_stored", lambda to: to.not_stored(job, clip, error))
        if job.count_stored() == job.request.count:
            with self._lock:
                self._finished += 1
            job.end(None)
            job.tell("done", lambda to: to.done(job))

    def _end(self, job: Job, error: BaseException) -> None:
        known = as_driftwave_error(error)
        with self._lock:
            self._failed += 1
        job.end(known)
        job.tell("fail", lambda to: to.fail(job, known))

    def _need_library(self) -> Library:
        if self.library is None:
            raise NotFound("this engine keeps no library: expected a clip made just now")
        return self.library


def _rank(ordered: list[float], rank: float) -> float:
    """The value at a rank 0..1 of an ordered list, 0 for an empty one."""
    return ordered[min(len(ordered) - 1, int(rank * len(ordered)))] if ordered else 0.0
