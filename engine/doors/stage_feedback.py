"""What OSC subscribers hear of the stage: values at their own address, hits, new sounds, levels.

Values are sent at most 30 times a second, the last one wins, and never to whoever set them. Events
are never held back.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from bridge import stage_space as space
from bridge.osc_call import OscPeer
from engine.stage import Stage
from engine.stage.midi_map import Mapping
from engine.stage.slots import SlotSound, SlotWatcher
from engine.stage.stream import StreamWatcher

if TYPE_CHECKING:
    from bridge.osc_dispatch import OscDispatcher

log = logging.getLogger(__name__)

VALUES_HZ: Final = 30.0
LEVELS_HZ: Final = 20.0
LEVEL_LEASE_S: Final = 60.0
_IDLE_S: Final = 0.25
"""How late a transport that somebody else starts may be noticed."""

Value = float | str


class StageFeedback(SlotWatcher, StreamWatcher):
    """Tells the subscribers of one OSC server. Any thread may change the stage."""

    def __init__(self, stage: Stage, osc: OscDispatcher) -> None:
        self._stage = stage
        self._osc = osc
        self._changed = threading.Condition()
        self._values: dict[str, tuple[Value, object]] = {}
        self._meters: dict[OscPeer, float] = {}
        self._closing = False
        stage.controls.watch(self._value)
        stage.slots.watch(self)
        stage.stream.watch(self)
        stage.midi.map.watch(self._learnt)
        self._threads = [
            threading.Thread(target=self._send_values, name="osc values", daemon=True),
            threading.Thread(target=self._send_levels, name="osc levels", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Send nothing more."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def meter(self, peer: OscPeer, on: bool) -> None:
        """Begin or end a flow of levels to a peer."""
        with self._changed:
            if on:
                self._meters[peer] = time.monotonic() + LEVEL_LEASE_S
            else:
                self._meters.pop(peer, None)
            self._changed.notify_all()

    def slot_changed(self, slot: int, sound: SlotSound | None) -> None:
        """A slot has another sound."""
        values = (sound.id, sound.prompt, sound.seconds) if sound else ("", "", 0.0)
        self._osc.broadcast(space.SLOT_CHANGED, (slot, *values), skip=None)

    def slot_edited(self, slot: int, field: str, origin: object) -> None:
        """A slot shall sound otherwise next time."""
        self._value(f"slot/{slot}/{field}", getattr(self._stage.slots[slot], field), origin)

    def slot_hit(self, slot: int, velocity: int) -> None:
        """A slot was hit."""
        self._osc.broadcast(space.SLOT_HIT, (slot, velocity / 127.0), skip=None)

    def stream_state(self, state: str, why: str) -> None:
        """The stream is in another state."""
        self._osc.broadcast(space.STREAM_STATE, (state, why), skip=None)

    def stream_words(self, number: int, origin: object) -> None:
        """A prompt of the stream says something else."""
        self._value(f"stream/prompt/{number}", self._stage.stream.words[number], origin)

    def _learnt(self, mapping: Mapping | None) -> None:
        if mapping is not None:
            self._osc.broadcast(space.MIDI_MAPPING, mapping_values(mapping), skip=None)

    def _value(self, name: str, value: Value, origin: object) -> None:
        with self._changed:
            self._values[name] = (value, origin)
            self._changed.notify_all()

    def _send_values(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or bool(self._values))
                if self._closing:
                    return
                values, self._values = self._values, {}
            for name, (value, origin) in values.items():
                skip = origin if isinstance(origin, OscPeer) else None
                self._osc.broadcast(f"/drift/{name}", (value,), skip=skip)
            time.sleep(1.0 / VALUES_HZ)

    def _send_levels(self) -> None:
        told_beat, told_play = -1, False
        while not self._closing:
            sound = self._stage.sound
            with self._changed:
                busy = self._meters or sound.playing
                self._changed.wait(1.0 / LEVELS_HZ if busy else _IDLE_S)
                now = time.monotonic()
                self._meters = {peer: end for peer, end in self._meters.items() if end > now}
                peers = tuple(self._meters)
            if peers:
                levels = ("main", *sound.levels())
                for peer in peers:
                    self._osc.send(peer, space.LEVEL, levels)
            beat = int(sound.beat) if sound.playing else -1
            if beat not in (told_beat, -1):
                self._osc.broadcast("/drift/transport/beat", (float(beat),), skip=None)
                if self._stage.transport.source != "internal":
                    self._stage.controls.changed("transport/tempo")
            if sound.playing != told_play and self._stage.transport.source != "internal":
                self._stage.controls.changed("transport/play")
            told_beat, told_play = beat, sound.playing


def mapping_values(mapping: Mapping) -> tuple[Value, ...]:
    """A mapping as OSC tells it."""
    return (
        mapping.kind, mapping.channel, mapping.number, f"/drift/{mapping.control}", mapping.low,
        mapping.high,
    )  # fmt: skip
