"""Jobs: order, fairness, bounds, cancelling, errors, and that every job gets its last word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import BadRange, Busy, Cancelled, NotFound
from engine.jobs import Engine, Job, JobListener, Priority, Progress
from engine.library import Library
from engine.types import Clip
from tests.support.job_ear import WATCHDOG_S, Ear, ask, finish
from tests.support.scripted_runtime import ScriptedRuntime


def test_variations_arrive_one_by_one_then_done(make: Callable[..., Engine]) -> None:
    ear = Ear()
    job = make().submit(ask("snare", count=3, seed=7), listener=ear)
    finish(job)
    assert ear.heard == ["queued", "clip", "clip", "clip", "done"]
    assert [clip.index for clip in ear.clips] == [0, 1, 2]
    assert {clip.seed for clip in ear.clips} == {7}
    assert len({clip.id for clip in ear.clips}) == 3
    assert [p.step for p in ear.progresses] == list(range(1, 13))
    assert ear.progresses[-1].fraction == 1.0
    assert job.words_understood == ("snare",)


def test_a_missing_seed_is_chosen_and_reported(make: Callable[..., Engine]) -> None:
    engine = make()
    jobs = [engine.submit(ask()) for _ in range(20)]
    finish(*jobs)
    seeds = {job.request.seed for job in jobs}
    assert len(seeds) == 20
    assert all(seed is not None and 0 <= seed < 2**63 for seed in seeds)


def test_live_goes_before_interactive_before_batch(
    make: Callable[..., Engine], runtime: ScriptedRuntime
) -> None:
    engine = make()
    runtime.gate.clear()
    first = engine.submit(ask("first", count=2), priority=Priority.BATCH)
    assert runtime.started.wait(WATCHDOG_S)
    jobs = [
        engine.submit(ask(priority.name), priority=priority)
        for priority in (Priority.BATCH, Priority.INTERACTIVE, Priority.LIVE)
    ]
    runtime.gate.set()
    finish(first, *jobs)
    prompts = [prompt for prompt, _ in runtime.order]
    assert prompts.index("LIVE") < prompts.index("INTERACTIVE") < prompts.index("BATCH")
    assert runtime.order[1][0] == "LIVE", "a live job waited for a whole batch"


def test_a_flooding_origin_does_not_starve_another(
    make: Callable[..., Engine], runtime: ScriptedRuntime
) -> None:
    engine = make()
    runtime.gate.clear()
    flood = [engine.submit(ask("flood"), origin="a") for _ in range(500)]
    calm = engine.submit(ask("calm"), origin="b")
    runtime.gate.set()
    finish(calm, *flood)
    assert [prompt for prompt, _ in runtime.order].index("calm") <= 3


def test_a_full_queue_says_busy_but_others_still_get_in(
    make: Callable[..., Engine], runtime: ScriptedRuntime
) -> None:
    engine = make()
    runtime.gate.clear()
    accepted, refused = 0, 0
    for _ in range(20_000):
        try:
            engine.submit(ask(), origin="flood")
            accepted += 1
        except Busy:
            refused += 1
    assert (accepted, refused) == (9_000, 11_000)
    other = engine.submit(ask("other"), origin="other")
    assert engine.cancel(origin="flood") == 9_000
    runtime.gate.set()
    finish(other)
    assert engine.status().waiting == 0
    finish(engine.submit(ask(), origin="flood"))


def test_jobs_of_one_origin_keep_their_order(
    make: Callable[..., Engine], runtime: ScriptedRuntime
) -> None:
    engine = make()
    runtime.gate.clear()
    jobs = [engine.submit(ask(str(k), count=2)) for k in range(10)]
    runtime.gate.set()
    finish(*jobs)
    assert runtime.order == [(str(k), index) for k in range(10) for index in range(2)]


def test_clips_that_are_not_kept_are_forgotten_but_the_last(
    make: Callable[..., Engine], tmp_path: Path
) -> None:
    """A stream makes them for hours."""
    with Library(tmp_path / "library") as library:
        engine, ear = make(library=library), Ear()
        finish(engine.submit(ask(count=64), listener=ear, keep=False))
        assert engine.clip(ear.clips[-1].id) is ear.clips[-1]
        with pytest.raises(NotFound):
            engine.clip(ear.clips[0].id)
        engine.settle()
        assert library.count() == 0


def test_cancel_stops_a_running_job_between_steps(
    make: Callable[..., Engine], runtime: ScriptedRuntime
) -> None:
    engine, ear = make(), Ear()
    runtime.gate.clear()
    job = engine.submit(ask(), listener=ear, origin="me", job_id=5)
    assert runtime.started.wait(WATCHDOG_S)
    assert engine.cancel(5, origin="me") == 1
    finish(job)
    assert ear.heard == ["queued", "fail"]
    assert isinstance(ear.error, Cancelled)
    with pytest.raises(NotFound, match="job 5"):
        engine.cancel(5, origin="me")


def test_cancel_all_ends_every_job_once(
    make: Callable[..., Engine], runtime: ScriptedRuntime
) -> None:
    engine = make()
    runtime.gate.clear()
    ears = [Ear() for _ in range(100)]
    jobs = [
        engine.submit(ask(count=4), listener=ear, origin=str(k % 7)) for k, ear in enumerate(ears)
    ]
    assert engine.cancel() == 100
    assert engine.cancel() in (0, 1), "the running job may still be on its way out"
    runtime.gate.set()
    finish(*jobs)
    assert all(ear.heard == ["queued", "fail"] for ear in ears)


def test_job_ids_belong_to_their_origin(
    make: Callable[..., Engine], runtime: ScriptedRuntime
) -> None:
    engine = make()
    runtime.gate.clear()
    mine = engine.submit(ask(), origin="a", job_id=1)
    yours = engine.submit(ask(), origin="b", job_id=1)
    with pytest.raises(BadRange, match="in use"):
        engine.submit(ask(), origin="a", job_id=1)
    with pytest.raises(NotFound):
        engine.cancel(1, origin="c")
    own = engine.submit(ask(), origin="a")
    assert own.id not in (1, -1)
    runtime.gate.set()
    finish(mine, yours, own)
    finish(engine.submit(ask(), origin="a", job_id=1))


def test_a_raising_listener_harms_nobody(make: Callable[..., Engine]) -> None:
    class Rude(JobListener):
        def queued(self, job: Job, position: int) -> None:
            raise RuntimeError("queued")

        def progress(self, job: Job, progress: Progress) -> None:
            raise RuntimeError("progress")

        def clip(self, job: Job, clip: Clip) -> None:
            raise RuntimeError("clip")

        def done(self, job: Job) -> None:
            raise RuntimeError("done")

    engine, ear = make(), Ear()
    rude = engine.submit(ask(count=2), listener=Rude())
    polite = engine.submit(ask(), listener=ear)
    finish(rude, polite)
    assert rude.error is None
    assert ear.heard == ["queued", "clip", "done"]


@pytest.mark.parametrize(
    ("prompt", "code"),
    [("memory", "out_of_memory"), ("bug", "internal"), ("voice", "no_voice"), ("exit", "internal")],
)
def test_failures_have_their_code_and_the_next_job_works(
    make: Callable[..., Engine], prompt: str, code: str
) -> None:
    engine, ear = make(), Ear()
    bad = engine.submit(ask(prompt), listener=ear)
    good = engine.submit(ask("fine"))
    finish(bad, good)
    assert ear.heard[-1] == "fail"
    assert ear.error is not None
    assert ear.error.code == code
    assert good.error is None
