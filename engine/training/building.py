"""Build what a recipe trains: the framework's own network, or the recipe's from x to x."""

from __future__ import annotations

from typing import Any

from torch import nn

from engine.frameworks import DataInfo
from engine.networks.interface import NetworkBuilder, NetworkInfo
from engine.registry import check_pair
from engine.training.recipe import Recipe


def network_builder(recipe: Recipe) -> NetworkBuilder:
    """Return what builds networks of the recipe's kind and size for any shapes."""

    def make(shapes: NetworkInfo) -> nn.Module:
        built: nn.Module = recipe.network.spec.build(recipe.network.settings, shapes)
        return built

    return make


def build_codec(recipe: Recipe) -> Any | None:
    """Return the recipe's codec, or None when it names none."""
    return recipe.codec.spec.build(recipe.codec.settings) if recipe.codec else None


def build_network(recipe: Recipe, codec: Any | None, info: DataInfo) -> nn.Module:
    """Return a fresh network as the recipe's framework trains it, from torch's global generator.

    Raises RecipeError, naming both, when the framework cannot train the recipe's network.
    """
    framework = recipe.framework
    check_pair(recipe.network.spec, framework.spec)
    make = network_builder(recipe)
    if framework.spec.network is None:
        return make(info.network())
    network: nn.Module = framework.spec.network(framework.settings, make, codec, info)
    return network
