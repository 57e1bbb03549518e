"""Snapshots of every control, and the timed way from here to one of them."""

from __future__ import annotations

import difflib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from engine.errors import DriftwaveError, NotFound
from engine.stage.controls import Controls, Value

log = logging.getLogger(__name__)

_STEP_S: Final = 0.01
"""Between two steps of a way; the sound glides over 5 ms, so no step is heard."""


class Snapshots:
    """Named sets of values of `controls`. Any thread.

    A control that somebody moves during a timed recall is his from then on: the recall leaves it.
    """

    def __init__(self, controls: Controls, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._controls = controls
        self._clock = clock
        self._lock = threading.Condition()
        self._saved: dict[str, dict[str, float]] = {}
        self._way: _Way | None = None
        self._closing = False
        self._watchers: list[Callable[[], None]] = []
        controls.watch(self._moved)
        self._thread = threading.Thread(target=self._run, name="snapshots", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop where a recall has come to."""
        with self._lock:
            self._closing = True
            self._lock.notify_all()
        self._thread.join()

    def watch(self, watcher: Callable[[], None]) -> None:
        """Call `watcher()` when a snapshot was saved or deleted."""
        self._watchers.append(watcher)

    def saved(self) -> dict[str, dict[str, float]]:
        """Every snapshot, oldest first."""
        with self._lock:
            return dict(self._saved)

    def restore(self, saved: Mapping[str, Mapping[str, float]]) -> None:
        """Take snapshots from a session in place of those that are here."""
        with self._lock:
            self._saved = {name: dict(values) for name, values in saved.items()}

    def save(self, name: str) -> int:
        """Save every control under a name; returns how many."""
        values = self._controls.kept()
        with self._lock:
            self._saved.pop(name, None)
            self._saved[name] = values
        self._tell()
        return len(values)

    def delete(self, name: str) -> None:
        """Delete a snapshot. Raises NotFound."""
        with self._lock:
            self._find(name)
            del self._saved[name]
        self._tell()

    def recall(self, name: str, seconds: float = 0.0) -> None:
        """Go to a snapshot: at once, or along straight lines within `seconds`.

        Whole numbers and choices change half way. A second recall takes over from where the first
        has come to. Raises NotFound.
        """
        with self._lock:
            goal = dict(self._find(name))
            known = {key: value for key, value in goal.items() if key in self._controls.names()}
            start = {key: self._controls.number(key) for key in known}
            self._way = _Way(start, known, self._clock(), seconds)
            self._lock.notify_all()
        if seconds <= 0.0:
            self._advance()

    def _find(self, name: str) -> dict[str, float]:
        found = self._saved.get(name)
        if found is None:
            near = difflib.get_close_matches(name, self._saved, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "snapshot/list lists them"
            raise NotFound(f"no snapshot is called {name!r}; {hint}")
        return found

    def _moved(self, name: str, value: Value, origin: object) -> None:
        way = self._way
        if way is not None and origin is not self:
            way.goal.pop(name, None)

    def _run(self) -> None:
        while True:
            with self._lock:
                self._lock.wait_for(lambda: self._closing or self._way is not None)
                if self._closing:
                    return
            self._advance()
            time.sleep(_STEP_S)

    def _advance(self) -> None:
        with self._lock:
            way = self._way
            if way is None:
                return
            part = way.part(self._clock())
            if part >= 1.0:
                self._way = None
            goal = tuple(way.goal.items())
        for name, end in goal:
            if name not in way.goal:
                continue  # somebody moved it just now
            start = way.start[name]
            jumps = self._controls.find(name).whole
            number = (end if part >= 0.5 else start) if jumps else start + part * (end - start)
            try:
                self._controls.set(name, end if part >= 1.0 else number, self)
            except DriftwaveError as error:
                way.goal.pop(name, None)
                log.info("snapshot: %s stays: %s", name, error)

    def _tell(self) -> None:
        for watcher in self._watchers:
            watcher()


class _Way:
    """From `start` to `goal`, begun at `at_s` on the clock."""

    def __init__(
        self, start: dict[str, float], goal: dict[str, float], at_s: float, seconds: float
    ) -> None:
        self.start = start
        self.goal = goal
        self._at_s = at_s
        self._seconds = seconds

    def part(self, now_s: float) -> float:
        """How far, 0..1."""
        return 1.0 if self._seconds <= 0 else min(1.0, (now_s - self._at_s) / self._seconds)
