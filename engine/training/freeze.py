"""Freeze a trained codec and encode its latents: python -m engine.training.freeze MODEL.

Sets the statistics that bring latents to zero mean and unit variance, writes the model that
voices and denoisers use, and the latent shard that denoisers train on.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from engine import console
from engine.training.audio_shard import AudioSettings, AudioShard
from engine.training.checkpoint import load_checkpoint, save_checkpoint
from engine.training.codec_model import load_codec
from engine.training.encode import freeze_statistics, write_latents

MODEL, LATENTS = "model.safetensors", "latents.npz"


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Audio shard.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write.")
@click.option("--versions", default=4, show_default=True, help="Variants of each sound.")
def command(model: Path, data: Path, out: Path, versions: int) -> None:
    """Freeze the codec MODEL: write model.safetensors and latents.npz to --out."""
    network, codec = load_codec(model)
    shard = AudioShard(AudioSettings(), data)
    freeze_statistics(network, codec, shard)
    save_checkpoint(out / MODEL, network.state_dict(), load_checkpoint(model)[1])
    console.note(f"{out / MODEL}: frozen")

    def progress(done: int, total: int) -> None:
        if done % 1000 == 0 or done == total:
            console.note(f"encoded {done} of {total}")

    write_latents(network, codec, shard, out / LATENTS, versions, progress)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the freezer; returns the exit status."""
    return console.run(command, argv, "freeze")


if __name__ == "__main__":
    sys.exit(main())
