"""Open a trained codec: the model file of a codec run, which carries its recipe."""

from __future__ import annotations

from pathlib import Path

import torch

from engine.codecs.stft_vae import StftVae
from engine.errors import RecipeError
from engine.frameworks import DataInfo
from engine.networks.autoencoder import Autoencoder
from engine.training.building import build_codec, build_network
from engine.training.checkpoint import load_checkpoint
from engine.training.recipe import parse_recipe


def load_codec(path: Path) -> tuple[Autoencoder, StftVae]:
    """Return (network in evaluation mode, codec) of the model or checkpoint file ``path``.

    Raises RecipeError when the file is not the model of a codec.
    """
    tensors, facts = load_checkpoint(path)
    averaged = {k[4:]: v for k, v in tensors.items() if k.startswith("ema.")}
    recipe = parse_recipe(str(facts.get("recipe", "")), f"recipe in {path}")
    codec = build_codec(recipe)
    network = None
    if isinstance(codec, StftVae):
        with torch.random.fork_rng(devices=[]):  # the fresh weights do not stay
            info = DataInfo(codec.settings.sample_rate, 1, 0, (), ())
            network = build_network(recipe, codec, info)
    if not isinstance(codec, StftVae) or not isinstance(network, Autoencoder):
        raise RecipeError(f"{path} is no codec: its recipe {recipe.name!r} trains no autoencoder")
    try:
        network.load_state_dict(averaged or tensors)
    except RuntimeError as error:
        raise RecipeError(
            f"{path} does not hold the network of its own recipe {recipe.name!r}; train it again"
        ) from error
    return network.eval(), codec
