"""Open a trained codec: the model file of a codec run, which carries its recipe."""

from __future__ import annotations

from pathlib import Path

from engine.codecs.stft_vae import StftVae
from engine.errors import RecipeError
from engine.networks.convnext import ConvNextAutoencoder, ConvNextSettings
from engine.training.checkpoint import load_checkpoint
from engine.training.recipe import parse_recipe


def load_codec(path: Path) -> tuple[ConvNextAutoencoder, StftVae]:
    """Return (network in evaluation mode, codec) of the model or checkpoint file ``path``.

    Raises RecipeError when the file is not the model of a codec.
    """
    tensors, facts = load_checkpoint(path)
    averaged = {k[4:]: v for k, v in tensors.items() if k.startswith("ema.")}
    recipe = parse_recipe(str(facts.get("recipe", "")), f"recipe in {path}")
    if recipe.codec is None or not isinstance(recipe.network.settings, ConvNextSettings):
        raise RecipeError(f"{path} is no codec: its recipe {recipe.name!r} trains no autoencoder")
    network = ConvNextAutoencoder(recipe.network.settings)
    network.load_state_dict(averaged or tensors)
    codec = recipe.codec.spec.build(recipe.codec.settings)
    assert isinstance(codec, StftVae)
    codec.check(network)
    return network.eval(), codec
