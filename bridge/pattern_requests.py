"""The validated requests of the drum loops' OSC methods; see `bridge.pattern_space`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PatternCommand:
    """`/drift/pattern`; None leaves a choice to the style, the file, the voice or the engine.

    Attributes:
        job: as sent; -1 lets the server choose.
        words: a style and how it sounds.
        midi, beat: file that the pattern comes from.
        again: id of a loop to make again.
        bars, bpm, swing, humanise, fill: of the pattern.
        quantise, grid: how a recording is brought to its grid.
        sounds: DRUM=WORDS, separated by semicolons.
        voice, seed, steps: of the hits.
        rate: of the loop, in hertz.
        stereo: two channels.
    """

    job: int
    words: str
    midi: str | None
    beat: str | None
    again: str | None
    bars: int | None
    bpm: float | None
    swing: float | None
    humanise: float | None
    fill: bool
    quantise: float
    grid: int
    sounds: str
    voice: str | None
    rate: int | None
    stereo: bool
    seed: int | None
    steps: int | None


@dataclass(frozen=True, slots=True)
class ClipMidi:
    """Write the pattern of `clip` to `path`, "" for a new name in the export folder."""

    clip: str
    path: str
