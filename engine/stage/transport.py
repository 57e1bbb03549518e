"""Tempo, beats and bars: set by hand, by tapping, or by a clock from outside."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from engine.errors import BadRange, Busy
from engine.stage.controls import Control, Controls
from engine.stage.sound import Sound

SOURCES: Final = ("internal", "midi", "link")
MIN_TEMPO: Final = 20.0
MAX_TEMPO: Final = 400.0
_TAPS: Final = 5
_TAP_TIMEOUT_S: Final = 2.0


class Transport:
    """The transport of a stage, whose time line the sound keeps. Any thread."""

    def __init__(
        self, sound: Sound, controls: Controls, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sound = sound
        self._controls = controls
        self._clock = clock
        self._lock = threading.Lock()
        self._taps: deque[float] = deque(maxlen=_TAPS)
        self._source = 0.0
        self._share_tempo: Callable[[float], None] | None = None
        self._on_source: list[Callable[[str], None]] = []
        controls.add(
            Control("transport/play", 0, 1, 0, self._play, whole=True, kept=False,
                    read=lambda: float(sound.playing))
        )  # fmt: skip
        controls.add(
            Control("transport/tempo", MIN_TEMPO, MAX_TEMPO, 120.0, self._tempo,
                    read=lambda: sound.tempo)
        )  # fmt: skip
        controls.add(Control("transport/bar", 1, 16, 4, lambda _: None, whole=True))
        controls.add(
            Control("transport/source", 0, 2, 0, self._choose, whole=True, choices=SOURCES,
                    kept=False, read=lambda: self._source)
        )  # fmt: skip

    @property
    def source(self) -> str:
        """Who sets the tempo."""
        return SOURCES[int(self._source)]

    def on_source(self, follow: Callable[[str], None]) -> None:
        """Call `follow(source)` when another source is chosen; it raises when it can't follow."""
        self._on_source.append(follow)

    def share_tempo(self, share: Callable[[float], None]) -> None:
        """Call `share(bpm)` for a tempo that is set while others have it in common."""
        self._share_tempo = share

    def beats_in_bar(self) -> float:
        """Beats in a bar."""
        return self._controls.number("transport/bar")

    def tap(self) -> float:
        """One tap; from the second on the tempo is their mean. Returns the tempo."""
        now = self._clock()
        with self._lock:
            if self._taps and now - self._taps[-1] > _TAP_TIMEOUT_S:
                self._taps.clear()
            self._taps.append(now)
            taps = tuple(self._taps)
        if len(taps) > 1:
            seconds = (taps[-1] - taps[0]) / (len(taps) - 1)
            tempo = 60.0 / max(seconds, 1e-3)
            self._controls.set("transport/tempo", min(max(tempo, MIN_TEMPO), MAX_TEMPO))
        return self._sound.tempo

    def locate(self, beat: float) -> None:
        """Jump to a beat. Raises BadRange."""
        if not 0 <= beat <= 1e5:
            raise BadRange(f"beat {beat:g}: expected 0 to 100000")
        self._sound.locate(beat)

    def _play(self, value: float) -> None:
        self._own("start or stop")
        if value > 0.5:
            self._sound.locate(0.0)
        self._sound.set_playing(value > 0.5)

    def _tempo(self, value: float) -> None:
        self._own("the tempo")
        if self._share_tempo is not None and self.source == "link":
            self._share_tempo(value)
        else:
            self._sound.set_tempo(value)

    def _own(self, what: str) -> None:
        if self.source == "midi":
            raise Busy(f"{what} comes from midi clock; set transport/source to internal first")

    def _choose(self, value: float) -> None:
        for follow in self._on_source:
            follow(SOURCES[int(value)])
        self._source = value
