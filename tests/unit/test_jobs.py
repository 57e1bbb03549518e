"""Jobs: order, fairness, bounds, cancelling, errors, and that every job gets its last word."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.errors import BadRange, Busy, Cancelled, DriftwaveError, NotFound, VoiceError
from engine.jobs import Engine, Job, JobListener, Priority, Progress
from engine.library import Library
from engine.types import Clip, GenerateRequest
from tests.support.scripted_runtime import ScriptedRuntime, ScriptedVoice

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


@pytest.fixture
def runtime() -> ScriptedRuntime:
    runtime = ScriptedRuntime()
    runtime.gate.set()
    return runtime


@pytest.fixture
def voices(tmp_path: Path) -> list[ScriptedVoice]:
    names = ["drums", "bass", "broken"]
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(bytes(1000))
    return [ScriptedVoice(name, tmp_path / name) for name in names]


@pytest.fixture
def make(runtime: ScriptedRuntime, voices: list[ScriptedVoice]) -> Iterator[Callable[..., Engine]]:
    engines: list[Engine] = []

    def make(**options: object) -> Engine:
        engines.append(Engine(lambda broken: voices, lambda: runtime, **options))  # type: ignore[arg-type]
        return engines[-1]

    yield make
    runtime.gate.set()
    for engine in engines:
        assert engine.close(timeout_s=WATCHDOG_S)


def ask(prompt: str = "", **options: object) -> GenerateRequest:
    return GenerateRequest(prompt=prompt, **options)  # type: ignore[arg-type]


def finish(*jobs: Job) -> None:
    for job in jobs:
        assert job.wait(WATCHDOG_S), f"job {job.id} never ended"


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


def test_unknown_voice_is_refused_with_a_suggestion(make: Callable[..., Engine]) -> None:
    with pytest.raises(VoiceError, match="did you mean 'drums'"):
        make().submit(ask(voice="drum"))


def test_a_voice_that_does_not_load_fails_its_job(make: Callable[..., Engine]) -> None:
    ear = Ear()
    finish(make().submit(ask(voice="broken"), listener=ear))
    assert isinstance(ear.error, VoiceError)


def test_a_runtime_that_does_not_open_is_tried_again(voices: list[ScriptedVoice]) -> None:
    runtime = ScriptedRuntime()
    runtime.gate.set()
    tries = itertools.count()

    def open_runtime() -> ScriptedRuntime:
        if next(tries) == 0:
            raise DriftwaveError("no onnxruntime")
        return runtime

    engine = Engine(lambda broken: voices, open_runtime)  # type: ignore[arg-type, return-value]
    first, second = engine.submit(ask()), engine.submit(ask())
    finish(first, second)
    assert first.error is not None
    assert second.error is None
    assert engine.close()


@pytest.mark.parametrize(
    "options",
    [
        {"steps": 0},
        {"steps": 65},
        {"count": 0},
        {"count": 65},
        {"seconds": 0.0},
        {"seconds": float("nan")},
        {"seconds": 1e9},
        {"seed": -1},
        {"seed": 2**63},
        {"note": 128},
        {"strength": 1.5},
        {"descriptors": {"brightnes": 0.5}},
        {"descriptors": {"brightness": 1.01}},
        {"biases": {"depth": -2.0}},
        {"prompt": "x" * 501},
        {"source": np.zeros((1, 0), np.float32), "source_rate": 44_100},
        {"source": np.full((1, 10), np.nan, np.float32), "source_rate": 44_100},
        {"source": np.zeros((1, 10), np.float32), "source_rate": 0},
    ],
    ids=str,
)
def test_values_out_of_range_are_refused_at_once(
    make: Callable[..., Engine], options: dict[str, object]
) -> None:
    with pytest.raises(BadRange, match="expected"):
        make().submit(ask(**options))


def test_sources_of_waiting_jobs_are_bounded(
    make: Callable[..., Engine], runtime: ScriptedRuntime
) -> None:
    engine = make()
    runtime.gate.clear()
    source = np.zeros((2, 44_100 * 60), np.float32)
    request = ask(source=source, source_rate=44_100)

    def submit_many() -> None:
        for _ in range(100):
            engine.submit(request)

    with pytest.raises(Busy, match="source sounds"):
        submit_many()
    assert engine.cancel() > 0


def test_voices_load_and_unload_and_the_oldest_makes_room(
    make: Callable[..., Engine], runtime: ScriptedRuntime
) -> None:
    engine = make(memory_bytes=3_000)
    engine.load_voice("drums").result(WATCHDOG_S)
    assert engine.status().loaded == ("drums",)
    engine.load_voice("bass").result(WATCHDOG_S)
    assert engine.status().loaded == ("bass",)
    assert engine.unload_voice("bass").result(WATCHDOG_S) is True
    assert engine.unload_voice("bass").result(WATCHDOG_S) is False
    with pytest.raises(VoiceError):
        engine.load_voice("broken").result(WATCHDOG_S)
    with pytest.raises(VoiceError, match="installed voices are"):
        engine.load_voice("nothing").result(WATCHDOG_S)


def test_a_voice_that_was_made_anew_is_loaded_anew(
    make: Callable[..., Engine], runtime: ScriptedRuntime, voices: list[ScriptedVoice]
) -> None:
    description = voices[0].folder / "voice.toml"
    description.write_text("the first")
    engine = make()
    engine.load_voice("drums").result(WATCHDOG_S)
    description.unlink()  # for a moment, while it is being replaced
    engine.load_voice("drums").result(WATCHDOG_S)
    assert runtime.loads == ["drums"]
    description.write_text("the second")
    os.utime(description, ns=(1, 1))
    engine.load_voice("drums").result(WATCHDOG_S)
    engine.load_voice("drums").result(WATCHDOG_S)
    assert runtime.loads == ["drums", "drums"]


def test_done_means_on_disk_and_clips_can_be_varied(
    make: Callable[..., Engine], tmp_path: Path
) -> None:
    with Library(tmp_path / "library") as library:
        engine, ear = make(library=library), Ear()
        finish(engine.submit(ask("hat", seed=3), listener=ear))
        clip = ear.clips[0]
        stored = library.get(clip.id)
        assert np.array_equal(stored.audio, clip.audio)
        assert stored.words_understood == ("hat",)
        child = Ear()
        finish(engine.submit(ask(source_id=clip.id), listener=child))
        assert child.clips[0].parents == (clip.id,)
        with pytest.raises(NotFound):
            engine.submit(ask(source_id="0" * 32))
        engine.close()


def test_a_clip_can_be_had_from_the_moment_it_is_announced(
    make: Callable[..., Engine], tmp_path: Path
) -> None:
    class Asker(Ear):
        def clip(self, job: Job, clip: Clip) -> None:
            found.append(engine.clip(clip.id))
            super().clip(job, clip)

    found: list[Clip] = []
    with Library(tmp_path / "library") as library:
        engine, ear = make(library=library), Asker()
        finish(engine.submit(ask("hat", seed=3, count=3), listener=ear))
        assert len(found) == 3
        engine.settle()
        assert {record.id for record in library.search()} == {clip.id for clip in found}
        engine.close()


def test_a_clip_that_cannot_be_stored_is_still_delivered(
    make: Callable[..., Engine], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    library = Library(tmp_path / "library")
    engine, ear = make(library=library), Ear()
    library.close()
    finish(engine.submit(ask(), listener=ear))
    assert ear.heard == ["queued", "clip", "done"]
    assert len(ear.not_stored_errors) == 1
    assert engine.clip(ear.clips[0].id) is ear.clips[0]


def test_close_finishes_or_cancels(
    make: Callable[..., Engine], runtime: ScriptedRuntime, tmp_path: Path
) -> None:
    library = Library(tmp_path / "library")
    engine = make(library=library)
    jobs = [engine.submit(ask(count=2)) for _ in range(5)]
    assert engine.close(finish=True)
    assert all(job.ended and job.error is None for job in jobs)
    assert library.count() == 10
    with pytest.raises(Cancelled):
        engine.submit(ask())
    library.close()

    runtime.gate.clear()
    other = make()
    jobs = [other.submit(ask()) for _ in range(5)]
    assert other.close(timeout_s=WATCHDOG_S)
    assert all(isinstance(job.error, Cancelled) for job in jobs)


def test_submitting_from_many_threads_loses_nothing(make: Callable[..., Engine]) -> None:
    engine = make()
    ears: list[Ear] = []
    jobs: list[Job] = []

    def client(origin: str) -> None:
        for _ in range(50):
            ear = Ear()
            jobs.append(engine.submit(ask(steps=1), origin=origin, listener=ear))
            ears.append(ear)

    threads = [threading.Thread(target=client, args=(str(k),)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WATCHDOG_S)
    finish(*jobs)
    assert len(ears) == 400
    assert all(ear.heard == ["queued", "clip", "done"] for ear in ears)
    assert engine.status().finished == 400
