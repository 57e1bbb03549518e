"""Rows of sounds and spectrograms: from one sound to another, and out of noise.

- Between two seeds: the noise goes on a great circle (engine.interpolation.slerp).
- Between two sounds: the latent goes on a line.
- Zero-shot denoising (Kong et al. 2021, DiffWave, section 5.4, and Meng et al. 2022, SDEdit): a
  noisy sound enters the reverse process part of the way, and the sampler takes it for a noisy
  sound of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.laboratory.baselines import NOISY_DB, noisy
from engine.laboratory.pictures import pyplot
from engine.laboratory.run_strips import Sampled, seeds_between
from engine.laboratory.subjects import BetweenSeeds, BetweenSounds, Model, Restarts
from engine.metrics.measure import Real, fitted
from engine.metrics.pairs import mel_distance_db, si_sdr_db
from engine.metrics.sheet import RANGE_DB, spectrogram_db, top_hz

__all__ = ["Strip", "draw_strips", "strips"]

FloatArray = npt.NDArray[np.float32]

POINTS = 7
STARTS = (0.0, 0.1, 0.3, 0.5, 0.7)
SEEDS = (1, 2)


@dataclass(frozen=True)
class Strip:
    """A row of sounds, (T,) each at sample_rate, and what is written over each."""

    title: str
    sounds: Sequence[FloatArray]
    labels: Sequence[str]
    sample_rate: int


def strips(subject: Model, real: Real) -> list[Strip]:
    """Every strip that a subject can make; none when it can make none."""
    made = []
    kinds = [int(real.held_categories[index]) for index in _examples(real)]
    shares = [f"{k / (POINTS - 1):.0%}" for k in range(POINTS)]
    category = kinds[0] if subject.conditional else -1
    sounds = _between_seeds(subject, category)
    if sounds is not None:
        title = f"{subject.name}: from seed {SEEDS[0]} to seed {SEEDS[1]}, noise on a great circle"
        made.append(Strip(title, sounds, shares, subject.sample_rate))
    if isinstance(subject, BetweenSounds):
        first, second = (_at_rate(real, index, subject) for index in _examples(real))
        sounds = subject.between_sounds(first, second, POINTS).audio
        title = f"{subject.name}: from one held-out sound to another, latents on a line"
        made.append(Strip(title, sounds, shares, subject.sample_rate))
    if isinstance(subject, Restarts):
        made.append(_denoising(subject, subject, real, kinds[0]))
    return made


def draw_strips(path: Path, made: Sequence[Strip], seconds: float) -> None:
    """Spectrograms, a strip a line."""
    plt = pyplot()
    columns = max(len(strip.sounds) for strip in made)
    figure = plt.figure(figsize=(1.75 * columns + 0.7, 2.35 * len(made)), layout="constrained")
    lines = figure.subfigures(len(made), 1, squeeze=False)[:, 0]
    for line, strip in zip(lines, made, strict=True):
        line.suptitle(strip.title, x=0.005, ha="left", fontsize=10, fontweight="bold")
        places = line.subplots(1, columns, squeeze=False)[0]
        for number, place in enumerate(places):
            place.grid(False)
            if number >= len(strip.sounds):
                place.axis("off")
                continue
            picture = spectrogram_db(strip.sounds[number], strip.sample_rate, seconds)
            highest_hz = top_hz(strip.sample_rate)
            marks = [hz for hz in (100, 1000, 10_000) if hz < highest_hz]
            rows = [_row_of(hz, highest_hz, picture.shape[0]) for hz in marks]
            place.imshow(
                picture, origin="lower", aspect="auto", cmap="magma", vmin=-RANGE_DB, vmax=0.0
            )
            place.set_yticks(rows, labels=["100 Hz", "1 kHz", "10 kHz"][: len(rows)], fontsize=7)
            place.tick_params(labelleft=number == 0)
            half = picture.shape[1] / 2
            place.set_xticks(
                [0, half, picture.shape[1] - 1],
                labels=["0", f"{seconds / 2:.2g}", f"{seconds:.2g} s"],
                fontsize=7,
            )  # fmt: skip
            place.set_title(strip.labels[number], fontsize=8.5)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _between_seeds(subject: Model, category: int) -> Sequence[FloatArray] | None:
    """Sounds between two seeds; None for a subject that cannot, or that is told more than that."""
    if isinstance(subject, BetweenSeeds):
        return subject.between_seeds(*SEEDS, POINTS, category=category).audio
    if subject.kind != "generates" or not isinstance(subject, Sampled):
        return None
    if subject.opened.info.frame_channels:
        return None
    return seeds_between(subject, *SEEDS, POINTS, category=category).audio


def _denoising(subject: Model, restarts: Restarts, real: Real, kind: int) -> Strip:
    """Clean, noisy, and what comes out when the reverse process is entered at several times."""
    clean = _at_rate(real, _examples(real)[0], subject)
    rough = noisy([clean])[0]
    category = kind if subject.conditional else -1
    sounds, labels = (
        [clean, rough],
        ["clean", _score(clean, rough, f"noisy, {NOISY_DB:.0f} dB", subject)],
    )
    for start in STARTS:
        made = restarts.restart(rough, start, category=category, seed=SEEDS[0]).audio[0]
        sounds.append(made)
        labels.append(_score(clean, made, f"from t = {start:g}", subject))
    title = (
        f"{subject.name}: zero-shot denoising, the reverse process entered at t "
        "(SI-SDR and mel distance to the clean sound)"
    )
    return Strip(title, sounds, labels, subject.sample_rate)


def _score(clean: FloatArray, other: FloatArray, title: str, subject: Model) -> str:
    length = min(len(clean), len(other))
    one, two = clean[:length], other[:length]
    mel = mel_distance_db(one, two, subject.sample_rate)
    return f"{title}\n{si_sdr_db(one, two):.1f} dB, {mel:.1f} dB"


def _examples(real: Real) -> tuple[int, int]:
    """Two held-out sounds: the first of the commonest category, and of the next."""
    kinds, first, counts = np.unique(real.held_categories, return_index=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return int(first[order[0]]), int(first[order[1 % len(kinds)]])


def _at_rate(real: Real, index: int, subject: Model) -> FloatArray:
    sound = fitted(real.held_out[index], real.sample_rate, subject.sample_rate, real.seconds)
    missing = round(real.seconds * subject.sample_rate) - len(sound)
    return np.pad(sound, (0, max(0, missing)))


def _row_of(hertz: float, highest_hz: float, rows: int) -> float:
    return float((rows - 1) * np.log(hertz / 40.0) / np.log(highest_hz / 40.0))
