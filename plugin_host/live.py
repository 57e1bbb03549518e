"""Plays live: sound out through sounddevice, notes in through mido."""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bridge import _native
from plugin_host.errors import AudioDeviceError
from plugin_host.midi_file import Event, import_mido

_POLL_S = 0.1


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


@dataclass(slots=True)
class Player:
    """The callback of the sound device and the notes that wait for it."""

    generator: _native.Generator
    bpm: float = 120.0
    sample_rate: float = 48_000.0
    frame: int = 0
    notes: queue.SimpleQueue[bytes] = field(default_factory=queue.SimpleQueue)
    missed: int = 0

    def fill(self, out: Any, frames: int, _time: object, status: Any) -> None:
        """Fill `(frames, channels)`; called by the sound device's thread."""
        if status:
            self.missed += 1
        events: list[Event] = []
        with contextlib.suppress(queue.Empty):
            while True:
                events.append((0, self.notes.get_nowait()))
        beat = self.frame * self.bpm / (60.0 * self.sample_rate)
        audio = self.generator.process(
            frames, events, playing=True, bpm=self.bpm, beat=beat, frame=self.frame
        )
        self.frame += frames
        out[:] = np.mean(audio, axis=0)[:, None] if out.shape[1] == 1 else audio.T


def _sounddevice() -> Any:
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise AudioDeviceError(
            f"no sound output: {error}. Install PortAudio (Debian: libportaudio2) and "
            "`pip install sounddevice`, or use `render`."
        ) from None
    return sounddevice


def list_devices() -> str:
    """The sound devices and MIDI inputs, one a line."""
    lines = str(_sounddevice().query_devices()).splitlines()
    lines = lines or ["no sound devices"]
    with contextlib.suppress(Exception):
        lines += [f"MIDI: {name}" for name in import_mido().get_input_names()]
    return "\n".join(lines)


def _open_midi(stack: ExitStack, wanted: str | None, notes: queue.SimpleQueue[bytes]) -> list[str]:
    if wanted == "":
        return []
    if wanted is None:
        try:
            mido = import_mido()
            names = list(mido.get_input_names())
        except Exception:  # without mido or a backend one plays without a keyboard
            return []
    else:
        mido = import_mido()
        try:
            names = [name for name in mido.get_input_names() if wanted.lower() in name.lower()]
        except ImportError as error:
            raise AudioDeviceError(
                f"MIDI inputs need a backend: {error}; install it with: pip install python-rtmidi"
            ) from None
        if not names:
            raise AudioDeviceError(f"no MIDI input has '{wanted}' in its name; see --list-devices")
    for name in names:
        stack.enter_context(
            mido.open_input(name, callback=lambda message: notes.put(bytes(message.bytes())))
        )
    return names


def play_live(
    generator: _native.Generator,
    options: LiveOptions,
    report: Callable[[str], None],
    stop: Callable[[], bool],
) -> int:
    """Play until `stop()` is true; returns how many callbacks came late.

    Raises AudioDeviceError when the device or the MIDI input cannot be opened.
    """
    sounddevice = _sounddevice()
    player = Player(generator, options.bpm)
    with ExitStack() as stack:
        try:
            info = sounddevice.query_devices(options.device, "output")
            rate = float(options.sample_rate or info["default_samplerate"])
            generator.prepare(rate, options.block or 4096)
            player.sample_rate = rate
            stream = sounddevice.OutputStream(
                samplerate=rate,
                blocksize=options.block,
                device=options.device,
                channels=min(2, int(info["max_output_channels"])),
                dtype="float32",
                latency="low",
                callback=player.fill,
            )
            stack.enter_context(stream)
        except (sounddevice.PortAudioError, ValueError) as error:
            raise AudioDeviceError(
                f"cannot play on {options.device if options.device is not None else 'the default'} "
                f"sound device: {error}. See --list-devices."
            ) from None
        inputs = _open_midi(stack, options.midi, player.notes)
        report(f"playing on {info['name']} at {rate:g} Hz")
        report(f"MIDI from {', '.join(inputs)}" if inputs else "no MIDI input")
        for line in _changes(generator, stop):
            report(line)
    return player.missed


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
