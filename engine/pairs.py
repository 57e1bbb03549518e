"""Which network trains by which framework, as a page: python -m engine.pairs > docs/matrix.md.

Everything on it is asked of the registry and of the parts themselves, and a test compares
docs/matrix.md with what this prints.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Sequence
from functools import cache

import click
import torch

from engine import console
from engine.errors import RecipeError
from engine.frameworks import DataInfo, Framework
from engine.registry import FRAMEWORKS, NETWORKS, Spec, check_pair, find
from engine.training.loop import build_framework
from engine.training.recipe import parse_recipe

__all__ = ["command", "main", "markdown"]

_COUNTED = DataInfo(44_100, 64, 86, tuple("abcdefghi"), tuple("abcdefg"))
"""What the parameters are counted for: latents of 64 dimensions, 86 frames, all conditions."""
_SHAPES = {
    "audio": DataInfo(44_100, 1, 4096, (), ()),
    "latents": DataInfo(44_100, 8, 8, (), ()),
    "codes": DataInfo(44_100, 2, 8, (), (), codebook_size=8),
    "mixtures": DataInfo(44_100, 3, 92_160, (), ()),
}
_TOP = """# Networks, frameworks and samplers

Made by `python -m engine.pairs > docs/matrix.md` from the registry; do not edit. A recipe names one
network and one framework; `tests/matrix` trains, samples, saves and loads every pair marked
*yes*, and checks that every other pair is refused with one error that names both."""


@click.command(name="pairs")
def command() -> None:
    """Print the page of networks, frameworks and samplers as Markdown."""
    click.echo(markdown(), nl=False)


def markdown() -> str:
    """The whole page."""
    networks = [find("network", name) for name in sorted(NETWORKS)]
    frameworks = [find("framework", name) for name in sorted(FRAMEWORKS)]
    parts = (
        _TOP,
        "## Pairs\n\n" + _pairs(networks, frameworks),
        "## Networks\n\nParameters are those of the default settings, for latents of 64 dimensions "
        "in 86 frames\nwith nine categories and seven descriptors.\n\n" + _networks(networks),
        "## Frameworks\n\n" + _frameworks(frameworks),
        "## Samplers\n\nWith the usual number of steps at the default settings, the default "
        "sampler first.\n\n" + _samplers(frameworks),
    )
    return "\n\n".join(parts) + "\n"


def _pairs(networks: Sequence[Spec], frameworks: Sequence[Spec]) -> str:
    reasons: list[str] = []
    rows = []
    for framework in frameworks:
        row = [framework.name]
        for network in networks:
            try:
                check_pair(network, framework)
                row.append("yes")
            except RecipeError as error:
                reasons.append(f"- {error}")
                row.append("no")
        rows.append(row)
    table = _table(["framework", *(network.name for network in networks)], rows)
    return f"{table}\n\nRefused:\n\n" + "\n".join(reasons)


def _networks(networks: Sequence[Spec]) -> str:
    rows = []
    for spec in networks:
        with torch.device("meta"):
            built = spec.build(spec.settings(), _COUNTED.network())
        count = sum(parameter.numel() for parameter in built.parameters())
        rows.append(
            [f"`{NETWORKS[spec.name].replace('.', '/')}.py`", _first_line(NETWORKS[spec.name]),
             ", ".join(sorted(spec.traits)), f"{count / 1e6:.1f} M", spec.paper]
        )  # fmt: skip
    return _table(["file", "what it is", "traits", "parameters", "paper"], rows)


def _frameworks(frameworks: Sequence[Spec]) -> str:
    rows = []
    for spec in frameworks:
        minimised = inspect.getdoc(type(_built(spec.name)).loss) or ""
        noise = "nothing"
        if spec.noise_range is not None:
            low, high = spec.noise_range(spec.settings())
            noise = f"{low:.4g} to {high:.4g}"
        rows.append(
            [f"`{FRAMEWORKS[spec.name].replace('.', '/')}.py`",
             _first_line(FRAMEWORKS[spec.name]), minimised.split("\n\n")[0].replace("\n", " "),
             ", ".join(spec.data), noise, spec.paper]
        )  # fmt: skip
    header = ["file", "what it is", "what is minimised", "data", "the network hears of noise"]
    return _table([*header, "paper"], rows)


def _samplers(frameworks: Sequence[Spec]) -> str:
    rows = []
    for spec in frameworks:
        try:
            sampling = _built(spec.name).sampling()
        except RecipeError:
            rows.append([spec.name, "none: it trains what makes no sounds by itself", ""])
            continue
        names = (f"{name} ({steps})" for name, steps in sampling.samplers.items())
        rows.append([spec.name, ", ".join(names), sampling.answers])
    return _table(["framework", "samplers", "the network answers"], rows)


@cache
def _built(framework: str) -> Framework:
    """The framework with default settings, around the smallest network that it takes."""
    spec = find("framework", framework)
    for network in ("rnn", *sorted(NETWORKS)):
        try:
            check_pair(find("network", network), spec)
            break
        except RecipeError:
            continue
    data = spec.data[0]
    codec = '[codec]\nname = "stft_vae"\n' if data == "audio" else ""
    recipe = parse_recipe(
        f'name = "page"\n[network]\nname = "{network}"\n{codec}'
        f'[framework]\nname = "{framework}"\n[data]\nname = "{data}"\n'
    )
    with torch.random.fork_rng(devices=[]):
        return build_framework(recipe, _SHAPES[data])


def _first_line(module: str) -> str:
    """The first line of a module's docstring, without its full stop."""
    text = importlib.import_module(module).__doc__ or ""
    return text.strip().splitlines()[0].rstrip(".")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    cells = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the page; returns the exit status."""
    return console.run(command, argv, "pairs")


if __name__ == "__main__":
    sys.exit(main())
