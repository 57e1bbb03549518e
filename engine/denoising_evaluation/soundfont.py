"""Phrases of a General MIDI soundfont's instruments, through the fluidsynth program."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soxr

from engine.denoising_evaluation.instruments import GAP_SECONDS
from engine.denoising_evaluation.noises import Floats, Maker
from engine.training.soundfonts import SAMPLE_RATE, midi_of, render_midi, variable_length

__all__ = ["PROGRAMS", "soundfont_instruments"]

# name -> General MIDI program, lowest note, notes at once
PROGRAMS: dict[str, tuple[int, int, int]] = {
    "nylon guitar": (24, 52, 1), "piano": (0, 48, 3), "violin": (40, 60, 1),
    "vibraphone": (11, 60, 2), "trumpet": (56, 58, 1), "finger bass": (33, 31, 1),
    "flute": (73, 66, 1), "string ensemble": (48, 50, 3),
}  # fmt: skip
_SCALE = (0, 2, 4, 5, 7, 9, 11, 12, 14)


def soundfont_instruments(soundfont: Path) -> dict[str, Maker]:
    """Makers of phrases, one for each of PROGRAMS; they raise DataError when rendering fails."""

    def maker(program: int, lowest: int, voices: int) -> Maker:
        def make(rng: np.random.Generator, samples: int, rate: int) -> Floats:
            midi = _phrase(rng, program, lowest, voices, samples / rate)
            sound = render_midi(soundfont, midi).astype(np.float64)
            sound = sound if rate == SAMPLE_RATE else soxr.resample(sound, SAMPLE_RATE, rate)
            return np.pad(sound[:samples], (0, max(0, samples - sound.size)))

        return make

    return {name: maker(*how) for name, how in PROGRAMS.items()}


def _phrase(
    rng: np.random.Generator, program: int, lowest: int, voices: int, seconds: float
) -> bytes:
    """A MIDI file: notes of a major scale with rests, after GAP_SECONDS."""
    body = bytes((0, 0xC0, program))
    pause = round(GAP_SECONDS * 1000)
    at = GAP_SECONDS
    while at < seconds - 0.2:
        length = int(rng.choice([200, 300, 500, 900]))
        notes = [lowest + _SCALE[step] for step in rng.choice(len(_SCALE), voices, replace=False)]
        velocity = int(rng.integers(60, 120))
        for number, note in enumerate(notes):
            body += variable_length(0 if number else pause) + bytes((0x90, note, velocity))
        for number, note in enumerate(notes):
            body += variable_length(0 if number else length) + bytes((0x80, note, 0))
        pause = int(rng.choice([0, 20, 50, 700]))
        at += (length + pause) / 1000
    body += variable_length(pause + 1500) + bytes((0xFF, 0x2F, 0))
    return midi_of(body)
