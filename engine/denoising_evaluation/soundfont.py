"""Phrases of a General MIDI soundfont's instruments, those that no denoiser is trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soxr

from engine.denoising.split import held_out_program
from engine.denoising_evaluation.instruments import GAP_SECONDS
from engine.denoising_evaluation.noises import Floats, Maker
from engine.training.instruments import PROGRAMS, phrase
from engine.training.soundfonts import SAMPLE_RATE, play_midi

__all__ = ["soundfont_instruments"]

_NAMES = {
    5: "electric piano", 13: "xylophone", 21: "accordion", 29: "overdriven guitar",
    37: "slap bass", 45: "pizzicato strings", 53: "voice oohs", 61: "brass section",
    69: "english horn", 77: "shakuhachi",
}  # fmt: skip
_GAIN = "0.5"  # of fluidsynth
_FIRST = (45, 5, 61, 29)  # plucked, struck, blown, driven; then the others


def soundfont_instruments(soundfont: Path) -> dict[str, Maker]:
    """Makers of phrases by program; they raise DataError when fluidsynth fails."""

    def maker(program: int) -> Maker:
        def make(rng: np.random.Generator, samples: int, rate: int) -> Floats:
            gap = round(GAP_SECONDS * rate)
            midi = phrase(program, samples / rate, rng)
            sound = play_midi(soundfont, midi, _GAIN).astype(np.float64)
            sound = sound if rate == SAMPLE_RATE else soxr.resample(sound, SAMPLE_RATE, rate)
            return np.pad(sound, (gap, samples))[:samples]

        return make

    others = [program for program in PROGRAMS if held_out_program(program)]
    chosen = sorted(others, key=lambda n: _FIRST.index(n) if n in _FIRST else len(_FIRST))
    return {_NAMES.get(program, f"program {program + 1}"): maker(program) for program in chosen}
