"""The validated requests of the stage's methods (slots, stream, transport, MIDI, snapshots …).

As in `bridge.osc_requests`, None means that the sender left the argument out; for a value that can
be set, that asks what it is.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SetNumber:
    """Set a control to `value`, or ask for it."""

    value: float | None


@dataclass(frozen=True, slots=True)
class SetText:
    """Set a text to `value`, or ask for it."""

    value: str | None


@dataclass(frozen=True, slots=True)
class SetSwitch:
    """Turn something on or off, or ask whether it is on."""

    value: bool | None


@dataclass(frozen=True, slots=True)
class Trigger:
    """A button: `trigger` is False for its release, which does nothing."""

    trigger: bool


@dataclass(frozen=True, slots=True)
class SlotGenerate:
    """Make a new sound for a slot; `prompt` replaces its words, None keeps them."""

    trigger: bool
    job: int
    prompt: str | None


@dataclass(frozen=True, slots=True)
class SlotPlay:
    """Hit a slot: `velocity` 0..1, 0 lets go; `quantise` None: as the slot is set."""

    velocity: float
    quantise: str | None


@dataclass(frozen=True, slots=True)
class StreamPrompt:
    """Set a prompt of the stream, or ask for it; `weight` None leaves it as it is."""

    words: str | None
    weight: float | None


@dataclass(frozen=True, slots=True)
class MidiOpen:
    """Open (`on`) or close the MIDI ports that have `name` in their name."""

    name: str
    on: bool


@dataclass(frozen=True, slots=True)
class MidiLearn:
    """Bind the next controller or key that moves to `address`, from `low` to `high`."""

    address: str
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class MidiUnlearn:
    """Forget what is bound to `address`; "" forgets everything."""

    address: str


@dataclass(frozen=True, slots=True)
class SnapshotName:
    """Save or delete the snapshot `name`."""

    name: str


@dataclass(frozen=True, slots=True)
class SnapshotRecall:
    """Go to the snapshot `name` within `seconds`."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class MeterOn:
    """Begin (`on`) or end a flow of levels to the sender."""

    on: bool
