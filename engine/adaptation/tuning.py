"""The two trainings of an adaptation: the denoiser, then the decoder; each resumes by itself."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.adaptation.prepare import LATENTS, SOUNDS
from engine.adaptation.start import settings_text
from engine.training.checkpoint import save_checkpoint
from engine.training.loop import CHECKPOINT, MODEL, Run, Trainer
from engine.training.recipe import Recipe, parse_recipe
from engine.voice import Voice

Say = Callable[[dict[str, Any]], None]

RECIPES = Path(__file__).parents[1] / "recipes"
_SAVE_SECONDS = 20.0
"""A killed run loses at most about this much of its work."""

_ROOM = 1.1  # of a pool's window over the length that most sounds have


@dataclass(frozen=True)
class Length:
    """How long a training is: seconds of the clock, or a number of steps (0: the clock)."""

    seconds: float
    steps: int = 0


def denoiser_trainer(
    voice: Voice, out: Path, held: tuple[int, ...], seconds: float, length: Length
) -> Trainer:
    """The denoiser's training, resumed where it was. seconds: how long most sounds are."""
    codec = voice.codec
    frames = math.ceil(_ROOM * seconds * voice.sample_rate / codec.hop_frames)
    frames = min(max(frames, codec.shortest_frames), codec.longest_frames)
    recipe = _recipe(RECIPES / "adapt.toml", settings_text(voice, "denoiser"))
    framework = dataclasses.replace(
        recipe.framework.settings,
        held_categories=held,
        pool_frames=frames,
        guidance_low=voice.sampling.guidance_low,
        guidance_high=voice.sampling.guidance_high,
    )
    windows = tuple(sorted({codec.shortest_frames, frames, 2 * frames, codec.longest_frames}))
    windows = tuple(f for f in windows if f <= codec.longest_frames)
    data = dataclasses.replace(recipe.data.settings, frames=(frames, *windows))
    recipe = dataclasses.replace(
        recipe,
        framework=dataclasses.replace(recipe.framework, settings=framework),
        data=dataclasses.replace(recipe.data, settings=data),
    )
    return _trainer(recipe, out / LATENTS, out / "denoiser", out / "start.safetensors", length)


def decoder_trainer(voice: Voice, out: Path, length: Length) -> Trainer:
    """The decoder's training, resumed where it was."""
    codec = voice.codec
    recipe = _recipe(RECIPES / "adapt_decoder.toml", settings_text(voice, "autoencoder"))
    assert recipe.codec is not None
    settings = dataclasses.replace(
        recipe.codec.settings,
        sample_rate=voice.sample_rate,
        encoder_fft=codec.encoder_fft,
        encoder_hop=codec.encoder_hop,
        decoder_fft=codec.decoder_fft,
        decoder_hop=codec.decoder_hop,
        latent_dims=codec.latent_dims,
    )
    recipe = dataclasses.replace(recipe, codec=dataclasses.replace(recipe.codec, settings=settings))
    return _trainer(recipe, out / SOUNDS, out / "decoder", out / "codec.safetensors", length)


def model_of(out: Path, part: str) -> Path:
    """The averaged weights of a training that is over; part: "denoiser" or "decoder"."""
    return out / part / MODEL


def write_start(out: Path, name: str, weights: dict[str, Any]) -> None:
    """Write the weights that a training begins with."""
    save_checkpoint(out / name, weights, {"step": 0, "name": "adapt"})


def run(trainer: Trainer, say: Say, stop: Callable[[], bool], after: Callable[[], None]) -> None:
    """Train to the end of the training's length, or until ``stop``; saved either way."""
    if trainer.done < 1.0:
        trainer.train(say, stop, after)
    else:  # killed between its last checkpoint and its model
        trainer.save()


def _recipe(path: Path, network: str) -> Recipe:
    """A recipe of the adaptation with the voice's own network in it."""
    text = path.read_text(encoding="utf-8")
    return parse_recipe(f"{text}\n[network]\n{network}\n", str(path))


def _trainer(recipe: Recipe, shard: Path, out: Path, start: Path, length: Length) -> Trainer:
    loop = recipe.loop
    if length.steps:
        loop = dataclasses.replace(loop, steps=length.steps)
    recipe = dataclasses.replace(recipe, loop=loop)
    source = recipe.data.spec.build(recipe.data.settings, shard)
    paced = not length.steps
    return Trainer(
        recipe,
        source,
        Run(
            out,
            budget_seconds=length.seconds if paced else math.inf,
            resume=(out / CHECKPOINT).exists(),
            start_from=start,
            paced=paced,
            save_seconds=_SAVE_SECONDS,
        ),
    )
