"""Places the grains of the stream a little ahead of what is heard, and never lets it stop.

All control changes count epochs. A sound of a newer epoch than the last that was placed takes the
place of what has not begun yet, and need not wait for its turn. Where no new sound is ready, one of
the last is played again.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from engine.stage.sound import Sound
from engine.stage.stream_clock import FINEST, Moment, interval, next_start, on_grid
from engine.stage.stream_grains import Levels, shaped
from engine.stage.stream_maker import Made, StreamMaker
from engine.stage.stream_plan import StreamSettings, next_wish

LEAD_S: Final = 0.06
"""Grains are placed so far ahead of the device, where it takes small blocks."""
MOST_LEAD_S: Final = 0.12
SOONEST_S: Final = 0.006
"""A grain that shall begin at once begins so much later, to be there in time."""
AHEAD: Final = 4
"""Sounds of the present controls that are kept ready."""
PATIENCE_S: Final = 0.06
"""So long after a change a sound made before may stand in for a new one."""
LATE_S: Final = 0.02
"""A grain that begins so much after its time counts as late."""
EARLY_S: Final = 0.1
"""Between two grains of which the second comes before its turn there is at least so much."""
_RECENT: Final = 8
_STARTS: Final = 16
_FORGET: Final = 0.99
REPEATS: Final = 4
"""So many repeats in a row are told."""
_NO_SOUND_S: Final = 0.25
_TICK_S: Final = 0.05
_KEPT_TIMES: Final = 1000

STATES: Final = ("off", "starting", "playing", "repeating", "waiting", "failed")


@dataclass(slots=True)
class Counts:
    """What has happened since the stream was started.

    Attributes:
        grains: placed, of which `repeated` had been played before because none was ready.
        late: began more than LATE_S after their time, or could not be placed.
        latencies: seconds from a control change to the first grain made after it, the last ones.
    """

    grains: int = 0
    repeated: int = 0
    late: int = 0
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT_TIMES))

    def latency_ms(self, rank: float) -> float:
        """The latency at a rank 0..1, in milliseconds; 0 without any."""
        times = sorted(self.latencies)
        return 1e3 * times[min(len(times) - 1, int(rank * len(times)))] if times else 0.0


class GrainScheduler:
    """Keeps the stream going. `tick` is called by one thread, the rest by any.

    `tell(state, why)` is called when its state changes.
    """

    def __init__(
        self,
        sound: Sound,
        maker: StreamMaker,
        *,
        tell: Callable[[str, str], None],
        clock: Callable[[], float] = time.monotonic,
        seed: int = 0,
    ) -> None:
        self._sound = sound
        self._maker = maker
        self._tell = tell
        self._clock = clock
        self._rng = np.random.Generator(np.random.Philox(key=[seed, 0]))
        self._lock = threading.Lock()
        self._on = False
        self._settings = StreamSettings()
        self._epoch = 0
        self._heard_epoch = self._fresh_epoch = -1
        self._changes: deque[tuple[int, float]] = deque(maxlen=_KEPT_TIMES)
        self._ready: deque[Made] = deque()
        self._recent: deque[Made] = deque(maxlen=_RECENT)
        self._levels = Levels()
        self._starts: deque[int] = deque(maxlen=_STARTS)
        self._rhythm = (0.0, False)
        self._excused = True
        self._rate = 0.0
        self._frame = 0
        self._jump_s = 0.0
        self._repeats = 0
        self._state = ("off", "")
        self.counts = Counts()

    @property
    def on(self) -> bool:
        """Whether it runs."""
        return self._on

    @property
    def state(self) -> tuple[str, str]:
        """One of STATES, and why."""
        return self._state

    def start(self) -> None:
        """Begin with a new sound."""
        with self._lock:
            if self._on:
                return
            self._on = True
            self.counts = Counts()
            self._forget()
        self._say("starting")

    def stop(self, state: str = "off", why: str = "") -> None:
        """Begin no grain any more; what sounds ends by itself."""
        with self._lock:
            was, self._on = self._on, False
            if was:
                self._sound.skip_grains(0)
            self._forget()
        self._maker.end()
        if was:
            self._say(state, why)

    def set(self, settings: StreamSettings) -> None:
        """What is asked for from now on."""
        with self._lock:
            before, self._settings = self._settings, settings
            if _asks_alike(before, settings):
                return
            self._epoch += 1
            self._ready.clear()
            if self._on:
                self._changes.append((self._epoch, self._clock()))
        self._maker.outdate()

    def take(self, made: Made | None) -> None:
        """A sound is ready; None: it will not come."""
        with self._lock:
            if made is None or not self._on or made.epoch < self._fresh_epoch:
                return
            while self._ready and self._ready[0].epoch < made.epoch:
                self._ready.popleft()
            self._ready.append(made)

    def tick(self) -> float:
        """Ask for and place what is due; returns the seconds until the next tick is."""
        with self._lock:
            on, settings, epoch, count = self._on, self._settings, self._epoch, len(self._ready)
        if not on:
            return _NO_SOUND_S
        if self._sound.trouble:
            self._say("waiting", self._sound.trouble)
            self._starts.clear()
            return _NO_SOUND_S
        if count < AHEAD and not self._maker.busy:
            self._maker.ask(next_wish(settings, self._rng), epoch)
        self._make_do(settings, epoch)
        moment = Moment(*self._sound.time_line())
        until = moment.frame + self._lead(moment)
        self._follow(moment, settings)
        self._come_early(moment, until)
        while (start := next_start(self._begun(), moment, settings.density)) < until:
            if not self._place(start, moment, settings):
                return _TICK_S
        return min(max((start - until) / moment.rate, 0.001), _TICK_S)

    def _make_do(self, settings: StreamSettings, epoch: int) -> None:
        """After a change for which no sound comes soon, take one that was made before."""
        with self._lock:
            if self._ready or not self._changes:
                return
            if self._clock() - self._changes[0][1] < PATIENCE_S:
                return
        wish = next_wish(settings, self._rng)
        sample = self._maker.like(wish)
        if sample is not None:
            with self._lock:
                self._ready.append(Made(wish, epoch, sample, again=True))

    def _lead(self, moment: Moment) -> int:
        """Frames by which grains are placed ahead: more where blocks, or our turns, are long."""
        jump_s = (moment.frame - self._frame) / moment.rate
        self._frame = moment.frame
        self._jump_s = max(_FORGET * self._jump_s, jump_s)
        return round(moment.rate * min(max(LEAD_S, self._jump_s + 0.02), MOST_LEAD_S))

    def _follow(self, moment: Moment, settings: StreamSettings) -> None:
        """Begin anew on another device, and forget what has ended."""
        if moment.rate != self._rate:  # its frames are others
            self._rate, self._levels = moment.rate, Levels()
            self._starts.clear()
        rhythm = (settings.density, moment.playing)
        self._excused = self._excused or rhythm != self._rhythm
        self._rhythm = rhythm
        self._levels.forget(moment.frame)

    def _begun(self) -> int | None:
        """The frame in which the last grain begins."""
        return self._starts[-1] if self._starts else None

    def _come_early(self, moment: Moment, until: int) -> None:
        """Play the first sound made after a change before its turn, instead of what waits."""
        with self._lock:
            settings, starts = self._settings, tuple(self._starts)
            if not starts or not self._ready or self._ready[0].epoch <= self._heard_epoch:
                return
        start = moment.frame + round(SOONEST_S * moment.rate)
        begun = [frame for frame in starts if frame < start]
        waiting = starts[len(begun) :]
        if begun:
            gap = min(EARLY_S * moment.rate, interval(moment, settings.density))
            start = max(start, begun[-1] + round(gap))
        start = min([on_grid(start, moment, FINEST), *waiting[:1]])
        if start >= until:
            return  # it is looked at again before then
        if waiting:
            self._sound.skip_grains(start)
            self._levels.forget(moment.frame, start)
        self._starts = deque(begun, maxlen=_STARTS)
        self._excused = True
        self._place(start, moment, settings)

    def _place(self, start: int, moment: Moment, settings: StreamSettings) -> bool:
        """Play the next sound from a frame on; False when there has been none yet."""
        made, repeated = self._next()
        if made is None:
            return False
        soonest = moment.frame + round(SOONEST_S * moment.rate)
        excused, self._excused = self._excused or not self._starts, False
        late = not excused and soonest - start > LATE_S * moment.rate
        start = max(start, soonest)
        grain = shaped(made.sample.at(moment.rate), settings.density, made.wish.level)
        grain = self._levels.fit(grain, start, moment.rate)
        with self._lock:
            if not self._on:
                return False
            placed = self._sound.add_grain(grain, start)
            self._starts.append(start)
            self.counts.grains += 1
            self.counts.repeated += repeated
            self.counts.late += late or not placed
            self._count_latency(made, (start - moment.frame) / moment.rate)
            self._repeats = self._repeats + 1 if repeated else 0
            repeats = self._repeats
        if repeats == 0:
            self._say("playing")
        elif repeats == REPEATS:
            self._say(
                "repeating",
                "sounds are made more slowly than the density asks; the last ones play again",
            )
        return True

    def _next(self) -> tuple[Made | None, bool]:
        """A sound that was not played yet, else one that was."""
        with self._lock:
            if self._ready:
                made = self._ready.popleft()
                if made.epoch > self._heard_epoch:
                    self._recent.clear()
                    self._heard_epoch = made.epoch
                if not made.again:
                    self._fresh_epoch = made.epoch
                self._recent.append(made)
                return made, made.again
            if not self._recent:
                return None, False
            return self._recent[int(self._rng.integers(len(self._recent)))], True

    def _count_latency(self, made: Made, ahead_s: float) -> None:
        now = self._clock()
        while self._changes and self._changes[0][0] <= made.epoch:
            self.counts.latencies.append(now + ahead_s - self._changes.popleft()[1])

    def _forget(self) -> None:
        self._ready.clear()
        self._recent.clear()
        self._changes.clear()
        self._levels = Levels()
        self._starts.clear()
        self._repeats = 0

    def _say(self, state: str, why: str = "") -> None:
        if (state, why) != self._state:
            self._state = (state, why)
            self._tell(state, why)


def _asks_alike(one: StreamSettings, other: StreamSettings) -> bool:
    """Whether two settings ask for the same sounds, only more or less often."""
    return (one.words, one.weights, one.x, one.y, one.temperature) == (
        other.words, other.weights, other.x, other.y, other.temperature,
    )  # fmt: skip
