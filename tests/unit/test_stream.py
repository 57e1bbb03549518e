"""The endless stream: what it asks for, when its grains begin, and that it never stops."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.stage.stream import MAX_DENSITY, MIN_DENSITY
from engine.stage.stream_clock import Moment, next_start, on_grid
from engine.stage.stream_grains import CEILING, LEVEL, Levels, Sample, shaped
from engine.stage.stream_maker import Made
from engine.stage.stream_plan import PROMPTS, StreamSettings, Wish, next_wish, place, shares
from engine.stage.stream_scheduler import EARLY_S, PATIENCE_S, REPEATS, GrainScheduler
from tests.support.grain_ear import RATE, Clock, Ear


class Maker:
    """Makes a sound whose shape tells its epoch, after so many seconds; None: never."""

    def __init__(self, clock: Clock, seconds: float | None = 0.05) -> None:
        self.clock = clock
        self.seconds = seconds
        self.asked: list[tuple[Wish, int, float]] = []
        self.ready: Callable[[Made | None], None] = lambda made: None
        self.waiting: tuple[Wish, int, float] | None = None
        self.known: Sample | None = None

    @property
    def busy(self) -> bool:
        return self.waiting is not None

    def ask(self, wish: Wish, epoch: int) -> None:
        self.waiting = (wish, epoch, self.clock.now)
        self.asked.append(self.waiting)

    def like(self, wish: Wish) -> Sample | None:
        return self.known

    def outdate(self) -> None: ...

    def end(self) -> None:
        self.waiting = None

    def pass_time(self) -> None:
        if self.waiting is None or self.seconds is None:
            return
        wish, epoch, since = self.waiting
        if self.clock.now >= since + self.seconds:
            self.waiting = None
            audio = np.ones((1, RATE), dtype=np.float32)
            audio[0, 2000:] = 0.01 * epoch
            self.ready(Made(wish, epoch, Sample(audio, RATE)))


class Desk:
    """A scheduler, what it asks and what it is heard by, and a clock that moves all three."""

    def __init__(self, seconds: float | None = 0.05) -> None:
        self.clock = Clock()
        self.ear = Ear(self.clock)
        self.maker = Maker(self.clock, seconds)
        self.told: list[str] = []
        self.scheduler = GrainScheduler(
            self.ear, self.maker, tell=lambda state, why: self.told.append(state),  # type: ignore[arg-type]
            clock=self.clock,
        )  # fmt: skip
        self.maker.ready = self.scheduler.take

    def run(self, seconds: float, tick_s: float = 0.005) -> None:
        """Let time pass, with a look every `tick_s`."""
        end = self.clock.now + seconds
        while self.clock.now < end - 1e-9:
            self.clock.now += tick_s
            self.maker.pass_time()
            self.scheduler.tick()


def test_sounds_begin_as_often_as_the_density_says() -> None:
    for density in (MIN_DENSITY, 1.0, 4.0, MAX_DENSITY):
        desk = Desk()
        desk.scheduler.set(StreamSettings(density=density))
        desk.scheduler.start()
        desk.run(10.0)
        gaps = np.diff(desk.ear.starts)
        assert len(desk.ear.grains) == pytest.approx(10.0 * density, abs=2)
        np.testing.assert_allclose(gaps, 1.0 / density, atol=1e-4)
        assert desk.scheduler.counts.late == 0
    assert desk.told == ["starting", "playing"]


def test_while_the_transport_runs_they_begin_on_its_grid() -> None:
    desk = Desk()
    desk.ear.set_tempo(120.0)
    desk.ear.set_playing(True)
    desk.scheduler.set(StreamSettings(density=4.3))  # nearest: every half beat
    desk.scheduler.start()
    desk.run(6.0)
    np.testing.assert_allclose(np.array(desk.ear.starts) % 0.25, 0.0, atol=1e-3)
    np.testing.assert_allclose(np.diff(desk.ear.starts), 0.25, atol=1e-3)


def test_a_change_is_heard_before_its_turn_and_in_place_of_what_waits() -> None:
    for density, changed_at in ((0.25, 3.0), (1.0, 3.3), (4.0, 3.24), (16.0, 3.01)):
        desk = Desk()
        desk.scheduler.set(StreamSettings(density=density))
        desk.scheduler.start()
        desk.run(changed_at)
        changed = desk.clock.now - 100.0
        desk.scheduler.set(StreamSettings(density=density, x=0.5))
        desk.run(1.0)
        newest = desk.maker.asked[-1][1]
        epochs = [round(100 * grain[3000, 0] / grain[1000, 0]) for _, grain in desk.ear.grains]
        heard = [s for s, epoch in zip(desk.ear.starts, epochs, strict=True) if epoch == newest]
        begun = max((s for s in desk.ear.starts if s < heard[0]), default=0.0)
        latest = max(changed + 0.05 + 0.05 + 0.03, begun + EARLY_S)
        assert changed < heard[0] <= min(latest, changed + 0.2)
        assert all(gap > min(EARLY_S, 1.0 / density) - 1e-3 for gap in np.diff(desk.ear.starts))
        assert 0.0 < desk.scheduler.counts.latency_ms(0.99) <= 200.0


def test_a_fader_that_moves_all_the_time_is_followed() -> None:
    desk = Desk()
    desk.scheduler.start()
    desk.run(1.0)
    for step in range(100):
        desk.scheduler.set(StreamSettings(x=step / 100.0))
        desk.run(0.02)
    epochs = [epoch for _, epoch, since in desk.maker.asked if since > 101.0]
    assert len(epochs) > 20  # about one each 50 ms, the newest state of the fader each
    assert max(desk.scheduler.counts.latencies) < 0.25
    assert max(np.diff(desk.ear.starts)) < 0.26


def test_where_sounds_are_made_slowly_one_made_before_stands_in() -> None:
    desk = Desk(seconds=1.0)
    desk.scheduler.set(StreamSettings(density=1.0))
    desk.scheduler.start()
    desk.run(5.3)
    before = desk.scheduler.counts.repeated
    desk.maker.known = Sample(np.ones((1, RATE), dtype=np.float32), RATE)
    desk.scheduler.set(StreamSettings(density=1.0, x=0.5))
    desk.run(0.5)
    assert PATIENCE_S <= desk.scheduler.counts.latencies[-1] < 0.2
    assert desk.scheduler.counts.repeated == before + 1
    fresh = desk.scheduler.counts.grains - desk.scheduler.counts.repeated
    desk.run(3.0)
    assert desk.scheduler.counts.grains - desk.scheduler.counts.repeated >= fresh + 2
    assert Wish("a", "b", 0.25).distance(Wish("b", "a", 0.75)) == 0.0
    assert Wish("a").distance(Wish("b")) == 1.0
    assert Wish("a", "b", 0.25).distance(Wish("a")) == 0.25


def test_what_is_made_too_slowly_is_repeated_and_said() -> None:
    desk = Desk(seconds=3.0)
    desk.scheduler.start()
    desk.run(11.0)
    assert desk.told == ["starting", "playing", "repeating", "playing", "repeating", "playing",
                         "repeating"]  # fmt: skip
    assert max(np.diff(desk.ear.starts)) < 0.26
    assert desk.scheduler.counts.repeated > REPEATS
    desk.maker.seconds = None  # nothing comes any more
    desk.run(20.0)
    assert max(np.diff(desk.ear.starts)) < 0.26
    assert desk.scheduler.counts.late == 0


def test_a_thread_that_comes_late_is_counted_and_goes_on() -> None:
    desk = Desk()
    desk.scheduler.start()
    desk.run(2.0)
    desk.clock.now += 0.7
    desk.run(2.0)
    assert desk.scheduler.counts.late == 1
    assert max(np.diff(desk.ear.starts)) < 0.75
    assert min(np.diff(desk.ear.starts)) > 0.2  # nothing is caught up with


def test_without_a_device_it_waits_and_goes_on_when_there_is_one() -> None:
    desk = Desk()
    desk.scheduler.start()
    desk.run(1.0)
    placed = len(desk.ear.grains)
    desk.ear.trouble = "the device is gone"
    asked = len(desk.maker.asked)
    desk.run(5.0)
    assert (len(desk.ear.grains), desk.told[-1]) == (placed, "waiting")
    assert len(desk.maker.asked) == asked  # nobody would hear it
    desk.ear.trouble = ""
    desk.run(1.0)
    assert (desk.told[-1], desk.scheduler.counts.late) == ("playing", 0)
    assert len(desk.ear.grains) > placed + 2


def test_grains_are_faded_level_and_together_below_the_ceiling() -> None:
    noise = np.random.default_rng(1).uniform(-0.01, 0.01, (1, RATE)).astype(np.float32)
    grain = shaped(Sample(noise, RATE), 8.0, 1.0)
    assert grain.shape == (RATE // 2, 2)
    assert np.abs(grain).max() == pytest.approx(LEVEL, rel=1e-3)
    assert np.abs(grain[[0, -1]]).max() < 0.02
    levels, heard = Levels(), np.zeros((3 * RATE, 2), dtype=np.float32)
    for start in range(1000, 2 * RATE, 3000):  # sixteen a second
        levels.forget(start - 100)
        heard[start : start + len(grain)] += levels.fit(grain, start, RATE)
    assert LEVEL < np.abs(heard).max() <= CEILING + 1e-6
    silence = shaped(Sample(np.zeros((1, 100), dtype=np.float32), RATE), 4.0, 1.0)
    assert not silence.any()
    resampled = Sample(noise, RATE).at(44_100.0)
    assert (resampled.sample_rate, resampled.audio.shape[1]) == (44_100, 44_100)


def test_the_place_decides_which_prompts_are_asked_for() -> None:
    rng = np.random.default_rng(3)
    words = ("kick", "snare", "hat", "clap", "tom", "ride")
    for number in range(PROMPTS):
        x, y = place(number)
        assert np.argmax(shares(StreamSettings(words, x=x, y=y))) == number
        wish = next_wish(StreamSettings(words, x=x, y=y, temperature=0.0), rng)
        assert (wish.prompt, wish.morph, wish.seed) == (words[number], "", 0)
    two = StreamSettings(("kick", "snare", "", "", "", ""), temperature=0.0)
    wish = next_wish(two, rng)
    assert ({wish.prompt, wish.morph}, wish.mix) == ({"kick", "snare"}, 0.5)
    heavy = StreamSettings(two.words, weights=(1.0, 0.0, 1.0, 1.0, 1.0, 1.0), temperature=0.0)
    assert next_wish(heavy, rng) == Wish("kick")
    assert next_wish(StreamSettings(temperature=0.0), rng) == Wish()
    middle = StreamSettings(words, temperature=0.5)
    assert {next_wish(middle, rng).prompt for _ in range(200)} == set(words)
    hot = [next_wish(StreamSettings(words, x=0.0, y=1.0, temperature=1.0), rng) for _ in range(50)]
    assert len({wish.seed for wish in hot}) > 20
    assert all(-1.0 <= bias <= 1.0 for wish in hot for bias in wish.biases.values())


def test_the_grid_and_the_seconds() -> None:
    still = Moment(1000, RATE)
    assert next_start(None, still, 4.0) == 1000
    assert next_start(1000, still, 4.0) == 1000 + RATE // 4
    runs = Moment(1000, RATE, beat=2.1, tempo=120.0, playing=True)
    assert next_start(None, runs, 2.0) == 1000 + round(0.9 * RATE / 2)
    assert on_grid(1000, runs, 0.25) == 1000 + round(0.15 * RATE / 2)
    assert on_grid(1000, still, 0.25) == 1000
