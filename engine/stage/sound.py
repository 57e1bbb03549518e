"""What the stage needs of whoever makes its sound heard (`plugin_host.stage_sound`)."""

from __future__ import annotations

from typing import Final, Protocol

from engine.types import FloatArray

SLOTS: Final = 16


class Sound(Protocol):
    """Sixteen pads and a time line. Slots count from 1. Any thread may call any method.

    The time line runs whether or not there is a device, so that tempo and beats go on.
    """

    @property
    def device(self) -> str:
        """Name of the device that plays, "" when nothing can be heard."""

    @property
    def trouble(self) -> str:
        """Why nothing can be heard and what to do, "" when something can."""

    @property
    def xruns(self) -> int:
        """Times the device ran dry."""

    @property
    def beat(self) -> float:
        """Place of the transport, in beats."""

    @property
    def tempo(self) -> float:
        """Beats a minute."""

    @property
    def playing(self) -> bool:
        """Whether the transport runs."""

    def set_clip(self, slot: int, audio: FloatArray, sample_rate: int) -> None:
        """Put `(C, T)` on a slot; what sounds goes on."""

    def clear(self, slot: int) -> None:
        """Take the sound off a slot."""

    def set_level(self, slot: int, name: str, value: float) -> None:
        """Set gain (dB), pan, pitch (semitones) or choke of a slot; slot 0: gain of all."""

    def hit(self, slot: int, velocity: int, grid: float, at_s: float | None = None) -> bool:
        """Play a slot (velocity 1..127) with the next beat that `grid` divides.

        At once with grid 0 or while the transport stands still; in the very frame that is due at
        `at_s` on the monotonic clock, if that is told. False when too much waits.
        """

    def let_go(self, slot: int, at_s: float | None = None) -> None:
        """Release the key of a slot, now or at a moment."""

    def stop(self, slot: int, at_s: float | None = None) -> None:
        """Fade one slot out, now or at a moment."""

    def send(self, message: bytes) -> None:
        """A MIDI message for the instrument."""

    def panic(self) -> None:
        """Silence, and forget what waits."""

    def set_tempo(self, bpm: float) -> None:
        """Set the tempo at once."""

    def set_playing(self, on: bool) -> None:
        """Start or stop the transport."""

    def locate(self, beat: float) -> None:
        """Jump to a beat."""

    def time_line(self) -> tuple[int, float, float, float, bool]:
        """Frame of the next block, frames a second, beat at that frame, tempo, transport runs."""

    def add_grain(self, grain: FloatArray, frame: int) -> bool:
        """Play `(T, 2)`, at the device's rate, from a frame on beside the pads.

        False when too many wait or sound.
        """

    def skip_grains(self, frame: int) -> None:
        """Forget the grains that have not begun by a frame."""

    def set_grain_gain(self, gain_db: float) -> None:
        """Set the level of all grains; -60 is silence."""

    def levels(self) -> tuple[float, float, float, float]:
        """Peak left, right and root mean square left, right since the last call."""
