"""Which sounds a denoiser never learns from, by their names: training and evaluation agree here."""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath

HELD_OUT_NOISES = ("coffee_shop", "dishwasher", "train")
"""Families of recorded noise that are never trained on: a word of the file's name."""
HELD_OUT_SHARE = 0.12
_NUMBER = re.compile(r"[_\- ]*\d+$")


def held_out_noise(name: str) -> bool:
    """Whether a recording of noise is kept out of training, with its whole family."""
    return any(word in PurePosixPath(name).stem for word in HELD_OUT_NOISES)


def held_out_sound(name: str) -> bool:
    """Whether a one-shot is kept out of training, with all takes of it (names without numbers)."""
    path = PurePosixPath(name)
    return _share(f"{path.parent.name}/{_NUMBER.sub('', path.stem)}") < HELD_OUT_SHARE


def held_out_speech(name: str) -> bool:
    """Whether a sentence is kept out of training; other sentences of the speaker are not."""
    return _share(PurePosixPath(name).stem) < HELD_OUT_SHARE


def held_out_program(program: int) -> bool:
    """Whether a General MIDI program, 0 to 127, is kept out: one of each family of eight."""
    return program % 8 == 5


def _share(text: str) -> float:
    """A number in 0..1 that follows from the text alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") / 2.0**64
