"""What is measured of a voice: its sounds against real ones, its codec, its obedience."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.conditioning.descriptors import DESCRIPTORS, measure
from engine.errors import DataError
from engine.metrics.classifier import Classifier, train_classifier
from engine.metrics.embedding import embed_all
from engine.metrics.pairs import log_spectral_distance_db, signal_to_noise_db
from engine.metrics.sets import (
    Axes,
    diversity,
    frechet,
    nearest,
    principal_axes,
    split_half_frechet,
)
from engine.runtime import LoadedVoice
from engine.training.audio_shard import AudioSettings, AudioShard
from engine.training.categories import CATEGORIES
from engine.types import GenerateRequest

__all__ = ["Real", "compare", "control", "floors", "generate", "read_real", "reconstruction"]

FloatArray = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

DIMENSIONS = 24  # of the Fréchet distance: far fewer than held-out sounds
ROUNDS = 10  # random splits for the floor
SEED = 1000  # sound k of an evaluation has seed SEED + k
RECONSTRUCTED = 64  # held-out sounds that go through the codec
ASKED = 24  # sounds of each category for each descriptor's correlation
CONTROLLED_KINDS = ("kick", "snare", "tom", "closed_hat", "percussion")
CONTROLLED = ("brightness", "depth", "noisiness", "attack", "length", "pitch")
_SECONDS = 1.0


@dataclass(frozen=True)
class Real:
    """Real sounds: the held-out ones whole, all of them as embeddings."""

    sample_rate: int
    held_out: list[FloatArray]  # (T,) each
    held_categories: npt.NDArray[np.int64]
    held_embeddings: Floats
    train_embeddings: Floats
    train_categories: npt.NDArray[np.int64]
    axes: Axes
    classifier: Classifier


def read_real(shard_path: Path, count: int) -> Real:
    """Reads an audio shard. count: held-out sounds to use, 0 = all. DataError when too few."""
    shard = AudioShard(AudioSettings(), shard_path)
    held = shard.held_rows
    if count:
        held = held[:: max(1, len(held) // count)]
    if len(held) < 2 * DIMENSIONS:
        raise DataError(
            f"{shard_path} has {len(held)} held-out sounds; at least {2 * DIMENSIONS} are needed"
        )
    train = embed_all([shard.sound(int(row)) for row in shard.train_rows], shard.sample_rate)
    sounds = [shard.sound(int(row)) for row in held]
    categories = shard.category[shard.train_rows].astype(np.int64)
    return Real(
        sample_rate=shard.sample_rate,
        held_out=sounds,
        held_categories=shard.category[held].astype(np.int64),
        held_embeddings=embed_all(sounds, shard.sample_rate),
        train_embeddings=train,
        train_categories=categories,
        axes=principal_axes(train, DIMENSIONS),
        classifier=train_classifier(train, categories),
    )


def generate(
    loaded: LoadedVoice, real: Real, steps: int, guidance: float | None
) -> list[FloatArray]:
    """One sound of one second for each held-out sound, asked for by its category alone."""
    made = []
    for number, category in enumerate(real.held_categories):
        request = GenerateRequest(
            voice=loaded.voice.name,
            prompt=CATEGORIES[category].replace("_", " "),
            seed=SEED + number,
            steps=steps,
            seconds=_SECONDS,
            guidance=guidance,
        )
        made.append(loaded.generate(request).audio[0])
    return made


def compare(made: list[FloatArray], real: Real, sample_rate: int) -> dict[str, float]:
    """Generated sounds against the held-out ones, sound k being of held-out sound k's category."""
    return _row(embed_all(made, sample_rate), real)


def floors(real: Real) -> dict[str, float]:
    """The same figures for the real held-out sounds: what generated ones may hope for.

    frechet: held-out against as many training sounds, drawn in the same categories.
    """
    rng = np.random.default_rng(SEED)
    drawn = [
        int(rng.choice(np.flatnonzero(real.train_categories == category)))
        for category in real.held_categories
    ]
    row = _row(real.held_embeddings, real)
    twins = real.axes.project(real.train_embeddings[drawn])
    row["frechet"] = frechet(twins, real.axes.project(real.held_embeddings))
    everything = np.concatenate((real.train_embeddings, real.held_embeddings))
    row["split_half"] = split_half_frechet(
        real.axes.project(everything), len(real.held_out), ROUNDS
    )
    return row


def reconstruction(loaded: LoadedVoice, real: Real) -> dict[str, float]:
    """The codec alone: held-out sounds encoded and decoded (varied with strength 0)."""
    distances, ratios = [], []
    for sound in real.held_out[:: max(1, len(real.held_out) // RECONSTRUCTED)]:
        clean = sound[: int(_SECONDS * real.sample_rate)]
        request = GenerateRequest(
            voice=loaded.voice.name,
            seed=0,
            source=clean[np.newaxis],
            source_rate=real.sample_rate,
            strength=0.0,
        )
        decoded = loaded.generate(request).audio[0]
        length = min(len(decoded), len(clean))
        distances.append(log_spectral_distance_db(clean[:length], decoded[:length]))
        ratios.append(signal_to_noise_db(clean[:length], decoded[:length]))
    return {"log_spectral_db": float(np.mean(distances)), "snr_db": float(np.mean(ratios))}


def control(loaded: LoadedVoice) -> dict[str, float]:
    """Rank correlation (Spearman) of each descriptor asked for with the one measured.

    Taken among sounds of one category, then averaged over categories: how bright a kick and a hat
    are differs more than any knob can change. A category whose sounds seldom have the descriptor
    (pitch) is left out; a descriptor that no category has is absent from the answer.
    """
    kinds = [kind for kind in CONTROLLED_KINDS if kind in loaded.voice.conditioning.categories]
    result = {}
    for name in CONTROLLED:
        if name not in loaded.voice.conditioning.descriptors:
            continue
        found = (_obedience(loaded, kind, name) for kind in kinds or [""])
        known = [value for value in found if value is not None]
        if known:
            result[name] = float(np.mean(known))
    return result


def _obedience(loaded: LoadedVoice, kind: str, name: str) -> float | None:
    """The correlation within one category; None where too few sounds have the descriptor."""
    rng = np.random.default_rng(SEED)
    asked, measured = [], []
    for number in range(ASKED):
        value = float(rng.uniform())
        request = GenerateRequest(
            voice=loaded.voice.name,
            prompt=kind.replace("_", " "),
            seed=SEED + number,
            seconds=_SECONDS,
            descriptors={name: value},
        )
        audio = loaded.generate(request).audio[0]
        asked.append(value)
        measured.append(measure(audio, loaded.voice.sample_rate)[DESCRIPTORS.index(name)])
    known = np.isfinite(measured)
    if known.sum() < ASKED // 2:
        return None
    return _spearman(np.array(asked)[known], np.array(measured)[known])


def _row(embeddings: Floats, real: Real) -> dict[str, float]:
    projected = real.axes.project(embeddings)
    right = real.classifier.predict(embeddings) == real.held_categories
    return {
        "frechet": frechet(projected, real.axes.project(real.held_embeddings)),
        "accuracy": float(right.mean()),
        "diversity_db": diversity(embeddings),
        "nearest_train_db": float(np.median(nearest(embeddings, real.train_embeddings))),
    }


def _spearman(a: Floats, b: Floats) -> float:
    ranks = [np.argsort(np.argsort(values)).astype(np.float64) for values in (a, b)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])
