"""Which MIDI controller or key moves which control, and how one is learnt."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

from engine.errors import BadRange, Cancelled
from engine.stage.controls import Controls

Kind = Literal["cc", "note"]
_NOTE_OFF: Final = 0x80
_NOTE_ON: Final = 0x90
_CC: Final = 0xB0


@dataclass(frozen=True, slots=True)
class Mapping:
    """A controller or key and what it moves.

    Attributes:
        kind: a controller, or a key (its velocity is the value).
        channel: 1..16.
        number: of the controller or key, 0..127.
        control: name of the control.
        low, high: values at 0 and at 127; low may be the greater.
    """

    kind: Kind
    channel: int
    number: int
    control: str
    low: float
    high: float

    @property
    def key(self) -> tuple[Kind, int, int]:
        """What is moved by hand."""
        return self.kind, self.channel, self.number


@dataclass(slots=True)
class _Lesson:
    control: str
    low: float
    high: float
    done: Callable[[Mapping], None]
    failed: Callable[[Cancelled], None]


class MidiMap:
    """The mappings of a stage. Any thread."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls
        self._lock = threading.Lock()
        self._by_key: dict[tuple[Kind, int, int], Mapping] = {}
        self._lesson: _Lesson | None = None
        self._watchers: list[Callable[[Mapping | None], None]] = []

    def watch(self, watcher: Callable[[Mapping | None], None]) -> None:
        """Call `watcher(mapping)` when one was learnt, `watcher(None)` when some were forgotten."""
        self._watchers.append(watcher)

    def mappings(self) -> list[Mapping]:
        """Every mapping, in the order in which they were learnt."""
        with self._lock:
            return list(self._by_key.values())

    def restore(self, mappings: Iterable[Mapping]) -> None:
        """Take mappings from a session in place of those that are here."""
        with self._lock:
            self._by_key = {mapping.key: mapping for mapping in mappings}

    def learn(
        self,
        control: str,
        low: float | None,
        high: float | None,
        *,
        done: Callable[[Mapping], None],
        failed: Callable[[Cancelled], None],
    ) -> None:
        """Bind the next controller or key that moves; `done` or `failed` says how it ended.

        A second call ends the first. Raises NotFound, BadRange.
        """
        found = self._controls.find(control)
        low = found.low if low is None else low
        high = found.high if high is None else high
        for value in (low, high):
            if not found.low <= value <= found.high:
                raise BadRange(
                    f"{control} from {low:g} to {high:g}: expected values within "
                    f"{found.low:g} to {found.high:g}"
                )
        self._end_lesson("something else is learnt now")
        with self._lock:
            self._lesson = _Lesson(control, low, high, done, failed)

    def stop_learning(self, why: str) -> None:
        """Give up learning, if one is under way."""
        self._end_lesson(why)

    def unlearn(self, control: str) -> int:
        """Forget what moves a control, or with "" everything; returns how many."""
        if control:
            self._controls.find(control)
        with self._lock:
            before = len(self._by_key)
            self._by_key = {
                key: mapping
                for key, mapping in self._by_key.items()
                if control and mapping.control != control
            }
            forgotten = before - len(self._by_key)
        if forgotten:
            self._tell(None)
        return forgotten

    def handle(self, message: bytes) -> bool:
        """Move what the message is bound to, or learn it; False when it is for nobody here.

        Raises what the control raises (DriftwaveError).
        """
        moved = _read(message)
        if moved is None:
            return False
        kind, channel, number, value = moved
        taught = self._lesson is not None and (kind == "cc" or value > 0)
        if taught and self._learn(kind, channel, number):
            return True
        with self._lock:
            mapping = self._by_key.get((kind, channel, number))
        if mapping is None:
            return False
        control = self._controls.find(mapping.control)
        target = mapping.low + (mapping.high - mapping.low) * value / 127.0
        if control.whole:
            target = float(round(target))
        self._controls.set(mapping.control, target, self)
        return True

    def place(self, mapping: Mapping, number: float) -> int:
        """Where a controller has to stand for a value, 0..127."""
        span = mapping.high - mapping.low
        part = 0.0 if span == 0 else (number - mapping.low) / span
        return round(127 * min(max(part, 0.0), 1.0))

    def _learn(self, kind: Kind, channel: int, number: int) -> bool:
        with self._lock:
            lesson, self._lesson = self._lesson, None
            if lesson is None:
                return False
            mapping = Mapping(kind, channel, number, lesson.control, lesson.low, lesson.high)
            self._by_key[mapping.key] = mapping
        lesson.done(mapping)
        self._tell(mapping)
        return True

    def _end_lesson(self, why: str) -> None:
        with self._lock:
            lesson, self._lesson = self._lesson, None
        if lesson is not None:
            lesson.failed(Cancelled(f"learning {lesson.control} ended: {why}"))

    def _tell(self, mapping: Mapping | None) -> None:
        for watcher in self._watchers:
            watcher(mapping)


def _read(message: bytes) -> tuple[Kind, int, int, int] | None:
    """Kind, channel, number and value of a message that can be bound."""
    if len(message) != 3:
        return None
    status, number, value = message
    channel = (status & 0x0F) + 1
    if status & 0xF0 == _CC:
        return "cc", channel, number, value
    if status & 0xF0 == _NOTE_ON:
        return "note", channel, number, value
    if status & 0xF0 == _NOTE_OFF:
        return "note", channel, number, 0
    return None
