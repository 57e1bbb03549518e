"""Render the drum kits of a General MIDI soundfont to one-shots, through the fluidsynth program.

Bank 128 holds the kits; every kit is played note by note at a few velocities, dry, and cut into
single sounds. Data preparation only: needs the ``fluidsynth`` program and soundfile.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError

SAMPLE_RATE = 44_100
NOTES = range(27, 88)
VELOCITIES = (56, 96, 127)
SPACING_SECONDS = 2.5
_TICKS = 500  # ticks a beat; at 120 beats a minute one tick is 1 ms

# General MIDI percussion map with the GS additions below 35.
GM_DRUMS: dict[int, str] = {
    27: "fx", 28: "percussion", 29: "fx", 30: "fx", 31: "rim", 32: "fx", 33: "wood",
    34: "cowbell", 35: "kick", 36: "kick", 37: "rim", 38: "snare", 39: "clap", 40: "snare",
    41: "tom", 42: "closed_hat", 43: "tom", 44: "closed_hat", 45: "tom", 46: "open_hat",
    47: "tom", 48: "tom", 49: "crash", 50: "tom", 51: "ride", 52: "crash", 53: "ride",
    54: "shaker", 55: "crash", 56: "cowbell", 57: "crash", 58: "percussion", 59: "ride",
    60: "conga", 61: "conga", 62: "conga", 63: "conga", 64: "conga", 65: "conga", 66: "conga",
    67: "cowbell", 68: "cowbell", 69: "shaker", 70: "shaker", 71: "fx", 72: "fx",
    73: "percussion", 74: "percussion", 75: "wood", 76: "wood", 77: "wood", 78: "fx", 79: "fx",
    80: "triangle", 81: "triangle", 82: "shaker", 83: "shaker", 84: "triangle", 85: "wood",
    86: "conga", 87: "conga",
}  # fmt: skip
# The orchestral kit (GM2 program 48) differs: timpani from 41 to 53, castanets at 39.
_ORCHESTRA: dict[int, str] = {
    27: "closed_hat", 28: "closed_hat", 29: "open_hat", 30: "ride", 35: "kick", 36: "kick",
    37: "rim", 38: "snare", 39: "wood", 40: "snare",
    **dict.fromkeys(range(41, 54), "tom"),
    54: "shaker", 55: "crash", 57: "crash", 59: "crash",
}  # fmt: skip
_ORCHESTRA_PROGRAM = 48
_LAST_STANDARD_PROGRAM = 48  # programs above are marching drums and metronomes, mapped otherwise


@dataclass(frozen=True)
class KitSound:
    """One rendered hit: (T,) float32 mono at SAMPLE_RATE."""

    audio: NDArray[np.float32]
    category: str
    kit: str
    note: int
    velocity: int


def drum_presets(soundfont: Path) -> list[tuple[int, str]]:
    """Return (program, name) of every preset in bank 128 of an SF2 or SF3 file."""
    data = soundfont.read_bytes()
    start = data.find(b"phdr")
    if data[:4] != b"RIFF" or start < 0:
        raise DataError(f"{soundfont} is not an SF2 or SF3 soundfont")
    (length,) = struct.unpack_from("<I", data, start + 4)
    presets = []
    for at in range(start + 8, start + 8 + length, 38):
        program, bank = struct.unpack_from("<HH", data, at + 20)
        if bank == 128:
            presets.append((program, data[at : at + 20].split(b"\0")[0].decode("latin-1")))
    return sorted(presets)


def render_kits(soundfont: Path) -> Iterator[KitSound]:
    """Yield every hit of every kit of ``soundfont`` whose note has a known category.

    Raises DataError when fluidsynth is missing or fails.
    """
    for program, kit in drum_presets(soundfont):
        if program > _LAST_STANDARD_PROGRAM:
            continue
        categories = _ORCHESTRA if program == _ORCHESTRA_PROGRAM else GM_DRUMS
        hits = [(n, v) for n in NOTES if n in categories for v in VELOCITIES]
        audio = _render(soundfont, program, hits)
        span = int(SPACING_SECONDS * SAMPLE_RATE)
        for index, (note, velocity) in enumerate(hits):
            sound = audio[index * span : (index + 1) * span]
            if sound.size and float(np.abs(sound).max()) > 1e-3:
                yield KitSound(sound.copy(), categories[note], kit, note, velocity)


def _render(soundfont: Path, program: int, hits: list[tuple[int, int]]) -> NDArray[np.float32]:
    """Play ``hits`` (note, velocity) one after another; return (T,) float32 mono."""
    return play_midi(soundfont, _midi_file(program, hits), "0.6")


def play_midi(soundfont: Path, file: bytes, gain: str) -> NDArray[np.float32]:
    """Play a MIDI file dry through fluidsynth; return (T,) float32 mono at SAMPLE_RATE.

    Raises DataError when fluidsynth is missing or fails.
    """
    import soundfile

    if shutil.which("fluidsynth") is None:
        raise DataError("rendering soundfonts needs the fluidsynth program; install fluidsynth")
    with tempfile.TemporaryDirectory() as folder:
        midi, wav = Path(folder) / "kit.mid", Path(folder) / "kit.wav"
        midi.write_bytes(file)
        command = ["fluidsynth", "-ni", "-q", "-R", "0", "-C", "0", "-g", gain]
        command += ["-r", str(SAMPLE_RATE), "-O", "s24", "-T", "wav", "-F", str(wav)]
        done = subprocess.run(
            [*command, str(soundfont), str(midi)], capture_output=True, text=True, check=False
        )
        if done.returncode != 0 or not wav.exists():
            raise DataError(f"fluidsynth failed on {soundfont}: {done.stderr.strip()[-300:]}")
        stereo, _ = soundfile.read(wav, dtype="float32", always_2d=True)
    mono: NDArray[np.float32] = stereo.mean(axis=1, dtype=np.float32)
    return mono


def _midi_file(program: int, hits: list[tuple[int, int]]) -> bytes:
    """Return a type 0 MIDI file that plays ``hits`` on channel 10, SPACING_SECONDS apart."""
    held, gap = int(SPACING_SECONDS * 900), int(SPACING_SECONDS * 100)
    body = bytes((0, 0xC9, min(program, 127), 0, 0xB9, 10, 64))
    pause = 0
    for note, velocity in hits:
        body += variable_length(pause) + bytes((0x99, note, velocity))
        body += variable_length(held) + bytes((0x89, note, 0))
        pause = gap
    return midi_file(body + variable_length(gap))


def midi_file(events: bytes) -> bytes:
    """A type 0 MIDI file of a track's events, at 1 ms a tick; they end with a delta time."""
    body = events + bytes((0xFF, 0x2F, 0))
    return (
        struct.pack(">4sIHHH", b"MThd", 6, 0, 1, _TICKS)
        + struct.pack(">4sI", b"MTrk", len(body))
        + body
    )


def variable_length(value: int) -> bytes:
    """Encode a MIDI delta time: seven bits a byte, the high bit set on all but the last."""
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(0x80 | (value & 0x7F))
    return bytes(reversed(out))
