"""Train by a recipe: prepare the data once, train, resume. ``python -m engine.train --help``.

    train RECIPE --data DIR --out DIR [--from MODEL] [--codec MODEL] [--budget 10m] [--resume]

RECIPE is a TOML file or the name of one in engine/recipes or its folder lab. DIR is a folder of
sounds, or a shard that an earlier run prepared. Recipes over latents or codes encode the sounds
first, by --codec.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from engine import console
from engine.errors import RecipeError, UsageError
from engine.registry import did_you_mean

_RECIPES = Path(__file__).parent / "recipes"
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def parse_budget(text: str) -> float:
    """Return the seconds of a budget such as 90s, 10m or 1.5h; UsageError for anything else."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text.strip())
    if match is None or float(match[1]) <= 0:
        raise UsageError(f"budget {text!r}; expected a time such as 90s, 10m or 1.5h")
    return float(match[1]) * _UNITS[match[2]]


def find_recipe(name: str) -> Path:
    """Return the recipe file ``name`` is, or the shipped recipe of that name."""
    path = Path(name)
    if path.suffix == ".toml" or path.exists():
        return path
    shipped = {p.stem: p for p in sorted(_RECIPES.rglob("*.toml"))}
    if name not in shipped:
        raise RecipeError(
            f"no recipe {name!r}; expected a .toml file or: {', '.join(sorted(shipped))}"
            + did_you_mean(name, shipped)
        )
    return shipped[name]


@click.command(name="train")
@click.argument("recipe")
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Sounds or a shard.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the run.")
@click.option("--from", "start_from", type=click.Path(path_type=Path), help="Model to start from.")
@click.option("--codec", type=click.Path(path_type=Path), help="Codec that makes latents or codes.")
@click.option("--soundfont", multiple=True, type=click.Path(path_type=Path), help="Add its kits.")
@click.option("--synthesise", default=0.0, show_default=True, help="Add 1,040 x this many drums.")
@click.option("--versions", default=4, show_default=True, help="Variants of a sound in latents.")
@click.option("--budget", default="", help="Stop after this long, such as 90s, 10m or 2h.")
@click.option("--steps", type=int, help="Stop at this step instead of the recipe's.")
@click.option("--resume", is_flag=True, help="Continue the run in --out.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--threads", type=int, help="CPU threads of torch.")
@click.option("--prepare-only", is_flag=True, help="Make the shard and stop.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line on stdout.")
def command(
    recipe: str,
    data: Path,
    out: Path,
    start_from: Path | None,
    codec: Path | None,
    soundfont: tuple[Path, ...],
    synthesise: float,
    versions: int,
    budget: str,
    steps: int | None,
    resume: bool,
    device: str,
    threads: int | None,
    prepare_only: bool,
    as_json: bool,
) -> None:
    """Train RECIPE on the sounds in --data; model, checkpoint, curve and previews go to --out."""
    import torch

    from engine.training.loop import CHECKPOINT, Run, Trainer
    from engine.training.recipe import read_recipe
    from engine.training.shards import Ingredients, prepared

    seconds = parse_budget(budget) if budget else math.inf
    parts = read_recipe(find_recipe(recipe))
    if steps is not None:
        parts = dataclasses.replace(parts, loop=dataclasses.replace(parts.loop, steps=steps))
    if threads:
        torch.set_num_threads(threads)
    device = device_named(device)
    if (out / CHECKPOINT).exists() and not (resume or prepare_only):
        raise UsageError(f"{out} already holds a run; add --resume or choose another folder")

    def say(row: dict[str, Any]) -> None:
        if as_json:
            click.echo(json.dumps(row))
        words = (f"{k} {v:g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items())
        console.note("  ".join(words))

    ingredients = Ingredients(data, soundfont, synthesise, codec, versions)
    shard = prepared(parts, ingredients, out, say)
    if prepare_only:
        return
    source = parts.data.spec.build(parts.data.settings, shard)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    trainer = Trainer(parts, source, Run(out, device, seconds, resume, start_from, codec))
    trainer.train(say, stop.is_set)
    say({"done": str(out), "step": trainer.step})


def main(argv: Sequence[str] | None = None) -> int:
    """Run `train`; returns the exit status."""
    return console.run(command, argv, "train")


def device_named(name: str) -> str:
    """The torch device of a --device option; UsageError when there is none such."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise UsageError(f"device {name!r}: torch finds no CUDA device; use --device cpu")
    if not re.fullmatch(r"cpu|cuda(:\d+)?", name):
        raise UsageError(f"device {name!r}; expected auto, cpu or cuda")
    return name


if __name__ == "__main__":
    sys.exit(main())
