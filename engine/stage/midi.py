"""What a MIDI message does: moves a control, hits a slot, gives the beat, or plays the keys."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

from engine.errors import DriftwaveError
from engine.stage.controls import Controls, Value
from engine.stage.midi_clock import ClockFollower
from engine.stage.midi_map import MidiMap
from engine.stage.slots import Slots
from engine.stage.sound import SLOTS, Sound

log = logging.getLogger(__name__)

FIRST_NOTE: Final = 36
"""Plays slot 1; slot 16 is 51."""


class MidiPorts(Protocol):
    """What the stage needs of whoever owns the MIDI ports (`plugin_host.midi_ports`)."""

    @property
    def wanted(self) -> Sequence[str]:
        """Parts of names that are opened whenever they appear."""

    def want(self, names: Iterable[str]) -> None:
        """Open what has one of these in its name now or whenever it appears."""

    def listing(self) -> list[tuple[str, str, bool]]:
        """Name, "in" or "out", and whether it is open, of every port."""

    def open(self, name: str, on: bool) -> int:
        """Open or close the ports that have `name` in their name; returns how many.

        Raises an exception whose `code` attribute is `not_found`.
        """

    def send(self, message: bytes) -> None:
        """Send to every open output."""


class NoPorts:
    """No MIDI here."""

    wanted: Sequence[str] = ()

    def want(self, names: Iterable[str]) -> None:
        """None."""

    def listing(self) -> list[tuple[str, str, bool]]:
        """None."""
        return []

    def open(self, name: str, on: bool) -> int:
        """None."""
        return 0

    def send(self, message: bytes) -> None:
        """To nobody."""


class Midi:
    """The MIDI side of a stage. `receive` may be called by any thread.

    Attributes:
        map: what is learnt.
        clock: follows MIDI clock.
    """

    def __init__(
        self,
        slots: Slots,
        controls: Controls,
        sound: Sound,
        *,
        clock: ClockFollower,
        ports: Callable[[], MidiPorts],
    ) -> None:
        self.map = MidiMap(controls)
        self.clock = clock
        self._slots = slots
        self._controls = controls
        self._sound = sound
        self._ports = ports
        controls.watch(self._follow)

    def receive(self, message: bytes) -> None:
        """Do what a message says. Never raises: what cannot be done is logged."""
        try:
            if not message or self.clock.receive(message) or self.map.handle(message):
                return
            if not self._play(message) and len(message) <= 3:
                self._sound.send(message)
        except DriftwaveError as error:
            log.info("MIDI %s: %s", message.hex(" "), error)

    def _play(self, message: bytes) -> bool:
        """Hit the slot whose key this is."""
        kind = message[0] & 0xF0
        if len(message) != 3 or kind not in (0x80, 0x90):
            return False
        slot = message[1] - FIRST_NOTE + 1
        if not 1 <= slot <= SLOTS:
            return False
        self._slots.hit(slot, message[2] if kind == 0x90 else 0)
        return True

    def _follow(self, name: str, value: Value, origin: object) -> None:
        """Move the faders and lights of a controller with what somebody else sets."""
        if origin is self.map:
            return
        for mapping in self.map.mappings():
            if mapping.control == name and mapping.kind == "cc":
                place = self.map.place(mapping, self._controls.number(name))
                status = 0xB0 | (mapping.channel - 1)
                self._ports().send(bytes((status, mapping.number, place)))
