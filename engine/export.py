"""Make a voice folder from trained models: python -m engine.export DENOISER --codec CODEC ...

The denoiser's recipe, the codec's recipe and the latent shard say everything about the voice
but its name, version, licence and card. A run that was trained to take noise out of sounds needs
neither codec nor latents: python -m engine.export RUN --out DIR. With --onnx, any trained or
imported sequence network becomes one graph of its own: python -m engine.export RUN --onnx DIR
(engine.network_graph).
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
@click.option("--codec", type=click.Path(path_type=Path), help="Codec model.")
@click.option("--latents", type=click.Path(path_type=Path), help="Latent shard.")
@click.option("--out", type=click.Path(path_type=Path), help="Voice folder.")
@click.option("--onnx", type=click.Path(path_type=Path), help="Folder for the network's graph.")
@click.option("--name", help="Name of the voice; by default the folder's.")
@click.option("--version", default="1", show_default=True, help="Version of the voice.")
@click.option("--licence", default="CC0-1.0", show_default=True, help="SPDX name.")
@click.option("--description", default="", help="One line about the voice.")
@click.option("--card", type=click.Path(path_type=Path), help="CARD.md to put in.")
@click.option("--guidance", default=2.0, show_default=True, help="Default guidance scale.")
@click.option("--time-shift", default=1.0, show_default=True, help="Above 1: noisier steps.")
def command(
    denoiser: Path,
    codec: Path | None,
    latents: Path | None,
    out: Path | None,
    onnx: Path | None,
    name: str | None,
    version: str,
    licence: str,
    description: str,
    card: Path | None,
    guidance: float,
    time_shift: float,
) -> None:
    """Make the voice folder --out of the model DENOISER and its codec, or the graph --onnx."""
    if onnx is not None:
        export_network(denoiser, onnx, latents)
        return
    if out is not None and codec is None and latents is None and _denoises(denoiser):
        export_denoiser(denoiser, out, name, version, licence, description, card)
        return
    if codec is None or latents is None or out is None:
        raise UsageError("a voice needs --codec, --latents and --out; a graph alone needs --onnx")
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


def _denoises(model: Path) -> bool:
    """Whether this is a run that was trained to take noise out of sounds."""
    from engine.denoiser_writer import DENOISING
    from engine.errors import RecipeError
    from engine.training.recipe import parse_recipe

    try:
        recipe = parse_recipe(_recipe_text(_model_file(model)))
    except RecipeError:
        return False
    return recipe.framework.spec.name == DENOISING


def _model_file(model: Path) -> Path:
    """The model file of a run's folder, or the file itself."""
    from engine.training.loop import MODEL

    return model / MODEL if model.is_dir() else model


def export_denoiser(
    model: Path, out: Path, name: str | None, version: str, licence: str, description: str,
    card: Path | None,
) -> None:  # fmt: skip
    """Make the voice folder of a run that was trained to denoise; RecipeError for any other."""
    from engine.denoiser_writer import write_denoiser

    name = name or out.resolve().name
    text = DEFAULT_CARD.format(
        name=name, description=description, licence=licence, recipe="see voice.toml"
    )
    written = write_denoiser(
        out, _model_file(model), name=name, version=version,
        licence=licence, description=description,
        card=card.read_text(encoding="utf-8") if card is not None else text,
    )  # fmt: skip
    console.note(f"{out}: denoiser {written.name!r}, {written.hash[:12]}")


def export_network(model: Path, folder: Path, latents: Path | None = None) -> None:
    """Write the graph of a run's network. Raises RecipeError for one of which none is made.

    latents: the shard it was trained on, for runs that do not say what their data were.
    """
    from engine.frameworks import DataInfo
    from engine.network_graph import check_exportable, write_network
    from engine.training.building import build_network
    from engine.training.checkpoint import load_checkpoint
    from engine.training.recipe import parse_recipe, settings_from

    model = _model_file(model)
    _, facts = load_checkpoint(model, prefix="none of the tensors")
    recipe = parse_recipe(str(facts.get("recipe", "")), f"recipe in {model}")
    spec = recipe.network.spec
    check_exportable(spec)
    if recipe.framework.spec.network is not None:
        raise UsageError(
            f"{model}: framework {recipe.framework.spec.name!r} puts its network into another; "
            "expected a run whose network maps x to x, such as one of flow or ddpm"
        )
    if latents is not None:
        info = recipe.data.spec.build(recipe.data.settings, latents).info
    elif isinstance(facts.get("data"), dict):
        info = settings_from(DataInfo, facts["data"], f"data of {model}")
    else:
        raise UsageError(f"{model} does not say what it was trained on; add --latents SHARD")
    network = build_network(recipe, None, info)
    _load(network, model)
    difference = write_network(folder, spec, network, info.network())
    console.note(f"{folder}: graph of {spec.name!r}, {difference:.1g} from torch")


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
    from engine.training.recipe import parse_recipe
    from engine.voice_format import Audio, Codec
    from engine.voice_writer import VoiceParts

    autoencoder, stft = load_codec(codec)
    recipe = parse_recipe(_recipe_text(denoiser), f"recipe in {denoiser}")
    if not isinstance(recipe.data.settings, LatentSettings):
        raise UsageError(f"{denoiser} was not trained on latents; recipe {recipe.name!r}")
    shard = LatentShard(recipe.data.settings, latents)
    network = recipe.network.spec.build(recipe.network.settings, shard.info.network())
    _load(network, denoiser)
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


def _load(network: Any, model: Path) -> None:
    """Put a model's weights into the network of its recipe. RecipeError when they do not fit."""
    from engine.errors import RecipeError
    from engine.training.loop import network_weights

    try:
        network.load_state_dict(network_weights(model))
    except RuntimeError as error:
        raise RecipeError(f"{model} does not hold the network of its own recipe") from error


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
