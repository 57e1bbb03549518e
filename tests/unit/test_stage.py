"""The stage without sound: slots, controls, MIDI, clock, snapshots, and the session on disk."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bridge import _native, stage_space
from engine.errors import BadRange, Busy, Cancelled, NotFound
from engine.jobs import Engine
from engine.stage import SLOTS, Stage, link_clock
from engine.stage.keeper import SessionKeeper
from engine.stage.midi_map import Mapping
from engine.stage.session import Session, SessionStore
from engine.stage.silent import SilentSound
from engine.stage.slots import QUANTISE, Slot, SlotSound, SlotWatcher
from engine.stage.transport import MAX_TEMPO, MIN_TEMPO, SOURCES
from tests.support.scripted_runtime import ScriptedRuntime, ScriptedVoice

WATCHDOG_S = 60.0


class Ear(SilentSound):
    """A sound that can be "heard": it writes down what it is told."""

    def __init__(self, clock: Clock) -> None:
        super().__init__("", clock=clock)
        self.told: list[tuple[object, ...]] = []

    def hit(self, slot: int, velocity: int, grid: float, at_s: float | None = None) -> bool:
        self.told.append(("hit", slot, velocity, grid))
        return True

    def let_go(self, slot: int, at_s: float | None = None) -> None:
        self.told.append(("let go", slot))

    def set_level(self, slot: int, name: str, value: float) -> None:
        self.told.append((name, slot, value))

    def send(self, message: bytes) -> None:
        self.told.append(("send", message))


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ear(clock: Clock) -> Ear:
    return Ear(clock)


@pytest.fixture
def runtime() -> ScriptedRuntime:
    runtime = ScriptedRuntime()
    runtime.gate.set()
    return runtime


@pytest.fixture
def stage(tmp_path: Path, ear: Ear, clock: Clock, runtime: ScriptedRuntime) -> Iterator[Stage]:
    engine = Engine(lambda broken: [ScriptedVoice("tone", tmp_path)], lambda: runtime)  # type: ignore[arg-type, list-item, return-value]
    stage = Stage(engine, ear, default_voice="tone", clock=clock)
    yield stage
    stage.close()
    engine.close()


def sound(seed: int = 1, frames: int = 800) -> SlotSound:
    whole = np.random.default_rng(seed).integers(-(2**22), 2**22, (1, frames))
    return SlotSound("c" * 32, "short snare", (whole / 2**23).astype(np.float32), 8_000)


def test_the_table_of_osc_methods_has_the_ranges_of_the_stage_and_of_the_plugin(
    stage: Stage,
) -> None:
    parameters = {parameter.symbol: parameter for parameter in _native.PARAMETERS}
    rows = {row.command: row for row in stage_space.STAGE_METHODS if row.action == "control"}
    assert (stage_space.QUANTISE, stage_space.SOURCES) == (QUANTISE, SOURCES)
    assert stage_space.SLOTS == SLOTS == _native.PAD_COUNT
    assert (MIN_TEMPO, MAX_TEMPO) == (_native.MIN_TEMPO, _native.MAX_TEMPO)
    for name in stage.controls.names():
        control, arg = stage.controls.find(name), rows.pop(name).args[0]
        assert arg.choices == control.choices, name
        if arg.minimum is not None:
            assert (arg.minimum, arg.maximum) == (control.low, control.high), name
        for slot in range(1, SLOTS + 1):
            if name in (f"slot/{slot}/{kind}" for kind in ("gain", "pan", "pitch", "choke")):
                symbol = f"pad_{slot:02d}_{name.rpartition('/')[2]}"
                pad = parameters[symbol]
                assert (pad.minimum, pad.maximum, pad.default) == (
                    control.low, control.high, control.default,
                )  # fmt: skip
    fields = {name.rpartition("/")[2] for name in rows}
    assert fields == {"prompt", "negative", "voice", "seed", "note"}


def test_a_generated_sound_lands_on_its_slot_and_the_newest_wish_stays(
    stage: Stage, runtime: ScriptedRuntime
) -> None:
    changed: list[int] = []
    done = threading.Event()

    class Watcher(SlotWatcher):
        def slot_changed(self, slot: int, sound: SlotSound | None) -> None:
            changed.append(slot)
            done.set()

    stage.slots.watch(Watcher())
    stage.slots.edit(4, prompt="dark kick", seed=3)
    job = stage.slots.generate(4, origin="test")
    assert job.wait(WATCHDOG_S)
    assert done.wait(WATCHDOG_S)
    made = stage.slots[4].sound
    assert made is not None
    assert made.prompt == "dark kick"
    assert changed == [4]
    assert stage.slots[4].waiting == 0

    runtime.gate.clear()
    job = stage.slots.generate(4, origin="test")
    stage.slots.put(4, sound())
    runtime.gate.set()
    assert job.wait(WATCHDOG_S)
    kept = stage.slots[4].sound
    assert kept is not None
    assert kept.prompt == "short snare", "what was put later stays"


def test_hits_need_a_sound_and_something_to_hear_it_on(stage: Stage, ear: Ear) -> None:
    with pytest.raises(NotFound, match="slot 2 has no sound"):
        stage.slots.hit(2)
    stage.slots.put(2, sound())
    stage.slots.hit(2, 100)
    stage.controls.set("slot/2/quantise", "bar")
    stage.controls.set("transport/bar", 3)
    stage.slots.hit(2, 101)
    stage.slots.hit(2, 102, quantise="beat")
    stage.slots.hit(2, 0)
    assert ear.told[-4:] == [
        ("hit", 2, 100, 0.0), ("hit", 2, 101, 3.0), ("hit", 2, 102, 1.0), ("let go", 2),
    ]  # fmt: skip
    ear.trouble = "no device; use --audio"
    with pytest.raises(Busy, match="--audio"):
        stage.slots.hit(2)
    with pytest.raises(BadRange, match="1 to 16"):
        stage.slots.hit(17)


def test_controls_say_what_they_expect_and_tell_who_watches(stage: Stage, ear: Ear) -> None:
    told: list[tuple[object, ...]] = []
    stage.controls.watch(lambda *change: told.append(change))
    stage.controls.set("slot/1/gain", -6.0, "me")
    stage.controls.set("slot/1/gain", -6.0, "me")
    stage.controls.set_normalized("slot/1/pan", 0.75)
    stage.controls.set_normalized("slot/1/choke", 0.6)
    assert told == [
        ("slot/1/gain", -6.0, "me"), ("slot/1/pan", 0.5, None), ("slot/1/choke", 2, None),
    ]  # fmt: skip
    assert ear.told == [("gain", 1, -6.0), ("gain", 1, -6.0), ("pan", 1, 0.5), ("choke", 1, 2.0)]
    assert stage.controls.normalized("slot/1/pan") == 0.75
    for name, value, error, words in (
        ("slot/1/gain", 13.0, BadRange, "-60 to 12"),
        ("slot/1/gain", float("nan"), BadRange, "-60 to 12"),
        ("slot/1/quantise", "never", BadRange, "off, beat, bar"),
        ("slot/1/gian", 0.0, NotFound, "slot/1/gain"),
    ):
        with pytest.raises(error, match=words):
            stage.controls.set(name, value)


def test_tempo_by_tapping_and_by_midi_clock(stage: Stage, ear: Ear, clock: Clock) -> None:
    for _ in range(4):
        tempo = stage.transport.tap()
        clock.now += 0.4
    assert tempo == pytest.approx(150.0)
    clock.now += 5.0
    assert stage.transport.tap() == pytest.approx(150.0), "a lone tap changes nothing"

    stage.controls.set("transport/source", "midi")
    with pytest.raises(Busy, match="transport/source"):
        stage.controls.set("transport/tempo", 100.0)
    stage.midi.receive(b"\xfa")
    jitter = np.random.default_rng(1).uniform(-0.001, 0.001, 240)
    start = clock.now
    for tick in range(240):  # ten beats at 100 beats a minute
        clock.now = start + tick * 0.025 + jitter[tick]
        stage.midi.receive(b"\xf8")
    assert ear.playing
    assert ear.tempo == pytest.approx(100.0, rel=0.01)
    assert ear.beat == pytest.approx(239 / 24, abs=0.02)
    stage.midi.receive(b"\xfc")
    assert not ear.playing


def test_link_says_what_it_needs(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_clock, "find_spec", lambda _name: None)
    with pytest.raises(NotFound, match=r"driftwave\[link\]"):
        stage.controls.set("transport/source", "link")
    assert stage.transport.source == "internal"


def test_midi_plays_slots_moves_controls_and_passes_the_rest_on(stage: Stage, ear: Ear) -> None:
    stage.slots.put(1, sound())
    stage.midi.receive(bytes((0x99, 36, 80)))
    stage.midi.receive(bytes((0x89, 36, 0)))
    stage.midi.receive(bytes((0x90, 60, 80)))
    stage.midi.receive(bytes((0x90, 37, 80)))  # an empty slot says so in the log
    assert ear.told == [
        ("hit", 1, 80, 0.0), ("let go", 1), ("send", bytes((0x90, 60, 80))),
    ]  # fmt: skip

    learnt: list[Mapping] = []
    failed: list[Cancelled] = []
    stage.midi.map.learn("slot/1/pan", None, None, done=learnt.append, failed=failed.append)
    stage.midi.map.learn("slot/1/gain", -20.0, 0.0, done=learnt.append, failed=failed.append)
    assert len(failed) == 1
    stage.midi.receive(bytes((0xB2, 7, 0)))
    assert learnt == [Mapping("cc", 3, 7, "slot/1/gain", -20.0, 0.0)]
    stage.midi.receive(bytes((0xB2, 7, 127)))
    assert stage.controls.value("slot/1/gain") == 0.0
    stage.midi.receive(bytes((0xB2, 7, 0)))
    assert stage.controls.value("slot/1/gain") == -20.0
    stage.midi.receive(bytes((0xB3, 7, 0)))  # another channel is for the instrument
    assert ear.told[-1] == ("send", bytes((0xB3, 7, 0)))

    stage.midi.map.learn("slot/1/play", None, None, done=learnt.append, failed=failed.append)
    stage.midi.receive(bytes((0x90, 70, 1)))
    stage.midi.receive(bytes((0x90, 70, 64)))
    assert ear.told[-1] == ("hit", 1, 64, 0.0)
    assert stage.midi.map.unlearn("slot/1/gain") == 1
    assert stage.midi.map.unlearn("") == 1
    with pytest.raises(NotFound):
        stage.midi.map.unlearn("slot/0/gain")
    with pytest.raises(BadRange, match="-60 to 12"):
        stage.midi.map.learn("slot/1/gain", -99, None, done=learnt.append, failed=failed.append)


def test_a_recall_takes_its_time_and_yields_to_the_hand(stage: Stage, clock: Clock) -> None:
    stage.controls.set("slot/1/gain", -40.0)
    stage.controls.set("slot/2/pan", 1.0)
    stage.controls.set("slot/3/choke", 4)
    stage.snapshots.save("quiet")
    stage.controls.set("slot/1/gain", 0.0)
    stage.controls.set("slot/2/pan", -1.0)
    stage.controls.set("slot/3/choke", 0)
    stage.snapshots.recall("quiet", 10.0)

    def arrive(seconds: float, gain: float) -> None:
        clock.now += seconds
        reached = threading.Event()
        stage.controls.watch(
            lambda name, value, _: (
                reached.set() if name == "slot/1/gain" and value == pytest.approx(gain) else None
            )
        )
        assert reached.wait(WATCHDOG_S), stage.controls.value("slot/1/gain")

    arrive(2.5, -10.0)
    assert stage.controls.value("slot/3/choke") == 0
    stage.controls.set("slot/2/pan", 0.25)
    arrive(7.5, -40.0)
    wait = threading.Event()
    for _ in range(500):
        if stage.controls.value("slot/3/choke") == 4:
            break
        wait.wait(0.01)
    assert stage.controls.value("slot/3/choke") == 4
    assert stage.controls.value("slot/2/pan") == 0.25, "the hand goes before the snapshot"
    with pytest.raises(NotFound, match="did you mean 'quiet'"):
        stage.snapshots.recall("quite")
    stage.snapshots.delete("quiet")
    assert stage.snapshots.saved() == {}


def test_a_session_comes_back_whole(stage: Stage, tmp_path: Path) -> None:
    store = SessionStore(tmp_path / "session")
    keeper = SessionKeeper(stage, store)
    stage.slots.edit(2, prompt="größer Knall", negative="soft", voice="tone", seed=2**63 - 1)
    stage.slots.put(2, sound(5))
    stage.controls.set("transport/tempo", 97.5)
    stage.midi.map.restore([Mapping("cc", 1, 7, "slot/1/gain", -20.0, 0.0)])
    stage.snapshots.save("a")
    before = keeper.session()
    store.save(before)
    store.close()

    again = SessionStore(tmp_path / "session")
    session = again.load()
    assert session.controls == before.controls
    assert session.mappings == before.mappings
    assert session.snapshots == before.snapshots
    kept, was = session.slots[1].sound, before.slots[1].sound
    assert kept is not None
    assert was is not None
    assert np.array_equal(kept.audio, was.audio)
    assert session.slots[1].prompt == "größer Knall"
    assert session.slots[1].seed == 2**63 - 1

    stage.slots.put(2, None)
    stage.controls.set("transport/tempo", 120.0)
    words = SessionKeeper(stage, again).restore(session)
    assert words == "1 sound, 1 MIDI mapping, 1 snapshot"
    assert stage.slots[2].sound is not None
    assert stage.controls.value("transport/tempo") == 97.5
    again.close()


def test_changes_are_saved_without_being_asked_and_at_the_end(stage: Stage, tmp_path: Path) -> None:
    keeper = SessionKeeper(stage, SessionStore(tmp_path / "session"))
    keeper.start()
    stage.controls.set("slot/9/gain", -3.0)
    file = tmp_path / "session" / "session.json"
    wait = threading.Event()
    for _ in range(1000):
        if file.exists():
            break
        wait.wait(0.01)
    assert json.loads(file.read_text())["controls"]["slot/9/gain"] == -3.0
    stage.slots.edit(1, prompt="last word")
    keeper.close()
    assert json.loads(file.read_text())["slots"][0]["prompt"] == "last word"


def test_one_engine_keeps_a_session_and_a_second_leaves_it_alone(tmp_path: Path) -> None:
    first = SessionStore(tmp_path)
    first.save(Session(controls={"x": 1.0}))
    second = SessionStore(tmp_path)
    assert (first.mine, second.mine) == (True, False)
    second.save(Session(controls={"x": 2.0}))
    first.close()
    third = SessionStore(tmp_path)
    assert third.mine
    assert third.load().controls == {"x": 1.0}
    second.close()
    third.close()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"version": 1}', '{"version": 99, "slots": []}', '{"version": "x"}'],
)
def test_a_session_that_cannot_be_used_is_put_aside(
    text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = SessionStore(tmp_path)
    (tmp_path / "session.json").write_text(text)
    assert store.load() == Session()
    aside = list(tmp_path.glob("session.broken.*.json"))
    assert [path.read_text() for path in aside] == [text]
    assert "kept as" in caplog.text
    store.close()


def test_a_lost_sound_leaves_the_rest_and_old_sounds_are_swept(tmp_path: Path) -> None:
    store = SessionStore(tmp_path)
    slots = tuple(Slot(sound=sound(seed)) for seed in (1, 2))
    store.save(Session(slots=slots))
    files = sorted((tmp_path / "sounds").iterdir())
    assert len(files) == 2
    os.truncate(files[0], 50)
    (tmp_path / "sounds" / "stray.flac").write_bytes(b"x")
    store.close()
    again = SessionStore(tmp_path)
    session = again.load()
    assert sum(slot.sound is not None for slot in session.slots) == 1
    assert not (tmp_path / "sounds" / "stray.flac").exists()
    again.close()
