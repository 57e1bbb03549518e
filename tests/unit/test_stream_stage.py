"""The stream as a part of the stage: who runs it, what ends it, what is kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge import stage_space
from engine.errors import DriftwaveError, VoiceError
from engine.jobs import Engine, Priority
from engine.jobs.queue import JobQueue
from engine.stage import Stage
from engine.stage.keeper import SessionKeeper
from engine.stage.session import SessionStore
from engine.stage.stream import MAX_DENSITY, MIN_DENSITY, StreamWatcher
from engine.stage.stream_plan import PROMPTS
from engine.stage.stream_scheduler import STATES
from tests.support.grain_ear import WATCHDOG_S, Clock, Ear
from tests.support.scripted_runtime import ScriptedRuntime, ScriptedVoice


class Told(StreamWatcher):
    """Remembers the states of a stream."""

    def __init__(self) -> None:
        self.states: list[tuple[str, str]] = []
        self.changed = threading.Condition()

    def stream_state(self, state: str, why: str) -> None:
        with self.changed:
            self.states.append((state, why))
            self.changed.notify_all()

    def wait(self, state: str) -> str:
        """Wait for a state; why it came."""
        with self.changed:
            assert self.changed.wait_for(
                lambda: state in [name for name, _ in self.states], WATCHDOG_S
            ), self.states
            return next(why for name, why in self.states if name == state)


@pytest.fixture
def runtime() -> ScriptedRuntime:
    runtime = ScriptedRuntime()
    runtime.gate.set()
    return runtime


@pytest.fixture
def stage(tmp_path: Path, runtime: ScriptedRuntime) -> Iterator[Stage]:
    engine = Engine(lambda broken: [ScriptedVoice("tone", tmp_path)], lambda: runtime)  # type: ignore[arg-type, list-item, return-value]
    stage = Stage(engine, Ear(Clock()), default_voice="tone")
    yield stage
    stage.close()
    engine.close()


def test_the_table_of_osc_methods_knows_the_stream() -> None:
    assert stage_space.PROMPTS == PROMPTS
    assert (stage_space.MIN_DENSITY, stage_space.MAX_DENSITY) == (MIN_DENSITY, MAX_DENSITY)
    assert stage_space.STREAM_STATES == STATES


def test_run_asks_the_engine_and_panic_ends_it(stage: Stage, runtime: ScriptedRuntime) -> None:
    told = Told()
    stage.stream.watch(told)
    stage.stream.set_words(0, "kick")
    stage.controls.set("stream/y", 1.0)
    stage.controls.set("stream/run", 1.0)
    told.wait("playing")
    assert {prompt for prompt, _ in runtime.order} == {"kick"}
    assert stage.controls.number("stream/run") == 1.0
    stage.panic()
    told.wait("off")
    assert stage.controls.number("stream/run") == 0.0


def test_a_voice_that_is_missing_is_told_to_whoever_starts_it(stage: Stage) -> None:
    stage.stream._maker._voice = "nobody"
    with pytest.raises(VoiceError, match="nobody"):
        stage.controls.set("stream/run", 1.0)
    assert stage.stream.state[0] == "off"


def test_a_failure_ends_it_once_and_with_its_reason(stage: Stage) -> None:
    told = Told()
    stage.stream.watch(told)
    stage.stream.set_words(0, "voice")  # the scripted runtime raises by this word
    stage.controls.set("stream/y", 1.0)
    stage.controls.set("stream/run", 1.0)
    assert "broken" in told.wait("failed")
    assert stage.controls.number("stream/run") == 0.0
    assert [state for state, _ in told.states] == ["starting", "failed"]


def test_it_survives_the_end_of_the_engine(tmp_path: Path, runtime: ScriptedRuntime) -> None:
    engine = Engine(lambda broken: [ScriptedVoice("tone", tmp_path)], lambda: runtime)  # type: ignore[arg-type, list-item, return-value]
    stage = Stage(engine, Ear(Clock()), default_voice="tone")
    told = Told()
    stage.stream.watch(told)
    stage.controls.set("stream/run", 1.0)
    told.wait("playing")
    runtime.gate.clear()
    stage.controls.set("stream/x", 0.5)
    assert engine.close()
    assert "shutting down" in told.wait("failed")
    stage.close()


def test_interactive_work_goes_first() -> None:
    class Waits:
        def __init__(self, priority: Priority) -> None:
            self.priority, self.origin, self.source_bytes = priority, "me", 0

    queue: JobQueue[Waits] = JobQueue(10)
    jobs = [Waits(p) for p in (Priority.BATCH, Priority.STREAM, Priority.INTERACTIVE)]
    for job in jobs:
        queue.admit(job)
        queue.put(job)
    assert [queue.take() for _ in jobs] == jobs[::-1]


def test_the_session_and_snapshots_keep_its_controls(stage: Stage, tmp_path: Path) -> None:
    stage.stream.set_words(2, "dark kick")
    stage.controls.set("stream/density", 7.0)
    stage.controls.set("stream/weight/2", 0.25)
    stage.controls.set("stream/gain", -6.0)
    assert stage.sound.gains == [-6.0]  # type: ignore[attr-defined]
    stage.snapshots.save("now")
    assert stage.snapshots.saved()["now"]["stream/density"] == 7.0
    assert "stream/run" not in stage.snapshots.saved()["now"]
    keeper = SessionKeeper(stage, SessionStore(tmp_path / "session"))
    keeper.start()
    keeper.touch()
    keeper.close()
    stage.stream.set_words(2, "")
    stage.controls.set("stream/density", 1.0)
    again = SessionKeeper(stage, SessionStore(tmp_path / "session"))
    again.restore(again.load())
    again.close()
    assert stage.stream.words[2] == "dark kick"
    assert stage.controls.number("stream/density") == 7.0
    with pytest.raises(DriftwaveError, match="expected 0 to 5"):
        stage.stream.set_words(6, "")
