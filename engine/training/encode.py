"""Encode an audio shard with a frozen codec into a latent shard, for training denoisers.

The shard is a plain .npz (no pickle): latents float16 (total, D), all sounds end to end, zero
mean and unit variance; start, length (N,) in latent frames; silence (D,), the latent of digital
silence, which follows every sound; category (N,) int64; descriptors (N, K) in 0..1 with NaN;
raw (N, K); quantiles (K, Q); held_out, group, row, version (N,); categories, descriptor_names;
sample_rate, hop_frames.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from engine.codecs.stft_vae import StftVae
from engine.conditioning.descriptors import DESCRIPTORS, measure, normalise, quantiles
from engine.networks.autoencoder import Autoencoder
from engine.training.audio_shard import AudioShard
from engine.training.categories import CATEGORIES
from engine.training.checkpoint import replace_file
from engine.training.sources import step_rng
from engine.training.variants import variant

_ROOM_FRAMES = 2  # latent frames after the last sample of a sound that still belong to it


def freeze_statistics(network: Autoencoder, codec: StftVae, shard: AudioShard) -> None:
    """Set the network's latent mean and deviation from the training sounds' own frames."""
    network.latent_mean.zero_()
    network.latent_std.fill_(1.0)
    count = 0
    total = torch.zeros(network.settings.latent_dims, dtype=torch.float64)
    square = total.clone()
    for row in shard.train_rows:
        latent = _encode(network, codec, shard.sound(int(row)), _ROOM_FRAMES)[0]
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
    jobs = [(int(row), 0) for row in range(len(shard.length))]
    jobs += [(int(row), v) for v in range(1, versions) for row in shard.train_rows]
    latents: list[NDArray[np.float16]] = []
    raw = np.zeros((len(jobs), len(DESCRIPTORS)))
    for index, (row, version) in enumerate(jobs):
        sound = shard.sound(row)
        if version:
            sound = variant(sound, step_rng(version, row, stream=7), shard.sample_rate)
        raw[index] = measure(sound, shard.sample_rate)
        latent = _encode(network, codec, sound, _ROOM_FRAMES)[0].T
        latents.append(latent.numpy().astype(np.float16))
        if progress is not None:
            progress(index + 1, len(jobs))
    rows = np.array([row for row, _ in jobs])
    held = np.isin(rows, shard.held_rows)
    table = quantiles(raw[~held])
    length = np.array([len(latent) for latent in latents])
    silence = _encode(network, codec, np.zeros(16 * codec.hop_frames, np.float32), 0)[0, :, 8]
    replace_file(
        path,
        lambda file: np.savez(
            file,
            latents=np.concatenate(latents),
            start=np.concatenate([[0], np.cumsum(length)[:-1]]),
            length=length,
            silence=silence.numpy(),
            category=shard.category[rows],
            descriptors=normalise(raw, table).astype(np.float32),
            raw=raw,
            quantiles=table,
            held_out=held,
            group=shard.group[rows],
            row=rows,
            version=np.array([version for _, version in jobs]),
            categories=np.array(CATEGORIES),
            descriptor_names=np.array(DESCRIPTORS),
            sample_rate=np.int64(shard.sample_rate),
            hop_frames=np.int64(codec.hop_frames),
        ),
    )
    return len(jobs)


@torch.no_grad()
def _encode(
    network: Autoencoder, codec: StftVae, sound: NDArray[np.float32], room: int
) -> torch.Tensor:
    """(T,) audio to (1, D, L) float32 latents, L = whole frames of the sound + ``room``."""
    frames = -(-sound.size // codec.hop_frames) + room
    padded = np.pad(sound, (0, frames * codec.hop_frames - sound.size))
    return codec.encode(network, torch.from_numpy(padded)[None, None])
