"""From a folder of sounds to what adaptation trains on: shards of latents and of audio.

Each sound is encoded as it is, and as many times again in slightly changed versions as there is
time for; few sounds get more versions. A sound with several words has a row for each.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from engine.adaptation.folder import Folder
from engine.adaptation.tags import Tags
from engine.codecs.stft_vae import StftVae
from engine.conditioning.descriptors import DESCRIPTORS, measure, normalise
from engine.networks.autoencoder import Autoencoder
from engine.training.audio_shard import transpose
from engine.training.categories import OTHER
from engine.training.checkpoint import replace_file
from engine.training.encode import whole_frames
from engine.training.oneshots import SAMPLE_RATE
from engine.training.sources import step_rng
from engine.training.variants import shortened, tilted

FloatArray = npt.NDArray[np.float32]

LATENTS, SOUNDS = "latents.npz", "sounds.npz"
MOST_VERSIONS = 8
MOST_ROWS = 6000  # sounds and versions together: about 60 MB of latents
MOST_DECODED = 600  # sounds that the decoder is tuned on
_SEMITONES = 1.0
_TILT_DB = 3.0
_SHORTENED = 0.12  # share of versions


@dataclass(frozen=True)
class Prepared:
    """rows: sounds and versions that were encoded. versions: of a sound, at most."""

    rows: int
    versions: int
    seconds: float  # median length of a sound


def slightly_changed(sound: FloatArray, rng: np.random.Generator) -> FloatArray:
    """A version of (T,) audio that is still the same kind of sound; peak 0.95."""
    out = sound
    if rng.random() < 0.7:
        out = transpose(out, rng.uniform(-_SEMITONES, _SEMITONES))
    if rng.random() < 0.5:
        out = tilted(out, rng.uniform(-_TILT_DB, _TILT_DB), SAMPLE_RATE)
    if rng.random() < _SHORTENED:
        out = shortened(out, rng.uniform(0.6, 0.95))
    return np.asarray(out * (0.95 / (np.abs(out).max() + 1e-9)), np.float32)


def write_shards(
    folder: Folder,
    tags: Tags,
    quantiles: npt.NDArray[np.float64],
    network: Autoencoder,
    codec: StftVae,
    out: Path,
    seconds: float,
    progress: Callable[[int], None],
) -> Prepared:
    """Encode the sounds and write both shards into ``out``; about ``seconds`` at most.

    quantiles: the base voice's, (K, Q): descriptors mean the same in both voices. Every sound is
    encoded once, whatever the time.
    """
    begin = time.monotonic()
    frames: list[npt.NDArray[np.float16]] = []
    rows: list[int] = []
    raw: list[npt.NDArray[np.float64]] = []
    versions: list[int] = []
    for row, version in _orders(folder):
        if version and time.monotonic() - begin > seconds:
            break
        sound = folder.sounds[row]
        if version:
            sound = slightly_changed(sound, step_rng(version, row, stream=11))
        padded = torch.from_numpy(whole_frames(codec, sound))[None, None]
        frames.append(codec.encode(network, padded)[0].T.numpy().astype(np.float16))
        raw.append(measure(sound, SAMPLE_RATE))
        rows.append(row)
        versions.append(version)
        progress(len(rows))
    _write_latents(folder, tags, quantiles, network, codec, out, frames, rows, raw)
    _write_sounds(folder, quantiles, out)
    lengths = [sound.size / SAMPLE_RATE for sound in folder.sounds]
    return Prepared(len(rows), max(versions) + 1, float(np.median(lengths)))


def _orders(folder: Folder) -> Iterator[tuple[int, int]]:
    """(sound, version) in the order of need: all sounds as they are, then training's versions."""
    count = len(folder.sounds)
    yield from ((row, 0) for row in range(count))
    left = MOST_ROWS - count
    for version in range(1, MOST_VERSIONS):
        for row in np.flatnonzero(~folder.held).tolist():
            if left > 0:
                left -= 1
                yield row, version


def _write_latents(
    folder: Folder,
    tags: Tags,
    quantiles: npt.NDArray[np.float64],
    network: Autoencoder,
    codec: StftVae,
    out: Path,
    frames: list[npt.NDArray[np.float16]],
    rows: list[int],
    raw: list[npt.NDArray[np.float64]],
) -> None:
    length = np.array([len(part) for part in frames])
    start = np.concatenate([[0], np.cumsum(length)[:-1]])
    descriptors = normalise(np.stack(raw), quantiles).astype(np.float32)
    # one row for each word of a sound, all of the same latents
    place = [k for k, row in enumerate(rows) for _ in tags.rows[row]]
    category = [c for row in rows for c in tags.rows[row]]
    silence = codec.encode(network, torch.zeros(1, 1, 16 * codec.hop_frames))[0, :, 8]
    contents: dict[str, Any] = {
        "latents": np.concatenate(frames),
        "start": start[place],
        "length": length[place],
        "silence": silence.numpy().astype(np.float16),
        "category": np.array(category, np.int64),
        "descriptors": descriptors[place],
        "held_out": folder.held[[rows[k] for k in place]],
        "row": np.array([rows[k] for k in place]),
        "categories": np.array(tags.categories),
        "descriptor_names": np.array(DESCRIPTORS),
        "quantiles": quantiles,
        "sample_rate": np.int64(SAMPLE_RATE),
        "hop_frames": np.int64(codec.hop_frames),
    }
    replace_file(out / LATENTS, lambda file: np.savez(file, **contents))


def _write_sounds(folder: Folder, quantiles: npt.NDArray[np.float64], out: Path) -> None:
    """The audio shard: training sounds for the decoder, and all held-out ones."""
    training = np.flatnonzero(~folder.held)[:MOST_DECODED]
    chosen = [*training.tolist(), *np.flatnonzero(folder.held)[:MOST_DECODED].tolist()]
    audio = [np.round(folder.sounds[row] * 32767.0).astype(np.int16) for row in chosen]
    length = np.array([part.size for part in audio])
    contents: dict[str, Any] = {
        "sample_rate": np.int64(SAMPLE_RATE),
        "audio": np.concatenate(audio),
        "start": np.concatenate([[0], np.cumsum(length)[:-1]]),
        "length": length,
        "category": np.full(len(chosen), OTHER),
        "descriptors": np.stack([measure(folder.sounds[row], SAMPLE_RATE) for row in chosen]),
        "quantiles": quantiles,
        "held_out": folder.held[chosen],
        "group": np.arange(len(chosen)),
        "row": np.array(chosen),
        "name": np.array([folder.names[row] for row in chosen]),
        "source": np.array(["folder"] * len(chosen)),
    }
    replace_file(out / SOUNDS, lambda file: np.savez(file, **contents))
