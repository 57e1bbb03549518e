"""Ears and orders for tests of jobs."""

from __future__ import annotations

from engine.errors import DriftwaveError
from engine.jobs import Job, JobListener, Progress
from engine.types import Clip, GenerateRequest

WATCHDOG_S = 60.0


class Ear(JobListener):
    """Writes down everything it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.clips: list[Clip] = []
        self.progresses: list[Progress] = []
        self.error: DriftwaveError | None = None
        self.not_stored_errors: list[DriftwaveError] = []

    def queued(self, job: Job, position: int) -> None:
        self.heard.append("queued")

    def progress(self, job: Job, progress: Progress) -> None:
        self.progresses.append(progress)

    def clip(self, job: Job, clip: Clip) -> None:
        self.heard.append("clip")
        self.clips.append(clip)

    def not_stored(self, job: Job, clip: Clip, error: DriftwaveError) -> None:
        self.not_stored_errors.append(error)

    def done(self, job: Job) -> None:
        self.heard.append("done")

    def fail(self, job: Job, error: DriftwaveError) -> None:
        self.heard.append("fail")
        self.error = error


def ask(prompt: str = "", **options: object) -> GenerateRequest:
    return GenerateRequest(prompt=prompt, **options)  # type: ignore[arg-type]


def finish(*jobs: Job) -> None:
    for job in jobs:
        assert job.wait(WATCHDOG_S), f"job {job.id} never ended"
