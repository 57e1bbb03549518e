"""The plugin's core as a stage plays it: sixteen slots on a sound device.

Satisfies `engine.stage.sound.Sound` without knowing it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from bridge import _native
from bridge._native import DeckAction, DeckTime
from plugin_host.output import DeckOutput

_NOTE_ON: Final = 0x90
_NOTE_OFF: Final = 0x80
_SILENCE_DB: Final = -60.0


class StageSound:
    """A Generator and its Deck. Slots count from 1. Any thread.

    Attributes:
        output: the device, or silence.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self._generator = _native.Generator(link=False, plugin_kind="stage")
        self._generator.set_parameter("attack_time", 0.0)  # a hit begins with its first sample
        self.output = DeckOutput(self._generator, report)
        self._deck = self.output.deck
        self._tempo = self._deck.tempo
        self._playing = False

    def close(self) -> None:
        """Stop playing for good."""
        self.output.close()

    @property
    def device(self) -> str:
        """Name of the device that plays, or ""."""
        return self.output.device

    @property
    def trouble(self) -> str:
        """Why nothing can be heard, or ""."""
        return self.output.trouble

    @property
    def xruns(self) -> int:
        """Times the device ran dry."""
        return self._deck.xruns

    @property
    def beat(self) -> float:
        """Place of the transport."""
        return self._deck.beat

    @property
    def tempo(self) -> float:
        """Beats a minute."""
        return self._tempo

    @property
    def playing(self) -> bool:
        """Whether the transport runs."""
        return self._playing

    def set_clip(self, slot: int, audio: npt.NDArray[np.float32], sample_rate: int) -> None:
        """Put `(C, T)` on a slot; what sounds goes on."""
        self._generator.set_clip(slot - 1, audio[:2], float(sample_rate))

    def clear(self, slot: int) -> None:
        """Take the sound off a slot."""
        self._generator.clear_clip(slot - 1)

    def set_level(self, slot: int, name: str, value: float) -> None:
        """Set gain, pan, pitch or choke of a slot; slot 0: gain of all."""
        self._generator.set_parameter(f"pad_{slot:02d}_{name}" if slot else name, value)

    def hit(self, slot: int, velocity: int, grid: float, at_s: float | None = None) -> bool:
        """Play a slot at a moment, else with the next beat that `grid` divides; 0: at once."""
        message = bytes((_NOTE_ON, _native.FIRST_PAD_NOTE + slot - 1, velocity))
        if at_s is None:
            return self._deck.post(DeckAction.MIDI, message, time=DeckTime.GRID, place=grid)
        return self._post_at(at_s, DeckAction.MIDI, message)

    def let_go(self, slot: int, at_s: float | None = None) -> None:
        """Release the key of a slot."""
        message = bytes((_NOTE_OFF, _native.FIRST_PAD_NOTE + slot - 1, 0))
        self._post_at(at_s, DeckAction.MIDI, message)

    def stop(self, slot: int, at_s: float | None = None) -> None:
        """Fade one slot out."""
        self._post_at(at_s, DeckAction.STOP, bytes((slot - 1,)))

    def send(self, message: bytes) -> None:
        """A MIDI message for the instrument."""
        self._deck.post(DeckAction.MIDI, message)

    def panic(self) -> None:
        """Silence, and forget what waits."""
        self._deck.forget()
        self._deck.end_grains()
        self._generator.panic()

    def set_tempo(self, bpm: float) -> None:
        """Set the tempo at once."""
        self._tempo = bpm
        self._deck.post(DeckAction.TEMPO, value=bpm)

    def set_playing(self, on: bool) -> None:
        """Start or stop the transport."""
        self._playing = on
        self._deck.post(DeckAction.PLAY, value=float(on))

    def locate(self, beat: float) -> None:
        """Jump to a beat."""
        self._deck.post(DeckAction.LOCATE, value=beat)

    def _post_at(self, at_s: float | None, action: DeckAction, message: bytes) -> bool:
        """Let an event act in the frame that is due at a moment; at once without one."""
        if at_s is None:
            return self._deck.post(action, message)
        frame = self._deck.frame_at(at_s)
        return self._deck.post(action, message, time=DeckTime.FRAME, place=frame)

    def time_line(self) -> tuple[int, float, float, float, bool]:
        """Frame of the next block, frames a second, beat at that frame, tempo, transport runs."""
        deck = self._deck
        while True:
            frame, beat = deck.frame, deck.beat
            if frame == deck.frame:  # else a block was played in between
                return frame, self.output.sample_rate, beat, deck.tempo, deck.playing

    def add_grain(self, grain: npt.NDArray[np.float32], frame: int) -> bool:
        """Play `(T, 2)` from a frame on."""
        return self._deck.add_grain(grain, max(frame, 0))

    def skip_grains(self, frame: int) -> None:
        """Forget the grains that have not begun by a frame."""
        self._deck.skip_grains(frame)

    def set_grain_gain(self, gain_db: float) -> None:
        """Set the level of all grains; the lowest is silence."""
        silent = gain_db <= _SILENCE_DB
        self._deck.set_grain_gain(0.0 if silent else 10.0 ** (gain_db / 20.0))

    def levels(self) -> tuple[float, float, float, float]:
        """Peak left, right and root mean square left, right since the last call."""
        return self._deck.take_levels()
