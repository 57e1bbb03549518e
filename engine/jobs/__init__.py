"""The one way to make a sound: requests become jobs, jobs become clips."""

from engine.jobs.again import make_again
from engine.jobs.engine import ALL_JOBS, Engine, EngineStatus
from engine.jobs.job import Job, JobListener, Progress
from engine.jobs.queue import Priority

__all__ = [
    "ALL_JOBS",
    "Engine",
    "EngineStatus",
    "Job",
    "JobListener",
    "Priority",
    "Progress",
    "make_again",
]
