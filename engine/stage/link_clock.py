"""Ableton Link: tempo, beat and start and stop in common with other programs on the network.

Optional: the package aalink (GPL 3 or later) is imported only when Link is chosen, and only then
does Link speak to the network.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Final

from engine.errors import NotFound
from engine.stage.pull import JUMP_BEATS, pulled
from engine.stage.sound import Sound

_POLL_S: Final = 0.02
_SMOOTHING: Final = 0.1
_OPEN_S: Final = 10.0


class LinkFollower:
    """Keeps a sound's tempo and beat with a Link session, from `start` to `stop`. Any thread.

    Beats agree in their place in the bar, which is what Link shares. Whoever starts or stops tells
    the others where they share that too (start-stop sync).
    """

    def __init__(self, sound: Sound, beats_in_bar: Callable[[], float]) -> None:
        self._sound = sound
        self._beats_in_bar = beats_in_bar
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._playing = False  # as the session last said, or was told
        self._behind = 0.0  # smoothed, for a sound tells its beat by blocks
        self._asked: list[float] = []  # tempos set here, for the session
        self.peers = 0

    def start(self) -> None:
        """Join the session. Raises NotFound when aalink is not installed."""
        if find_spec("aalink") is None:
            raise NotFound(
                "Ableton Link needs the package aalink: pip install 'driftwave[link]'; expected "
                "internal or midi without it"
            )
        with self._lock:
            if self._thread is None:
                self._ending.clear()
                joined = threading.Event()
                self._thread = threading.Thread(
                    target=lambda: asyncio.run(self._run(joined)), name="ableton link", daemon=True
                )
                self._thread.start()
                joined.wait(_OPEN_S)

    def stop(self) -> None:
        """Leave it; tempo and place stay as they are."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._ending.set()
            thread.join()

    def set_tempo(self, bpm: float) -> None:
        """Change the tempo of everybody in the session."""
        self._asked.append(bpm)

    async def _run(self, joined: threading.Event) -> None:
        import aalink

        link = aalink.Link(self._sound.tempo)
        link.start_stop_sync_enabled = True
        link.enabled = True
        self._playing = bool(link.playing)
        joined.set()
        while not self._ending.is_set():
            self._follow(link)
            await asyncio.sleep(_POLL_S)
        link.enabled = False
        self.peers = 0

    def _follow(self, link: Any) -> None:
        """Bring the sound to where the session is, or the session to what was set here."""
        self.peers = int(link.num_peers)
        while self._asked:
            link.tempo = self._asked.pop(0)
        if bool(link.playing) != self._playing:
            self._playing = bool(link.playing)
            self._sound.set_playing(self._playing)
        elif self._sound.playing != self._playing:
            self._playing = self._sound.playing
            link.playing = self._playing
        self._behind = self._brought_near(link) if self._sound.playing else 0.0
        self._sound.set_tempo(pulled(float(link.tempo), self._behind))

    def _brought_near(self, link: Any) -> float:
        """Jump if the session's place in the bar is far away; returns what is left, smoothed."""
        link.quantum = bar = self._beats_in_bar()  # beats agree in their place in so many
        behind = (float(link.beat) - self._sound.beat + bar / 2) % bar - bar / 2
        if abs(behind) > JUMP_BEATS:
            beat = self._sound.beat + behind
            self._sound.locate(beat if beat >= 0 else beat + bar)
            return 0.0
        return self._behind + _SMOOTHING * (behind - self._behind)
