"""Build what a recipe trains: the framework's own network, or the recipe's from x to x."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

from torch import nn

from engine.errors import OutOfMemory, RecipeError
from engine.frameworks import DataInfo
from engine.networks.frame_by_frame import FrameByFrame
from engine.networks.interface import FIXED_LENGTH, NetworkBuilder, NetworkInfo
from engine.registry import check_data, check_pair
from engine.training.recipe import Recipe


def network_builder(recipe: Recipe) -> NetworkBuilder:
    """Return what builds networks of the recipe's kind and size for any shapes.

    Networks of one fixed length look at each frame alone where the length is open (frames = 0).
    What is built raises RecipeError for settings that make no network, OutOfMemory for too large.
    """
    spec = recipe.network.spec

    def make(shapes: NetworkInfo) -> nn.Module:
        alone = FIXED_LENGTH in spec.traits and shapes.frames == 0
        if alone:
            shapes = dataclasses.replace(shapes, frames=1)
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Initializing zero-element")
                built: nn.Module = spec.build(recipe.network.settings, shapes)
            if not all(parameter.numel() for parameter in built.parameters()):
                raise ValueError("it would have layers of no width")
        except (ArithmeticError, LookupError, MemoryError, RuntimeError, ValueError) as error:
            if isinstance(error, MemoryError) or "allocate memory" in str(error):
                raise OutOfMemory(
                    f"not enough memory for network {spec.name!r} of recipe {recipe.name!r}; make "
                    "it smaller"
                ) from error
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise RecipeError(
                f"network {spec.name!r} cannot be built with the settings of recipe "
                f"{recipe.name!r}: {reason}"
            ) from error
        return FrameByFrame(built) if alone else built

    return make


def build_codec(recipe: Recipe) -> Any | None:
    """Return the recipe's codec, or None when it names none."""
    return recipe.codec.spec.build(recipe.codec.settings) if recipe.codec else None


def build_network(recipe: Recipe, codec: Any | None, info: DataInfo) -> nn.Module:
    """Return a fresh network as the recipe's framework trains it, from torch's global generator.

    Raises RecipeError, naming both, when the framework cannot train the recipe's network, or
    not on the recipe's data.
    """
    framework = recipe.framework
    check_pair(recipe.network.spec, framework.spec)
    check_data(framework.spec, recipe.data.spec)
    make = network_builder(recipe)
    if framework.spec.network is None:
        return make(info.network())
    network: nn.Module = framework.spec.network(framework.settings, make, codec, info)
    return network
