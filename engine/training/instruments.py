"""Phrases on the instruments of a General MIDI soundfont: single notes, lines and chords.

Every program of bank 0 plays a phrase that follows from its number alone, dry and mono, through
the ``fluidsynth`` program. Data preparation only.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.training.soundfonts import SAMPLE_RATE, midi_file, play_midi, variable_length

PROGRAMS = range(120)  # the last eight are effects: helicopters and applause are noise here
_SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 3, 5, 7, 10))
_CHORDS = ((0, 4, 7), (0, 3, 7), (0, 4, 7, 11), (0, 3, 7, 10), (0, 7), (0, 5, 9))
_BASSES = range(32, 40)


def render_phrases(
    soundfont: Path, seconds: float, seed: int = 0
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield (program, (T,) float32 mono at SAMPLE_RATE) of about ``seconds`` each, peak 0.9.

    Raises DataError when fluidsynth is missing or fails.
    """
    for program in PROGRAMS:
        rng = np.random.Generator(np.random.Philox(key=[seed, program]))
        audio = play_midi(soundfont, phrase(program, seconds, rng), "0.5")
        audio = audio[: int(seconds * SAMPLE_RATE)]
        peak = float(np.abs(audio).max(initial=0.0))
        if peak > 1e-3:
            yield program, np.asarray(audio * np.float32(0.9 / peak), np.float32)


def phrase(program: int, seconds: float, rng: np.random.Generator) -> bytes:
    """A MIDI file of a random phrase: lines and chords of one scale, with gaps between them."""
    lowest = 28 if program in _BASSES else 45
    scale, root = _SCALES[rng.integers(len(_SCALES))], int(rng.integers(0, 12))
    events: list[tuple[int, int, int, int]] = []  # tick (1 ms), status, note, velocity
    at, end = 100, int(seconds * 1000) - 300
    while at < end:
        beat = int(rng.uniform(110, 700))
        for _ in range(int(rng.integers(1, 7))):
            degree = scale[rng.integers(len(scale))] + 12 * int(rng.integers(0, 4))
            note = min(lowest + root + degree, 100)
            chord = _CHORDS[rng.integers(len(_CHORDS))] if rng.random() < 0.35 else (0,)
            velocity = int(rng.integers(35, 120))
            held = int(beat * rng.uniform(0.4, 1.9))
            for interval in chord:
                events.append((at, 0x90, note + interval, velocity))
                events.append((min(at + held, end + 250), 0x80, note + interval, 0))
            at += beat
            if at >= end:
                break
        if rng.random() < 0.5:
            at += int(rng.uniform(200, 1500))
    return midi_file(_track(program, sorted(events)))


def _track(program: int, events: list[tuple[int, int, int, int]]) -> bytes:
    body, before = bytes((0, 0xC0, program)), 0
    for tick, status, note, velocity in events:
        body += variable_length(tick - before) + bytes((status, min(note, 127), velocity))
        before = tick
    return body + variable_length(300)
