"""Puts the parts of the stage together."""

from __future__ import annotations

import time
from collections.abc import Callable

from engine.jobs import Engine
from engine.stage.controls import Control, Controls
from engine.stage.link_clock import LinkFollower
from engine.stage.midi import Midi, MidiPorts, NoPorts
from engine.stage.midi_clock import ClockFollower, ClockSender
from engine.stage.slots import Slots
from engine.stage.snapshots import Snapshots
from engine.stage.sound import Sound
from engine.stage.stream import Stream
from engine.stage.transport import Transport


class Stage:
    """Slots, stream, transport, MIDI and snapshots with their controls, around one `Sound`.

    Attributes:
        sound: what makes it heard.
        controls: everything that has a value.
        slots, stream, transport, midi, snapshots: the parts.
        ports: the MIDI ports; replaced once they are open.
    """

    def __init__(
        self,
        engine: Engine,
        sound: Sound,
        *,
        default_voice: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sound = sound
        self.ports: MidiPorts = NoPorts()
        self.controls = Controls()
        self.transport = Transport(sound, self.controls, clock=clock)
        self.slots = Slots(
            engine,
            sound,
            self.controls,
            default_voice=default_voice,
            beats_in_bar=self.transport.beats_in_bar,
        )
        self.stream = Stream(engine, sound, self.controls, voice=default_voice, clock=clock)
        self.controls.add(
            Control("main/gain", -60, 12, 0, lambda value: sound.set_level(0, "gain", value))
        )
        self.midi = Midi(
            self.slots,
            self.controls,
            sound,
            clock=ClockFollower(sound, clock=clock),
            ports=lambda: self.ports,
        )
        self._clock_out = ClockSender(sound, lambda message: self.ports.send(message))
        self.controls.add(
            Control(
                "midi/clock",
                0,
                1,
                0,
                lambda value: self._clock_out.turn(value > 0.5),
                whole=True,
            )
        )
        self.link = LinkFollower(sound, self.transport.beats_in_bar)
        self.transport.share_tempo(self.link.set_tempo)
        self.transport.on_source(self._follow)
        self.snapshots = Snapshots(self.controls, clock=clock)

    def panic(self) -> None:
        """Silence at once."""
        self.stream.stop()
        self.sound.panic()

    def close(self) -> None:
        """End the stage's threads."""
        self.stream.close()
        self.snapshots.close()
        self.link.stop()
        self._clock_out.close()

    def _follow(self, source: str) -> None:
        if source == "link":
            self.link.start()
        else:
            self.link.stop()
        self.midi.clock.on = source == "midi"
