"""Make a voice folder from trained models: python -m engine.export DENOISER --codec CODEC ...

The denoiser's recipe, the codec's recipe and the latent shard say everything about the voice
but its name, version, licence and card.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine import console
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.voice_writer import VoiceParts

MAX_SECONDS = 12.0
LEAST_SOUNDS = 12
"""A category with fewer training sounds has no rank table of its own."""

DEFAULT_CARD = "# {name}\n\n{description}\n\nLicence of the weights: {licence}. Recipe: {recipe}.\n"


@click.command("export")
@click.argument("denoiser", type=click.Path(path_type=Path))
@click.option("--codec", required=True, type=click.Path(path_type=Path), help="Codec model.")
@click.option("--latents", required=True, type=click.Path(path_type=Path), help="Latent shard.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Voice folder.")
@click.option("--name", help="Name of the voice; by default the folder's.")
@click.option("--version", default="1", show_default=True, help="Version of the voice.")
@click.option("--licence", default="CC0-1.0", show_default=True, help="SPDX name.")
@click.option("--description", default="", help="One line about the voice.")
@click.option("--card", type=click.Path(path_type=Path), help="CARD.md to put in.")
@click.option("--guidance", default=2.0, show_default=True, help="Default guidance scale.")
@click.option("--time-shift", default=1.0, show_default=True, help="Above 1: noisier steps.")
def command(
    denoiser: Path,
    codec: Path,
    latents: Path,
    out: Path,
    name: str | None,
    version: str,
    licence: str,
    description: str,
    card: Path | None,
    guidance: float,
    time_shift: float,
) -> None:
    """Make the voice folder --out of the model DENOISER and its codec."""
    from engine.voice_writer import write_voice

    if not math.isfinite(guidance) or guidance < 1.0:
        raise UsageError(f"guidance is {guidance}; expected a number of at least 1")
    text = card.read_text(encoding="utf-8") if card is not None else DEFAULT_CARD
    parts = voice_parts(
        denoiser,
        codec,
        latents,
        name=name or out.resolve().name,
        version=version,
        licence=licence,
        description=description,
        card=text,
        guidance=guidance,
        time_shift=time_shift,
    )
    voice = write_voice(out, parts)
    size = sum(file.stat().st_size for file in out.iterdir()) / 2**20
    console.note(f"{out}: voice {voice.name!r}, {size:.1f} MiB, {voice.hash[:12]}")


def voice_parts(
    denoiser: Path,
    codec: Path,
    latents: Path,
    *,
    name: str,
    version: str,
    licence: str,
    description: str,
    card: str,
    guidance: float,
    time_shift: float,
) -> VoiceParts:
    """Reads models and shard. Raises RecipeError or DataError when one is not what it should be."""
    from engine.training.codec_model import load_codec
    from engine.training.latent_shard import LatentSettings, LatentShard, read_latents
    from engine.training.loop import network_weights
    from engine.training.recipe import parse_recipe
    from engine.voice_format import Audio, Codec
    from engine.voice_writer import VoiceParts

    autoencoder, stft = load_codec(codec)
    recipe = parse_recipe(_recipe_text(denoiser), f"recipe in {denoiser}")
    if not isinstance(recipe.data.settings, LatentSettings):
        raise UsageError(f"{denoiser} was not trained on latents; recipe {recipe.name!r}")
    shard = LatentShard(recipe.data.settings, latents)
    network = recipe.network.spec.build(recipe.network.settings, shard.info.network())
    network.load_state_dict(network_weights(denoiser))
    return VoiceParts(
        name=name,
        version=version,
        licence=licence,
        recipe=recipe.name,
        description=description,
        denoiser=network,
        denoiser_kind=(recipe.network.spec.name, recipe.network.settings),
        autoencoder=autoencoder,
        autoencoder_kind=("convnext", autoencoder.settings),
        audio=Audio(shard.sample_rate, 1, 1.0, MAX_SECONDS),
        codec=Codec(
            latent_dims=shard.info.channels,
            hop_frames=stft.hop_frames,
            shortest_frames=min(recipe.data.settings.frames),
            longest_frames=max(recipe.data.settings.frames),
            encoder_fft=stft.settings.encoder_fft,
            encoder_hop=stft.settings.encoder_hop,
            decoder_fft=stft.settings.decoder_fft,
            decoder_hop=stft.settings.decoder_hop,
        ),
        sampling=_sampling(
            recipe.framework.spec.name, recipe.framework.settings, guidance, time_shift
        ),
        conditioning=_conditioning(read_latents(latents)),
        card=card.format_map(
            {"name": name, "description": description, "licence": licence, "recipe": recipe.name}
        )
        if card is DEFAULT_CARD
        else card,
    )


def _recipe_text(model: Path) -> str:
    from engine.training.checkpoint import load_checkpoint

    _, facts = load_checkpoint(model, prefix="none of the tensors")
    return str(facts.get("recipe", ""))


def _sampling(framework: str, settings: Any, guidance: float, time_shift: float) -> Any:
    from engine.voice_format import Sampling

    if framework == "consistency":
        low, high = settings.guidance_low, settings.guidance_high
        return Sampling(
            "consistency",
            True,
            (1, 2, 4, 8),
            4,
            time_shift,
            min(max(guidance, low), high),
            low,
            high,
        )
    return Sampling("heun", False, (8, 16, 32), 16, time_shift, guidance, 1.0, max(8.0, guidance))


def _conditioning(table: dict[str, Any]) -> Any:
    """Scales of the conditions, from the training sounds of the latent shard."""
    import numpy as np

    from engine.voice_format import Conditioning

    trained = ~table["held_out"]
    categories = tuple(str(name) for name in table["categories"])
    ranks = {}
    for index, category in enumerate(categories):
        members = table["descriptors"][trained & (table["category"] == index)]
        enough = np.isfinite(members).sum(axis=0) >= LEAST_SOUNDS
        if len(members) < LEAST_SOUNDS:
            continue
        rows = [
            np.nanquantile(members[:, k], (0.05, 0.25, 0.5, 0.75, 0.95))
            if enough[k]
            else np.array((0.05, 0.25, 0.5, 0.75, 0.95))
            for k in range(members.shape[1])
        ]
        ranks[category] = tuple(tuple(float(value) for value in row) for row in rows)
    return Conditioning(
        categories=categories,
        descriptors=tuple(str(name) for name in table["descriptor_names"]),
        quantiles=tuple(tuple(float(v) for v in row) for row in table["quantiles"]),
        ranks=ranks,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `export`; returns the exit status."""
    return console.run(command, argv, "export")


if __name__ == "__main__":
    sys.exit(main())
