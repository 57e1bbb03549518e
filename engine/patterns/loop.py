"""A plan becomes a clip: its hits are jobs of the engine like any other, then they are mixed."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from engine.errors import Cancelled, StorageError
from engine.jobs import Engine, Job, JobListener, Priority, Progress
from engine.patterns.midi import midi_bytes
from engine.patterns.plan import Plan, plan_fields
from engine.patterns.render import render, take_of
from engine.patterns.roles import ROLES
from engine.types import Clip, GenerateRequest

OnProgress = Callable[[float, int, int], None]
"""Called with the fraction done, sampler steps done and to do; from the engine's threads."""


@dataclass(frozen=True, slots=True)
class Loop:
    """A finished loop.

    Attributes:
        clip: the loop; its parents are the clips of its hits.
        midi: the same pattern as a MIDI file.
        unstored: why the library does not have it, or None.
    """

    clip: Clip
    midi: bytes
    unstored: StorageError | None


class _Takes(JobListener):
    """Collects the clips of one drum."""

    def __init__(self, told: Callable[[str, Progress], None], role: str) -> None:
        self.clips: list[Clip] = []
        self._told, self._role = told, role

    def progress(self, job: Job, progress: Progress) -> None:
        """A step is done."""
        self._told(self._role, progress)

    def clip(self, job: Job, clip: Clip) -> None:
        """A take is finished."""
        self.clips.append(clip)


class LoopRun:
    """One loop on its way. `run` blocks; `cancel` may come from any thread."""

    def __init__(
        self,
        engine: Engine,
        plan: Plan,
        *,
        origin: str = "local",
        priority: Priority = Priority.INTERACTIVE,
        on_progress: OnProgress = lambda _fraction, _step, _steps: None,
    ) -> None:
        self._engine, self._plan = engine, plan
        self._origin, self._priority = origin, priority
        self._on_progress = on_progress
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._done: dict[str, int] = {}
        self._cancelled = False

    def cancel(self) -> bool:
        """End it at its next sampler step; False when that was asked for before."""
        with self._lock:
            before, self._cancelled = self._cancelled, True
            jobs = list(self._jobs.values())
        for job in jobs:
            self._engine.cancel_job(job)
        return not before

    def run(self) -> Loop:
        """Generate the hits, mix and store the loop; raises what a job of it fails with."""
        started = time.monotonic()
        takes = self._generate()
        plan = self._plan
        first = next(iter(takes.values()))[0]
        rate = plan.sample_rate or first.sample_rate
        kit = {
            role: [take_of(clip.audio, clip.sample_rate, rate) for clip in clips]
            for role, clips in takes.items()
        }
        audio = render(plan.pattern, kit, rate, stereo=plan.stereo)
        hits = [clip for clips in takes.values() for clip in clips]
        unknown = dict.fromkeys(word for clip in hits for word in clip.words_unknown)
        understood = dict.fromkeys(word for clip in hits for word in clip.words_understood)
        loop = Clip(
            id=uuid.uuid4().hex,
            audio=audio,
            sample_rate=rate,
            seed=plan.seed,
            index=0,
            voice=plan.voice,
            voice_hash=first.voice_hash,
            prompt=plan.words,
            negative="",
            steps=first.steps,
            words_understood=tuple(understood),
            words_unknown=tuple(unknown),
            conditions={"pattern": plan_fields(plan)},
            parents=tuple(clip.id for clip in hits),
            milliseconds=(time.monotonic() - started) * 1000.0,
            created=time.time(),
        )
        return Loop(loop, midi_bytes(plan.pattern), self._store(loop))

    def _generate(self) -> dict[str, list[Clip]]:
        """The takes of each drum. All jobs are queued at once; one that fails ends them all."""
        plan = self._plan
        steps = plan.steps or self._engine.voices.default_steps(plan.voice)
        listeners: dict[str, _Takes] = {}
        try:
            for role in plan.pattern.roles:
                repeats = sum(hit.role == role for hit in plan.pattern.hits)
                request = GenerateRequest(
                    voice=plan.voice,
                    prompt=plan.kit[role],
                    seed=plan.seed,
                    steps=steps,
                    count=min(ROLES[role].takes, repeats),
                    seconds=ROLES[role].seconds,
                )
                listeners[role] = _Takes(self._told, role)
                job = self._engine.submit(
                    request,
                    priority=self._priority,
                    origin=self._origin,
                    listener=listeners[role],
                )
                with self._lock:
                    self._jobs[role] = job
                    cancelled = self._cancelled
                if cancelled:
                    raise Cancelled("cancelled before its sounds were made")
            for job in self._jobs.values():
                while not job.wait(1.0):
                    pass
                if job.error is not None:
                    raise job.error
        except BaseException:
            self.cancel()
            raise
        return {role: listener.clips for role, listener in listeners.items()}

    def _told(self, role: str, progress: Progress) -> None:
        with self._lock:
            self._done[role] = progress.step
            done = sum(self._done.values())
            total = max(done, sum(job.request.steps * job.request.count
                                  for job in self._jobs.values()))  # fmt: skip
        self._on_progress(done / total, done, total)

    def _store(self, loop: Clip) -> StorageError | None:
        if self._engine.library is None:
            return None
        try:
            self._engine.library.add(loop)
        except StorageError as error:
            return error
        return None
