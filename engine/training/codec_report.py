"""Measure how well a codec reconstructs held-out sounds: python -m engine.training.codec_report.

Waveform SNR, log-spectral distance, the multi-resolution STFT distance of training, and how
quiet the tail is. Prints JSON; ``--sheet`` also writes a picture of originals and decodings.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray

from engine import console
from engine.codecs.stft_vae import StftVae
from engine.frameworks.spectral import spectral_distance
from engine.networks.autoencoder import Autoencoder
from engine.stft import Stft
from engine.training.audio_shard import AudioSettings, AudioShard
from engine.training.categories import CATEGORIES
from engine.training.codec_model import load_codec
from engine.training.preview import sheet, write_png, write_wav

_RESOLUTIONS = ((128, 32), (256, 64), (512, 128), (1024, 256), (2048, 512))
_FRAMES = 43 * 1024  # one second, in whole latent frames

Array = NDArray[np.float32]


@torch.no_grad()
def report(network: Autoencoder, codec: StftVae, shard: AudioShard) -> dict[str, object]:
    """Return mean and per-category measures of the held-out sounds' first second."""
    rows = shard.held_rows
    snr, lsd, stft, tail = [], [], [], []
    for row in rows:
        x = _second(shard.sound(int(row)))
        y = codec.decode(network, codec.encode(network, x[None, None]))[0, 0]
        snr.append(float(10 * torch.log10(x.square().sum() / (x - y).square().sum())))
        lsd.append(_log_spectral_distance(x, y))
        distances = [
            float(sum(spectral_distance(x[None], y[None], Stft(*r), shard.sample_rate)[:2]))
            for r in _RESOLUTIONS
        ]
        stft.append(float(np.mean(distances)))
        # from 50 ms after the last sample of sound: what should be silence, in dBFS
        begin = int(shard.length[row]) + 2205
        if begin < _FRAMES - 2205:
            tail.append(float(10 * torch.log10(y[begin:].square().mean() + 1e-14)))
    categories = shard.category[rows]
    return {
        "held_out": len(rows),
        "snr_db": round(float(np.mean(snr)), 2),
        "log_spectral_distance_db": round(float(np.mean(lsd)), 2),
        "stft_distance": round(float(np.mean(stft)), 4),
        "tail_dbfs_median": round(float(np.median(tail)), 1) if tail else None,
        "tail_dbfs_worst": round(float(np.max(tail)), 1) if tail else None,
        "snr_db_by_category": {
            CATEGORIES[c]: round(float(np.mean(np.array(snr)[categories == c])), 2)
            for c in np.unique(categories)
        },
    }


def _second(sound: Array) -> torch.Tensor:
    return torch.from_numpy(np.pad(sound[:_FRAMES], (0, max(0, _FRAMES - sound.size))))


def _log_spectral_distance(x: torch.Tensor, y: torch.Tensor) -> float:
    """RMS over bins of the dB difference, mean over the frames within 60 dB of the loudest."""
    stft = Stft(1024, 256)
    a, b = (10 * torch.log10(stft.forward(v[None])[0].square().sum(0) + 1e-8) for v in (x, y))
    level = a.max(0).values
    loud = level > level.max() - 60.0
    return float((a - b)[:, loud].square().mean(0).sqrt().mean())


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Audio shard.")
@click.option("--sheet", "picture", type=click.Path(path_type=Path), help="PNG to write.")
def command(model: Path, data: Path, picture: Path | None) -> None:
    """Measure the codec MODEL on the held-out sounds of an audio shard."""
    network, codec = load_codec(model)
    shard = AudioShard(AudioSettings(frames=_FRAMES), data)
    click.echo(json.dumps(report(network, codec, shard), indent=1))
    if picture is not None:
        x = shard.held_out(16).x
        y = codec.decode(network, codec.encode(network, x))
        columns = [[a[0].numpy(), b[0].numpy()] for a, b in zip(x, y, strict=True)]
        write_png(picture, sheet(columns))
        whole = np.concatenate([np.concatenate(column) for column in columns])
        write_wav(picture.with_suffix(".wav"), whole, shard.sample_rate)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the report; returns the exit status."""
    return console.run(command, argv, "codec_report")


if __name__ == "__main__":
    sys.exit(main())
