"""Plays live: sound out through PortAudio, notes in through mido."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from bridge import _native
from bridge._native import DeckAction
from plugin_host.devices import list_outputs
from plugin_host.midi_file import import_mido
from plugin_host.midi_ports import MidiPorts
from plugin_host.output import DeckOutput

_POLL_S = 0.1
_SHORT_BYTES = 3


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """How to play.

    Attributes:
        device: sound device by index or part of its name; None: the system's default.
        midi: MIDI input by part of its name; None: every input there is; "": none.
        sample_rate: in hertz; None: the device's own.
        block: frames a callback; 0: the device chooses.
        bpm: tempo of the pads that loop.
    """

    device: int | str | None = None
    midi: str | None = None
    sample_rate: float | None = None
    block: int = 0
    bpm: float = 120.0


def list_devices() -> str:
    """The sound devices and MIDI inputs, one a line."""
    lines = list_outputs().splitlines()
    with contextlib.suppress(Exception):
        lines += [f"MIDI: {name}" for name in import_mido().get_input_names()]
    return "\n".join(lines)


def play_live(
    generator: _native.Generator,
    options: LiveOptions,
    report: Callable[[str], None],
    stop: Callable[[], bool],
) -> int:
    """Play until `stop()` is true; returns how often the device ran dry.

    Raises AudioDeviceError when the device cannot be opened, NoMidiPort for an input that is not
    there.
    """
    with ExitStack() as stack:
        output = DeckOutput(generator, report)
        stack.callback(output.close)
        output.deck.post(DeckAction.TEMPO, value=options.bpm)
        output.deck.post(DeckAction.PLAY, value=1.0)
        output.open(options.device, block=options.block, sample_rate=options.sample_rate)

        def receive(message: bytes) -> None:
            if len(message) <= _SHORT_BYTES:
                output.deck.post(DeckAction.MIDI, message)

        ports = MidiPorts(receive, report)
        stack.callback(ports.close)
        if options.midi is None:
            ports.want([""])
        elif options.midi:
            ports.open(options.midi)
        for line in _changes(generator, stop):
            report(line)
        return output.deck.xruns


def _changes(generator: _native.Generator, stop: Callable[[], bool]) -> Iterator[str]:
    """What the engine and the pads say, each time it changes."""
    said = ("", "")
    clips: dict[int, int] = {}
    while not stop():
        now = generator.snapshot()
        words = (now.status_text, now.message)
        if words != said:
            said = words
            yield " ".join(word for word in words if word)
        for pad, info in enumerate(now.pads):
            if info.clip.serial and clips.get(pad) != info.clip.serial:
                clips[pad] = info.clip.serial
                what = info.clip.prompt or info.name
                unknown = f"; unknown words: {info.clip.words_unknown}"
                yield f"pad {pad + 1}: {what}{unknown if info.clip.words_unknown else ''}"
        time.sleep(_POLL_S)
