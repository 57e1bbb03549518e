"""Encode an audio shard with a frozen codec into a shard of latents or of codes.

The shard is a plain .npz (no pickle): latents float16 (total, D), all sounds end to end, zero
mean and unit variance; start, length (N,) in latent frames; silence (D,), the latent of digital
silence, which follows every sound; sketch float16 (total, 2), the curves of
engine.conditioning.frames; category (N,) int64; descriptors (N, K) in 0..1 with NaN;
raw (N, K); quantiles (K, Q); held_out, group, row, version (N,); categories, descriptor_names;
sample_rate, hop_frames. A shard of codes has codes int32 (total, K) and silence (K,) instead, and
codebook_size.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.codecs.stft_vae import StftVae
from engine.conditioning.descriptors import DESCRIPTORS, measure, normalise, quantiles
from engine.conditioning.frames import sketch_of
from engine.errors import RecipeError
from engine.networks.autoencoder import Autoencoder
from engine.networks.quantized import QuantizedAutoencoder
from engine.training.audio_shard import AudioShard
from engine.training.categories import CATEGORIES
from engine.training.checkpoint import replace_file
from engine.training.sources import step_rng
from engine.training.variants import variant

Array = NDArray[np.float32]

_ROOM_FRAMES = 2  # latent frames after the last sample of a sound that still belong to it


def freeze_statistics(network: Autoencoder, codec: StftVae, shard: AudioShard) -> None:
    """Set the network's latent mean and deviation from the training sounds' own frames."""
    network.latent_mean.zero_()
    network.latent_std.fill_(1.0)
    count = 0
    total = torch.zeros(network.settings.latent_dims, dtype=torch.float64)
    square = total.clone()
    for row in shard.train_rows:
        audio = whole_frames(codec, shard.sound(int(row)))
        latent = codec.encode(network, torch.from_numpy(audio)[None, None])[0]
        count += latent.shape[1]
        total = total + latent.sum(1).double()
        square = square + latent.square().sum(1).double()
    mean = total / count
    network.latent_mean.copy_(mean)
    network.latent_std.copy_((square / count - mean**2).clamp(min=1e-6).sqrt())


def write_latents(
    network: Autoencoder,
    codec: StftVae,
    shard: AudioShard,
    path: Path,
    versions: int,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Encode every sound and ``versions - 1`` variants of each training sound; return the count.

    Descriptors are measured on the audio of each version. Held-out sounds are encoded as is.
    """

    def encode(audio: Array) -> Array:
        return codec.encode(network, torch.from_numpy(audio)[None, None])[0].T.numpy()

    return _write(encode, "latents", np.float16, {}, codec, shard, path, versions, progress)


def write_codes(
    network: Autoencoder,
    codec: StftVae,
    shard: AudioShard,
    path: Path,
    versions: int,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """As ``write_latents``, but the codes of a network that quantises its latents.

    Raises RecipeError when it does not.
    """
    if not isinstance(network, QuantizedAutoencoder):
        raise RecipeError(
            "this codec makes no codes; expected the model of a run with framework vqvae or vqgan"
        )
    known: QuantizedAutoencoder = network

    @torch.no_grad()
    def encode(audio: Array) -> NDArray[np.int64]:
        codes = known.encode_codes(codec.spectrum(torch.from_numpy(audio)[None, None]))
        return codes[0].T.numpy()

    extra = {"codebook_size": np.int64(known.quantizer.settings.codes)}
    return _write(encode, "codes", np.int32, extra, codec, shard, path, versions, progress)


def _write(
    encode: Callable[[Array], NDArray[Any]],
    name: str,
    kind: type[np.generic],
    extra: dict[str, Any],
    codec: StftVae,
    shard: AudioShard,
    path: Path,
    versions: int,
    progress: Callable[[int, int], None] | None,
) -> int:
    """Write the shard whose array ``name`` (total, D) holds what encode(audio) -> (L, D) gives.

    kind: the array's dtype. extra: more arrays of the shard.
    """
    jobs = [(int(row), 0) for row in range(len(shard.length))]
    jobs += [(int(row), v) for v in range(1, versions) for row in shard.train_rows]
    encoded: list[NDArray[Any]] = []
    sketches: list[NDArray[np.float16]] = []
    raw = np.zeros((len(jobs), len(DESCRIPTORS)))
    for index, (row, version) in enumerate(jobs):
        sound = shard.sound(row)
        if version:
            sound = variant(sound, step_rng(version, row, stream=7), shard.sample_rate)
        raw[index] = measure(sound, shard.sample_rate)
        whole = whole_frames(codec, sound)
        encoded.append(encode(whole).astype(kind))
        seconds = codec.hop_frames / shard.sample_rate
        curves = sketch_of(whole, shard.sample_rate, frame_seconds=seconds)
        sketches.append(curves.T.astype(np.float16))
        if progress is not None:
            progress(index + 1, len(jobs))
    rows = np.array([row for row, _ in jobs])
    held = np.isin(rows, shard.held_rows)
    table = quantiles(raw[~held])
    length = np.array([len(frames) for frames in encoded])
    silence = encode(np.zeros(16 * codec.hop_frames, np.float32))[8]
    contents = {
        name: np.concatenate(encoded),
        "start": np.concatenate([[0], np.cumsum(length)[:-1]]),
        "length": length,
        "silence": silence,
        "sketch": np.concatenate(sketches),
        "category": shard.category[rows],
        "descriptors": normalise(raw, table).astype(np.float32),
        "raw": raw,
        "quantiles": table,
        "held_out": held,
        "group": shard.group[rows],
        "row": rows,
        "version": np.array([version for _, version in jobs]),
        "categories": np.array(CATEGORIES),
        "descriptor_names": np.array(DESCRIPTORS),
        "sample_rate": np.int64(shard.sample_rate),
        "hop_frames": np.int64(codec.hop_frames),
    }
    replace_file(path, lambda file: np.savez(file, **contents, **extra))
    return len(jobs)


def whole_frames(codec: StftVae, sound: Array) -> Array:
    """(T,) audio followed by silence up to whole latent frames and _ROOM_FRAMES more."""
    frames = -(-sound.size // codec.hop_frames) + _ROOM_FRAMES
    return np.pad(sound, (0, frames * codec.hop_frames - sound.size))
