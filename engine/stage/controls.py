"""Everything that has a value and a name: what faders move, MIDI learns and snapshots hold."""

from __future__ import annotations

import difflib
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass

from engine.errors import BadRange, NotFound

Value = float | str
Origin = object
"""Who changed a value, so that it is not told what it knows; None: nobody in particular."""
Watcher = Callable[[str, Value, Origin], None]


@dataclass(frozen=True, slots=True)
class Control:
    """One thing with a value.

    Attributes:
        name: path, such as `slot/3/gain`.
        low, high: range; the value is a number in it.
        default: value at the start.
        whole: only whole numbers.
        choices: names of the values 0, 1, 2 …; the value is then told as its name.
        write: called with each new value.
        read: where the value is kept by somebody else; None: here.
        kept: belongs into snapshots and the session.
        button: acts when it rises above 0 and keeps no value.
    """

    name: str
    low: float
    high: float
    default: float
    write: Callable[[float], None]
    whole: bool = False
    choices: tuple[str, ...] = ()
    read: Callable[[], float] | None = None
    kept: bool = True
    button: bool = False


class Controls:
    """All controls by name. Any thread; watchers are called by the thread that sets."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._controls: dict[str, Control] = {}
        self._values: dict[str, float] = {}
        self._watchers: list[Watcher] = []

    def add(self, control: Control) -> None:
        """Make a control known, at its default."""
        with self._lock:
            self._controls[control.name] = control
            self._values[control.name] = control.default

    def watch(self, watcher: Watcher) -> None:
        """Call `watcher(name, value, origin)` after every change."""
        self._watchers.append(watcher)

    def find(self, name: str) -> Control:
        """The control of that name. Raises NotFound with the nearest one."""
        found = self._controls.get(name)
        if found is None:
            near = difflib.get_close_matches(name, self._controls, n=1)
            hint = f"did you mean {near[0]}?" if near else "expected one such as slot/1/gain"
            raise NotFound(f"{name!r} is no control; {hint}")
        return found

    def names(self) -> list[str]:
        """Every control that has a value."""
        return [name for name, control in self._controls.items() if not control.button]

    def number(self, name: str) -> float:
        """The value as a number. Raises NotFound."""
        control = self.find(name)
        if control.read is not None:
            return control.read()
        with self._lock:
            return self._values[name]

    def value(self, name: str) -> Value:
        """The value as it is told: a number, or the name of a choice."""
        return _told(self.find(name), self.number(name))

    def set(self, name: str, value: Value, origin: Origin = None) -> None:
        """Set a value. Raises NotFound, BadRange."""
        control = self.find(name)
        self._put(control, _number(control, value), origin)

    def set_normalized(self, name: str, part: float, origin: Origin = None) -> None:
        """Set a value by its place in the range, 0..1."""
        control = self.find(name)
        number = control.low + min(max(part, 0.0), 1.0) * (control.high - control.low)
        self._put(control, float(round(number)) if control.whole else number, origin)

    def normalized(self, name: str) -> float:
        """Place of the value in its range, 0..1."""
        control = self.find(name)
        return (self.number(name) - control.low) / (control.high - control.low)

    def kept(self) -> dict[str, float]:
        """What a snapshot holds."""
        return {name: self.number(name) for name, control in self._controls.items() if control.kept}

    def changed(self, name: str, origin: Origin = None) -> None:
        """Tell the watchers of a value that changed elsewhere."""
        self._tell(self.find(name), self.number(name), origin)

    def _put(self, control: Control, number: float, origin: Origin) -> None:
        if control.button:
            control.write(number)
            return
        control.write(number)
        with self._lock:
            before = self._values[control.name]
            self._values[control.name] = number
        if before != number or control.read is not None:
            self._tell(control, number, origin)

    def _tell(self, control: Control, number: float, origin: Origin) -> None:
        for watcher in self._watchers:
            watcher(control.name, _told(control, number), origin)


def _told(control: Control, number: float) -> Value:
    if control.choices:
        return control.choices[int(number)]
    return int(number) if control.whole else number


def _number(control: Control, value: Value) -> float:
    if isinstance(value, str):
        if value not in control.choices:
            expected = f"one of {', '.join(control.choices)}" if control.choices else "a number"
            raise BadRange(f"{control.name}: {value!r}, expected {expected}")
        return float(control.choices.index(value))
    if not (math.isfinite(value) and control.low <= value <= control.high):
        raise BadRange(f"{control.name}: {value:g}, expected {control.low:g} to {control.high:g}")
    return float(round(value)) if control.whole else float(value)
