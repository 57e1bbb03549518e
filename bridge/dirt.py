"""SuperDirt's messages understood: TidalCycles and others play the slots by `/dirt/play`.

Each event is a list of names and values. `s` chooses the slot: `drift` (or `driftwave`) takes the
slot number n + 1; any other word takes, of the slots whose words have it, the one that n counts;
Tidal's usual names of drums stand for the words. The rest becomes what the slot's own methods do.

Sources: TidalCycles' OSC documentation and SuperDirt's `/dirt/play` and `/dirt/handshake`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bridge.osc_spec import Arg, Kind, Method, OscFault, Reply, Value

PLAY: Final = "/dirt/play"
HANDSHAKE: Final = "/dirt/handshake"
HANDSHAKE_REPLY: Final = "/dirt/handshake/reply"

_BY_NUMBER: Final = frozenset({"drift", "driftwave"})
_WORDS: Final[Mapping[str, str]] = {
    "bd": "kick", "sn": "snare", "sd": "snare", "hh": "hat", "hc": "hat", "ho": "open hat",
    "oh": "open hat", "cp": "clap", "cr": "crash", "rd": "ride", "lt": "tom", "mt": "tom",
    "ht": "tom", "cb": "cowbell", "rs": "rim", "rm": "rim", "sh": "shaker", "tb": "tambourine",
}  # fmt: skip
_MIDDLE_C: Final = 60


@dataclass(frozen=True, slots=True)
class DirtPlay:
    """One event. `n` and `note` count from 0, `pan` goes from 0 left to 1 right."""

    s: str
    n: float
    note: float | None
    midinote: float | None
    gain: float
    velocity: float
    pan: float | None
    speed: float | None

    @property
    def pitch(self) -> float | None:
        """In semitones from the sound's own, None when the event does not say."""
        if self.note is None and self.midinote is None and self.speed is None:
            return None
        note = self.note or 0.0 if self.midinote is None else self.midinote - _MIDDLE_C
        return note + (12.0 * math.log2(abs(self.speed)) if self.speed else 0.0)


@dataclass(frozen=True, slots=True)
class DirtHandshake:
    """A client asks who is there."""


def _number(name: str, description: str, low: float, high: float, default: Value) -> Arg:
    return Arg(
        name, Kind.FLOAT, description, minimum=low, maximum=high, default=default, optional=True
    )


DIRT_METHODS: Final = (
    Method(
        PLAY, DirtPlay, "Play a slot as TidalCycles plays a sample; other keys are ignored",
        keys=(
            Arg("s", Kind.STRING, "drift: the slot n + 1; else a word that the slot's have, or "
                "Tidal's name of a drum", default="drift", optional=True, max_chars=100),
            _number("n", "which of the slots that s names, from 0", -1e6, 1e6, 0.0),
            _number("note", "pitch in semitones from the sound's own", -1e3, 1e3, None),
            _number("midinote", "pitch as a MIDI note; 60 is the sound's own", -1e3, 1e3, None),
            _number("gain", "level, 1 as it is", 0, 1e3, 1.0),
            _number("velocity", "how hard, 1 the hardest", 0, 1e3, 1.0),
            _number("pan", "0 left to 1 right", -1e3, 1e3, None),
            _number("speed", "1 as it is, 2 an octave up", -1e3, 1e3, None),
        ),
        replies=("/drift/done",), done=(Arg("slot", Kind.INT, "slot that was hit"),),
        other_keys=True,
    ),
    Method(
        HANDSHAKE, DirtHandshake, "TidalCycles asks who is there", replies=(HANDSHAKE_REPLY,),
        done=None,
    ),
)  # fmt: skip
DIRT_REPLIES: Final = (
    Reply(
        HANDSHAKE_REPLY,
        (Arg("name", Kind.STRING, "&serverHostname"), Arg("host", Kind.STRING, "address"),
         Arg("name", Kind.STRING, "&serverPort"), Arg("port", Kind.INT, "port")),
        "Answer to TidalCycles",
    ),
)  # fmt: skip


def chosen_slot(s: str, n: float, prompts: Mapping[int, str]) -> int:
    """The slot that an event means; `prompts` has the words of every slot by its number.

    Raises:
        OscFault: not_found when no slot has the words, or there are no slots.
    """
    place = math.floor(n)
    if not prompts:
        raise OscFault("not_found", "dirt/play: this engine has no slots to play")
    name = s.lower().partition(":")[0]
    numbers = sorted(prompts)
    if name not in _BY_NUMBER:
        wanted = set(re.findall(r"\w+", _WORDS.get(name, name)))
        numbers = [slot for slot in numbers if wanted <= _words(prompts[slot])]
        if not numbers or not wanted:
            raise OscFault(
                "not_found",
                f"dirt/play: no slot has the words {_WORDS.get(name, name)[:60]!r}; set "
                "/drift/slot/N/prompt, or play slot n + 1 with s drift",
            )
    return numbers[place % len(numbers)]


def slot_messages(
    event: DirtPlay, slot: int, *, pitched: bool = False
) -> list[tuple[str, tuple[float, ...]]]:
    """What the slot is told, in order: place and pitch if the event says them, then the hit.

    `pitched`: an event before gave the slot a pitch, which an event without one takes back.
    """
    root = f"/drift/slot/{slot}"
    messages: list[tuple[str, tuple[float, ...]]] = []
    if event.pan is not None:
        messages.append((f"{root}/pan", (2.0 * _within(event.pan, 0.0, 1.0) - 1.0,)))
    pitch = 0.0 if event.pitch is None and pitched else event.pitch
    if pitch is not None:
        messages.append((f"{root}/pitch", (_within(pitch, -24.0, 24.0),)))
    messages.append((f"{root}/play", (_within(event.gain * event.velocity, 0.0, 1.0),)))
    return messages


def _words(prompt: str) -> set[str]:
    return set(re.findall(r"\w+", prompt.lower()))


def _within(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
