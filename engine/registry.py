"""The names a recipe may use, and where each part lives: one table per kind, loaded on demand.

A part's module holds ``SPEC``, a :class:`Spec`: the frozen dataclass of its settings and the
function that builds it. A module is imported when its name is asked for, so importing the
registry costs nothing and a part that is never named is never loaded.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import RecipeError

NETWORKS: Mapping[str, str] = {
    "convnext": "engine.networks.convnext",
    "freq_unet": "engine.networks.freq_unet",
    "mlp": "engine.networks.mlp",
    "resnet1d": "engine.networks.resnet1d",
    "rnn": "engine.networks.rnn",
    "transformer": "engine.networks.transformer",
    "unet1d": "engine.networks.unet1d",
    "wavegrad_unet": "engine.networks.wavegrad_unet",
    "wavenet": "engine.networks.wavenet",
}
CODECS: Mapping[str, str] = {
    "stft_vae": "engine.codecs.stft_vae",
}
FRAMEWORKS: Mapping[str, str] = {
    "vae": "engine.frameworks.vae",
    "adversarial": "engine.frameworks.adversarial",
    "vqvae": "engine.frameworks.vqvae",
    "vqgan": "engine.frameworks.vqgan",
    "gan": "engine.frameworks.gan",
    "autoregressive": "engine.frameworks.autoregressive",
    "flow": "engine.frameworks.flow",
    "consistency": "engine.frameworks.consistency",
    "consistency_training": "engine.frameworks.consistency_training",
    "adaptation": "engine.frameworks.adaptation",
    "dae": "engine.frameworks.dae",
    "ddpm": "engine.frameworks.ddpm",
    "edm": "engine.frameworks.edm",
    "wavegrad": "engine.frameworks.wavegrad",
    "masking": "engine.frameworks.masking",
}
DATA: Mapping[str, str] = {
    "audio": "engine.training.audio_shard",
    "latents": "engine.training.latent_shard",
    "codes": "engine.training.code_shard",
    "mixtures": "engine.training.mixture_shard",
}
_KINDS: Mapping[str, Mapping[str, str]] = {
    "network": NETWORKS,
    "codec": CODECS,
    "framework": FRAMEWORKS,
    "data": DATA,
}


@dataclass(frozen=True)
class Spec:
    """How to make one part: its settings' dataclass and a function that builds it.

    What ``build`` takes after the settings depends on the kind:
    network ``build(settings, info: NetworkInfo) -> nn.Module``;
    codec ``build(settings) -> Codec``;
    framework ``build(settings, parts: Parts) -> Framework``;
    data ``build(settings, folder_or_file: Path) -> Source``.

    traits: of a network what it can do, of a framework what it needs of its network (see
    engine.networks.interface); other kinds have none. either: traits of which a framework's
    network needs one. network: of a framework, what it trains when that is not the recipe's
    network from x to x: ``network(settings, make: NetworkBuilder, codec, info: DataInfo)``.
    data: of a framework, the kinds of data it learns from. noise_range: of a framework whose
    network hears of noise, the range of noise_cond for its settings. noise_span: of a network,
    how wide that range is best made by its setting noise_scale. paper: where it comes from.
    """

    name: str
    settings: type[Any]
    build: Callable[..., Any]
    traits: frozenset[str] = frozenset()
    either: frozenset[str] = frozenset()
    network: Callable[..., Any] | None = None
    data: tuple[str, ...] = ("audio", "latents")
    noise_range: Callable[[Any], tuple[float, float]] | None = None
    noise_span: float = 1000.0
    paper: str = ""


def find(kind: str, name: str) -> Spec:
    """Return the spec of the ``kind`` (network, codec, framework, data) called ``name``.

    Raises RecipeError naming the nearest known name when there is none.
    """
    table = _KINDS[kind]
    if name not in table:
        raise RecipeError(
            f"no {kind} is called {name!r}; expected one of: {', '.join(sorted(table))}"
            + did_you_mean(name, table)
        )
    spec = importlib.import_module(table[name]).SPEC
    assert isinstance(spec, Spec)
    return spec


def check_pair(network: Spec, framework: Spec) -> None:
    """Raise RecipeError, naming both, when the network lacks a trait that the framework needs."""
    lacking = sorted(framework.traits - network.traits)
    if framework.either and not framework.either & network.traits:
        lacking.append(" or ".join(sorted(framework.either)))
    if lacking:
        raise RecipeError(
            f"network {network.name!r} cannot be trained by framework {framework.name!r}, which "
            f"needs a network that is {' and '.join(lacking)}; expected one of: "
            + ", ".join(networks_with(framework.traits, framework.either))
        )


def check_data(framework: Spec, data: Spec) -> None:
    """Raise RecipeError, naming both, when the framework cannot learn from this kind of data."""
    if data.name not in framework.data:
        raise RecipeError(
            f"framework {framework.name!r} cannot be trained on data {data.name!r}; expected one "
            f"of: {', '.join(framework.data)}"
        )


def noise_scale(network: Spec, framework: Spec, settings: Any) -> float | None:
    """The network's noise_scale under a framework with these settings, to three digits.

    None when the network has no such setting, or hears nothing of noise from this framework.
    """
    fields = {field.name for field in dataclasses.fields(network.settings)}
    if framework.noise_range is None or "noise_scale" not in fields:
        return None
    low, high = framework.noise_range(settings)
    return float(f"{network.noise_span / (high - low):.3g}") if high > low else None


def networks_with(traits: frozenset[str], either: frozenset[str] = frozenset()) -> list[str]:
    """Names of the networks with all ``traits``, and one of ``either``; loads every network."""
    specs = [find("network", name) for name in sorted(NETWORKS)]
    return [
        spec.name
        for spec in specs
        if traits <= spec.traits and (not either or either & spec.traits)
    ]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the known name nearest to ``name``, or ``""``."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
