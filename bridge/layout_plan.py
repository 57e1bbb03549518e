"""What is on the controller layouts, and where: read from the table of OSC methods.

One page of 1024 x 768: transport and panic above, sixteen pads at the left with a button that
makes a new sound for each, their gains and the main gain at the right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from bridge.address_space import BY_ADDRESS
from bridge.stage_space import SLOTS

WIDTH: Final = 1024
HEIGHT: Final = 768
_GAP: Final = 8
_TOP: Final = 72
_NEW: Final = 52
_COLUMNS: Final = 4
_CELL: Final = (134, 172)
_FADER_LEFT: Final = _COLUMNS * _CELL[0] + 2 * _GAP
_FADER_WIDTH: Final = 96
_BAR: Final = (
    ("/drift/transport/play", "Start", 100),
    ("/drift/transport/tap", "Tap", 100),
    ("/drift/transport/tempo", "Tempo", 316),
    ("/drift/undo", "Undo", 100),
    ("/drift/redo", "Redo", 100),
    ("/drift/notify", "Follow", 100),
    ("/drift/panic", "Panic", 136),
)
_TOGGLES: Final = frozenset({"/drift/transport/play", "/drift/notify"})


class Kind(Enum):
    """How a widget is used."""

    TAP = "tap"  # sends 1 when it is pressed
    TOGGLE = "toggle"  # sends 1 and 0 by turns
    FADER = "fader"  # sends its value, and follows what it is sent
    ACROSS = "across"  # a fader that lies


@dataclass(frozen=True)
class Widget:
    """One widget: what it is called, the method that it sends to, and its frame in pixels."""

    kind: Kind
    address: str
    label: str
    x: int
    y: int
    width: int
    height: int

    @property
    def name(self) -> str:
        """The address as an identifier, such as `slot_1_gain`."""
        return self.address.removeprefix("/drift/").replace("/", "_")

    @property
    def low(self) -> float:
        """What it sends at its lowest place, as the table says."""
        return _range(self)[0]

    @property
    def high(self) -> float:
        """What it sends at its highest place."""
        return _range(self)[1]

    @property
    def unit(self) -> str:
        """Unit of its value, or ""."""
        return BY_ADDRESS[self.address].args[0].unit


def widgets() -> Iterator[Widget]:
    """Every widget, from the upper left."""
    x = _GAP
    for address, label, width in _BAR:
        kind = Kind.TOGGLE if address in _TOGGLES else Kind.TAP
        if address.endswith("tempo"):
            kind = Kind.ACROSS
        yield Widget(kind, address, label, x, _GAP, width, _TOP - 2 * _GAP)
        x += width + _GAP
    for slot in range(1, SLOTS + 1):
        yield from _slot(slot)
    left = _FADER_LEFT + _COLUMNS * _FADER_WIDTH
    high = SLOTS // _COLUMNS * _CELL[1] - _GAP
    yield Widget(Kind.FADER, "/drift/main/gain", "Main", left, _TOP, WIDTH - left - _GAP, high)


def _slot(slot: int) -> Iterator[Widget]:
    """A pad, what renews it, and its gain; slot 1 is at the lower left, as on a drum machine."""
    row, column = divmod(slot - 1, _COLUMNS)
    x = _GAP + column * _CELL[0]
    y = _TOP + (SLOTS // _COLUMNS - 1 - row) * _CELL[1]
    width = _CELL[0] - _GAP
    pad = _CELL[1] - _NEW - 2 * _GAP
    path = f"/drift/slot/{slot}"
    yield Widget(Kind.TAP, f"{path}/play", str(slot), x, y, width, pad)
    yield Widget(Kind.TAP, f"{path}/generate", "new", x, y + pad + _GAP, width, _NEW)
    fader = _FADER_LEFT + column * _FADER_WIDTH
    yield Widget(
        Kind.FADER, f"{path}/gain", str(slot), fader, y, _FADER_WIDTH - _GAP, _CELL[1] - _GAP
    )


def _range(widget: Widget) -> tuple[float, float]:
    first = BY_ADDRESS[widget.address].args[0]
    if first.minimum is None or first.maximum is None:
        return 0.0, 1.0  # a switch
    return float(first.minimum), float(first.maximum)
