"""Jobs: what is refused, voices that come and go, and where clips are kept."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from engine.errors import BadRange, Busy, Cancelled, DriftwaveError, NotFound, VoiceError
from engine.jobs import Engine, Job
from engine.library import Library
from engine.types import Clip
from tests.support.job_ear import WATCHDOG_S, Ear, ask, finish
from tests.support.scripted_runtime import ScriptedRuntime, ScriptedVoice


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
