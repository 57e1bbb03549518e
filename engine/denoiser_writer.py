"""Write the folder of a denoiser voice from a trained run, and check its graph against torch."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.denoising.features import PLANES, TAPS
from engine.denoising.voice import FORMAT, GRAPH, Denoiser, DenoiserTables, load_denoiser
from engine.errors import DriftwaveError, RecipeError
from engine.frameworks import DataInfo
from engine.graphs import Graph, halved, write_graph, write_weights
from engine.networks.interface import STEPPING, no_conditions
from engine.training.building import build_network
from engine.training.checkpoint import load_checkpoint
from engine.training.loop import network_weights
from engine.training.recipe import Recipe, parse_recipe, settings_from
from engine.voice import DESCRIPTION, WEIGHTS
from engine.voice_writer import CARD, toml_lines

__all__ = ["DENOISING", "read_denoiser", "write_denoiser"]

DENOISING = "masking"
"""The framework whose runs become denoiser voices."""
_CHECKED_FRAMES = 12
_TOLERANCE = 2e-4  # of the answer's largest value


class _StepGraph(nn.Module):
    """One frame of the network, its state in and out."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        answer, after = self.network.step(x, x.new_zeros(1), no_conditions(x), state)
        return (answer, *after)


def read_denoiser(model: Path) -> tuple[Recipe, nn.Module]:
    """The recipe and the network, with its (averaged) weights, of a run's model file.

    Raises RecipeError when it was not trained to denoise, or cannot go frame by frame.
    """
    _, facts = load_checkpoint(model, prefix="none of the tensors")
    recipe = parse_recipe(str(facts.get("recipe", "")), f"recipe in {model}")
    if recipe.framework.spec.name != DENOISING:
        raise RecipeError(
            f"{model} was trained by {recipe.framework.spec.name!r}; a denoiser is trained by "
            f"{DENOISING!r}"
        )
    if STEPPING not in recipe.network.spec.traits:
        raise RecipeError(
            f"network {recipe.network.spec.name!r} of {model} cannot go frame by frame; a "
            "denoiser wants one that can, such as 'freq_unet' or 'rnn'"
        )
    info = settings_from(DataInfo, facts.get("data"), f"data of {model}")
    network = build_network(recipe, None, info)
    try:
        network.load_state_dict(network_weights(model))
    except RuntimeError as error:
        raise RecipeError(f"{model} does not hold the network of its own recipe") from error
    return recipe, network.eval()


def write_denoiser(
    folder: Path, model: Path, *, name: str, version: str, licence: str, description: str, card: str
) -> Denoiser:
    """Write the folder and load it again; the network's weights are rounded to what is stored.

    Raises RecipeError for a run that makes no denoiser, DriftwaveError when the graph answers
    otherwise than the network.
    """
    recipe, network = read_denoiser(model)
    stored = halved(network.state_dict())
    network.load_state_dict({key: tensor.float() for key, tensor in stored.items()})
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(folder, {f"network.{key}": tensor for key, tensor in stored.items()})
    settings = recipe.framework.settings
    channels = PLANES * (settings.size // 4)
    wrapped = _StepGraph(network)
    x = torch.zeros(1, channels, 1)
    with torch.no_grad():
        _, state = wrapped.network.step(x, x.new_zeros(1), no_conditions(x), None)
    state = tuple(torch.zeros_like(value) for value in state)
    names = tuple(f"state_{k}" for k in range(len(state)))
    after = tuple(f"after_{k}" for k in range(len(state)))
    write_graph(folder, Graph(GRAPH, wrapped, (x, *state), ("x", *names), "answer", {}, after))
    tables = DenoiserTables(
        FORMAT, "denoiser", name, version, licence, recipe.name, description,
        settings.size, settings.hop, PLANES, TAPS, tuple(tuple(s.shape) for s in state),
        {f: hashlib.sha256((folder / f).read_bytes()).hexdigest() for f in (WEIGHTS, GRAPH)},
    )  # fmt: skip
    (folder / CARD).write_text(card, encoding="utf-8")
    text = "\n".join(toml_lines(asdict(tables), "")).lstrip("\n") + "\n"
    (folder / DESCRIPTION).write_text(text, encoding="utf-8")
    denoiser = load_denoiser(folder)
    _check(denoiser, wrapped, state)
    return denoiser


def _check(denoiser: Denoiser, wrapped: _StepGraph, state: tuple[Tensor, ...]) -> None:
    """Compare graph and network over some frames, each with its own state."""
    assert denoiser.tables is not None
    answers = denoiser.answers()
    bands = denoiser.size // 4
    generator = np.random.Generator(np.random.Philox(key=[3, 1]))
    features = generator.standard_normal((1, _CHECKED_FRAMES, PLANES, bands)).astype(np.float32)
    expected = []
    with torch.no_grad():
        for frame in torch.from_numpy(features[0]):
            answer, *state_list = wrapped(frame.reshape(1, -1, 1), *state)
            state = tuple(state_list)
            expected.append(answer[0, :, 0].numpy())
    found = answers.step(features)[0]
    difference = float(np.abs(found - np.stack(expected)).max() / np.abs(np.stack(expected)).max())
    if not difference <= _TOLERANCE:
        raise DriftwaveError(
            f"the graph of {denoiser.name!r} differs from its network by {difference:.2g} of its "
            f"answer, more than {_TOLERANCE}: do not use it"
        )
