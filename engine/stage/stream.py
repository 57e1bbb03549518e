"""The endless stream: its controls, its thread, and who hears how it goes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from engine.errors import BadRange, DriftwaveError
from engine.jobs import Engine
from engine.stage.controls import Control, Controls
from engine.stage.sound import Sound
from engine.stage.stream_maker import Made, StreamMaker
from engine.stage.stream_plan import PROMPTS, StreamSettings
from engine.stage.stream_scheduler import Counts, GrainScheduler

log = logging.getLogger(__name__)

MIN_DENSITY: Final = 0.25
MAX_DENSITY: Final = 16.0


class StreamWatcher:
    """What others hear of the stream; override what you need. Called by any thread."""

    def stream_state(self, state: str, why: str) -> None:
        """It is in another state, one of `stream_scheduler.STATES`."""

    def stream_words(self, number: int, origin: object) -> None:
        """A prompt has other words."""


class Stream:
    """Generation without end that follows its controls, `stream/...`. Any thread."""

    def __init__(
        self,
        engine: Engine,
        sound: Sound,
        controls: Controls,
        *,
        voice: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._controls = controls
        self._lock = threading.Lock()
        self._settings = StreamSettings()
        self._watchers: list[StreamWatcher] = []
        self._due = threading.Event()
        self._closing = False
        self._logged = ""
        self._thread: threading.Thread | None = None
        self._maker = StreamMaker(engine, voice, self._ready, self._failed, clock=clock)
        self._scheduler = GrainScheduler(sound, self._maker, tell=self._tell, clock=clock)
        usual = self._settings
        on = self._scheduler
        add = controls.add
        add(Control("stream/run", 0, 1, 0, self._run, whole=True, kept=False,
                    read=lambda: float(on.on)))  # fmt: skip
        add(Control("stream/gain", -60, 12, 0, sound.set_grain_gain))
        add(Control("stream/x", -1, 1, usual.x, lambda value: self._set(x=value)))
        add(Control("stream/y", -1, 1, usual.y, lambda value: self._set(y=value)))
        add(Control("stream/density", MIN_DENSITY, MAX_DENSITY, usual.density,
                    lambda value: self._set(density=value)))  # fmt: skip
        add(Control("stream/temperature", 0, 1, usual.temperature,
                    lambda value: self._set(temperature=value)))  # fmt: skip
        for number in range(PROMPTS):
            add(Control(f"stream/weight/{number}", 0, 1, 1, self._weight(number)))

    @property
    def words(self) -> tuple[str, ...]:
        """Of every prompt."""
        return self._settings.words

    @property
    def state(self) -> tuple[str, str]:
        """How it goes, one of `stream_scheduler.STATES`, and why."""
        return self._scheduler.state

    @property
    def counts(self) -> Counts:
        """What has happened since it was started."""
        return self._scheduler.counts

    def watch(self, watcher: StreamWatcher) -> None:
        """Tell `watcher` from now on."""
        self._watchers.append(watcher)

    def set_words(self, number: int, words: str, origin: object = None) -> None:
        """Set what prompt `number` says, from 0; "" leaves it out. Raises BadRange."""
        if not 0 <= number < PROMPTS:
            raise BadRange(f"stream prompt {number}: expected 0 to {PROMPTS - 1}")
        with self._lock:
            all_words = list(self._settings.words)
            all_words[number] = words
            self._put(replace(self._settings, words=tuple(all_words)))
        for watcher in self._watchers:
            watcher.stream_words(number, origin)

    def restore(self, words: Sequence[str]) -> None:
        """Put back the words of a session."""
        for number, text in enumerate(words[:PROMPTS]):
            self.set_words(number, text)

    def stop(self) -> None:
        """Begin no sound any more."""
        if self._scheduler.on:
            self._controls.set("stream/run", 0.0)

    def close(self) -> None:
        """End its thread."""
        self._scheduler.stop()
        self._closing = True
        self._due.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, value: float) -> None:
        if value <= 0.5:
            self._scheduler.stop()
            return
        self._maker.check()
        with self._lock:
            if self._thread is None and not self._closing:
                self._thread = threading.Thread(target=self._tick, name="stream", daemon=True)
                self._thread.start()
        self._logged = ""
        self._scheduler.start()
        self._due.set()

    def _tick(self) -> None:
        while not self._closing:
            if self._scheduler.on:
                try:
                    wait_s: float | None = self._scheduler.tick()
                except Exception as error:  # one clear end instead of a stream that only seems on
                    log.exception("the stream failed")
                    self._failed(DriftwaveError(f"internal error in the stream: {error}"))
                    continue
            else:
                wait_s = None
            self._due.wait(wait_s)
            self._due.clear()

    def _ready(self, made: Made | None) -> None:
        self._scheduler.take(made)
        self._due.set()

    def _failed(self, error: DriftwaveError) -> None:
        self._scheduler.stop("failed", str(error))
        self._controls.changed("stream/run")

    def _tell(self, state: str, why: str) -> None:
        if why and why != self._logged:  # a machine at its limit goes to and fro
            log.warning("stream %s: %s", state, why)
            self._logged = why
        for watcher in self._watchers:
            watcher.stream_state(state, why)

    def _weight(self, number: int) -> Callable[[float], None]:
        def write(value: float) -> None:
            with self._lock:
                weights = list(self._settings.weights)
                weights[number] = value
                self._put(replace(self._settings, weights=tuple(weights)))

        return write

    def _set(self, **values: Any) -> None:
        with self._lock:
            self._put(replace(self._settings, **values))

    def _put(self, settings: StreamSettings) -> None:
        self._settings = settings
        self._scheduler.set(settings)
        self._due.set()
