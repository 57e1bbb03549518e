"""Reads a MIDI file into events at exact frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plugin_host.errors import InputError

NO_MIDO = "MIDI needs the package mido; install it with: pip install 'driftwave[midi]'"

Event = tuple[int, bytes]
"""Frame and a short MIDI message of 1 to 3 bytes."""


@dataclass(frozen=True, slots=True)
class Song:
    """A MIDI file on the host's time line.

    Attributes:
        events: rising frames, channel messages only.
        frames: length up to and with the last event or end-of-track mark.
    """

    events: tuple[Event, ...]
    frames: int

    def blocks(self, block: int, frames: int) -> Iterator[tuple[int, list[Event]]]:
        """Cut `frames` frames into blocks: (length, events with frames within the block)."""
        at = 0
        index = 0
        while at < frames:
            count = min(block, frames - at)
            events: list[Event] = []
            while index < len(self.events) and self.events[index][0] < at + count:
                frame, message = self.events[index]
                events.append((max(frame - at, 0), message))
                index += 1
            yield count, events
            at += count


def import_mido() -> Any:
    """The package mido; raises InputError that names the remedy when it is missing."""
    try:
        import mido
    except ImportError:
        raise InputError(NO_MIDO) from None
    return mido


def read_song(file: Path, sample_rate: float) -> Song:
    """Read a Standard MIDI File, tempo changes included; raises InputError."""
    mido = import_mido()
    events: list[Event] = []
    seconds = 0.0
    try:
        for message in mido.MidiFile(file):
            seconds += message.time
            if not message.is_meta and message.type != "sysex":
                events.append((round(seconds * sample_rate), bytes(message.bytes())))
    except FileNotFoundError:
        raise InputError(f"no MIDI file {file}") from None
    except (OSError, EOFError, ValueError, KeyError, IndexError, TypeError) as error:
        raise InputError(f"cannot read the MIDI file {file}: {error}") from None
    return Song(tuple(events), round(seconds * sample_rate) + 1)
