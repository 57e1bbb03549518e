"""What is measured: sounds against real ones; of a voice its codec and its obedience too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from engine.conditioning.descriptors import DESCRIPTORS, measure
from engine.errors import DataError
from engine.metrics.classifier import Classifier, train_classifier
from engine.metrics.embedding import embed, embed_all
from engine.metrics.floors import Means
from engine.metrics.manifolds import manifolds
from engine.metrics.memorisation import Copies, copies
from engine.metrics.pairs import (
    log_spectral_distance_db,
    mel_distance_db,
    si_sdr_db,
    signal_to_noise_db,
)
from engine.metrics.sets import (
    Axes,
    diversity,
    frechet,
    frechet_deviation,
    nearest,
    principal_axes,
    split_half_frechet,
)
from engine.runtime import LoadedVoice
from engine.training.audio_shard import AudioSettings, AudioShard
from engine.types import GenerateRequest

__all__ = [
    "SEED",
    "WHOLE_SECONDS",
    "Real",
    "compare",
    "compare_pairs",
    "control",
    "fitted",
    "floors",
    "held_rows",
    "open_shard",
    "read_real",
    "reconstruction",
]

FloatArray = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

DIMENSIONS = 24  # of the Fréchet distance: far fewer than held-out sounds
ROUNDS = 10  # random splits for the floor
SEED = 1000  # sound k of an evaluation has seed SEED + k
RECONSTRUCTED = 64  # held-out sounds that go through the codec
ASKED = 24  # sounds of each category for each descriptor's correlation
CONTROLLED_KINDS = ("kick", "snare", "tom", "closed_hat", "percussion")
CONTROLLED = ("brightness", "depth", "noisiness", "attack", "length", "pitch")
WHOLE_SECONDS = 1.0  # of each sound, at most, is compared


@dataclass(frozen=True)
class Real:
    """Real sounds: the held-out ones whole, all of them as embeddings.

    Everything is at sample_rate and no longer than `seconds`, which is what is compared.
    twins: for each held-out sound a training sound of its category.
    """

    sample_rate: int
    seconds: float
    held_out: list[FloatArray]  # (T,) each
    held_categories: npt.NDArray[np.int64]
    held_embeddings: Floats
    twins: list[FloatArray]
    train_embeddings: Floats
    train_categories: npt.NDArray[np.int64]
    axes: Axes
    classifier: Classifier
    copies: Copies
    means: Means

    def fitted(self, sound: FloatArray, sample_rate: int) -> FloatArray:
        """(T,) at any rate -> at this rate (soxr), no longer than `seconds`."""
        return fitted(sound, sample_rate, self.sample_rate, self.seconds)


def open_shard(path: Path) -> AudioShard:
    """Opens an audio shard; DataError when it is none."""
    return AudioShard(AudioSettings(), path)


def held_rows(shard: AudioShard, count: int) -> npt.NDArray[np.int64]:
    """Rows of `count` held-out sounds, evenly spread; 0 = all. DataError when too few."""
    held = shard.held_rows
    if count:
        held = held[:: max(1, len(held) // count)][:count]
    if len(held) < 2 * DIMENSIONS:
        raise DataError(
            f"{len(held)} held-out sounds; at least {2 * DIMENSIONS} are needed for a comparison"
        )
    return np.asarray(held, dtype=np.int64)


def read_real(
    shard: AudioShard,
    rows: npt.NDArray[np.int64],
    *,
    sample_rate: int = 0,
    seconds: float = WHOLE_SECONDS,
) -> Real:
    """Reads a shard's training sounds and its held-out `rows`.

    sample_rate: of the comparison, 0 = the shard's; sounds are resampled to it. seconds: what
    counts of each sound, at most 1.
    """
    rate = sample_rate or shard.sample_rate
    categories = shard.category[shard.train_rows].astype(np.int64)
    held_categories = shard.category[rows].astype(np.int64)
    twins = _twins(categories, held_categories)
    means = Means(round(seconds * rate))
    train, kept = [], {}
    for place, row in enumerate(shard.train_rows):
        sound = fitted(shard.sound(int(row)), shard.sample_rate, rate, seconds)
        means.add(int(categories[place]), sound)
        train.append(embed(sound, rate))
        if place in twins:
            kept[place] = sound
    sounds = [fitted(shard.sound(int(r)), shard.sample_rate, rate, seconds) for r in rows]
    embeddings, held = np.stack(train), embed_all(sounds, rate)
    return Real(
        sample_rate=rate,
        seconds=seconds,
        held_out=sounds,
        held_categories=held_categories,
        held_embeddings=held,
        twins=[kept[place] for place in twins],
        train_embeddings=embeddings,
        train_categories=categories,
        axes=principal_axes(embeddings, DIMENSIONS),
        classifier=train_classifier(embeddings, categories),
        copies=copies(embeddings, held),
        means=means,
    )


def compare(
    made: list[FloatArray], real: Real, sample_rate: int, *, conditional: bool = True
) -> dict[str, float]:
    """Generated sounds against the held-out ones, sound k being of held-out sound k's category.

    conditional: false when no category was asked for. mel_db: median mel distance, gain removed,
    to the nearest held-out sound (of the category).
    The manifolds are those of the projected embeddings, as the Fréchet distance's Gaussians.
    """
    sounds = [real.fitted(sound, sample_rate) for sound in made]
    embeddings = embed_all(sounds, real.sample_rate)
    row = _row(embeddings, real)
    projected, held = real.axes.project(embeddings), real.axes.project(real.held_embeddings)
    found = manifolds(held, projected)
    row["frechet_deviation"] = frechet_deviation(projected, held)
    row |= {"density": found.density, "coverage": found.coverage}
    row |= {"precision": found.precision, "recall": found.recall}
    row["copies"] = real.copies.rate(embeddings)
    row["mel_db"] = float(np.median(_mel_distances(sounds, embeddings, real, conditional)))
    return row


def floors(real: Real) -> dict[str, float]:
    """The same figures for the real held-out sounds: what generated ones may hope for.

    frechet, density, coverage: held-out against as many training sounds, drawn in the same
    categories. split_half: the Fréchet distance of two halves of all real sounds.
    """
    row = _row(real.held_embeddings, real)
    twins = real.axes.project(embed_all(real.twins, real.sample_rate))
    held = real.axes.project(real.held_embeddings)
    found = manifolds(held, twins)
    row |= {"density": found.density, "coverage": found.coverage}
    row |= {"frechet": frechet(twins, held), "copies": real.copies.rate(real.held_embeddings)}
    everything = np.concatenate((real.train_embeddings, real.held_embeddings))
    size = min(len(real.held_out), len(everything) // 2)
    row["split_half"] = split_half_frechet(real.axes.project(everything), size, ROUNDS)
    return row


def compare_pairs(
    made: list[FloatArray], wanted: list[FloatArray], real: Real, sample_rate: int
) -> dict[str, float]:
    """Sounds made from sounds, against those they should be; `wanted` is at real.sample_rate.

    frechet: of the two sets, which hold the same sounds, so that it goes to 0 as they agree.
    """
    mel, spectral, distortion = [], [], []
    others = [real.fitted(sound, sample_rate) for sound in made]
    for other, clean in zip(others, wanted, strict=True):
        length = max(len(other), len(clean))
        one, two = (np.pad(x, (0, length - len(x))) for x in (clean, other))
        mel.append(mel_distance_db(one, two, real.sample_rate))
        spectral.append(log_spectral_distance_db(one, two))
        distortion.append(si_sdr_db(one, two))
    sets = (real.axes.project(embed_all(x, real.sample_rate)) for x in (others, wanted))
    return {
        "frechet": frechet(*sets),
        "mel_db": float(np.mean(mel)),
        "log_spectral_db": float(np.mean(spectral)),
        "si_sdr_db": float(np.median(distortion)),
    }


def reconstruction(loaded: LoadedVoice, real: Real) -> dict[str, float]:
    """The codec alone: held-out sounds encoded and decoded (varied with strength 0)."""
    distances, ratios = [], []
    for sound in real.held_out[:: max(1, len(real.held_out) // RECONSTRUCTED)]:
        clean = sound[: int(WHOLE_SECONDS * real.sample_rate)]
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
            seconds=WHOLE_SECONDS,
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
    """The figures that the voices' cards show."""
    projected = real.axes.project(embeddings)
    right = real.classifier.predict(embeddings) == real.held_categories
    return {
        "frechet": frechet(projected, real.axes.project(real.held_embeddings)),
        "accuracy": float(right.mean()),
        "diversity_db": diversity(embeddings),
        "nearest_train_db": float(np.median(nearest(embeddings, real.train_embeddings))),
    }


def _mel_distances(
    sounds: list[FloatArray], embeddings: Floats, real: Real, conditional: bool
) -> list[float]:
    """Each sound's mel distance to the held-out sound (of its category) that lies nearest."""
    distances = []
    for sound, embedding, category in zip(sounds, embeddings, real.held_categories, strict=True):
        allowed = (real.held_categories == category) | (not conditional)
        members = np.flatnonzero(allowed)
        gaps = ((real.held_embeddings[members] - embedding) ** 2).sum(axis=1)
        other = real.held_out[members[int(gaps.argmin())]]
        distances.append(mel_distance_db(other, sound, real.sample_rate, gain_free=True))
    return distances


def _twins(categories: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64]) -> list[int]:
    """For each wanted category the place of a random training sound of it, else of any."""
    rng = np.random.default_rng(SEED)
    everything = np.arange(len(categories))
    drawn = []
    for category in wanted:
        members = np.flatnonzero(categories == category)
        drawn.append(int(rng.choice(members if members.size else everything)))
    return drawn


def fitted(sound: FloatArray, rate: int, wanted_rate: int, seconds: float) -> FloatArray:
    """(T,) resampled (soxr) and cut to `seconds`."""
    if rate != wanted_rate:
        sound = soxr.resample(sound, rate, wanted_rate)
    return np.asarray(sound[: round(seconds * wanted_rate)], dtype=np.float32)


def _spearman(a: Floats, b: Floats) -> float:
    ranks = [np.argsort(np.argsort(values)).astype(np.float64) for values in (a, b)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])
