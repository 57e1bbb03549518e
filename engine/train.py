"""Train by a recipe, or adapt a voice to a folder of sounds. ``python -m engine.train --help``.

    train --from VOICE --data DIR [--budget 10m] [--name NAME]
    train RECIPE --data DIR --out DIR [--from MODEL] [--codec MODEL] [--budget 10m] [--resume]

Without a RECIPE the voice --from is adapted to the sounds in --data; the new voice appears in every
door, and the same command goes on after it was stopped or killed (engine.adaptation).

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
DEFAULT_BUDGET = "10m"
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
@click.argument("recipe", required=False)
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Sounds or a shard.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run.")
@click.option("--from", "start_from", help="Voice to adapt, or a RECIPE's model to start from.")
@click.option("--name", help="Name of an adapted voice; by default that of --data.")
@click.option("--again", is_flag=True, help="Begin an adaptation anew.")
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
    recipe: str | None,
    data: Path,
    out: Path | None,
    start_from: str | None,
    name: str | None,
    again: bool,
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
    """Adapt the voice --from to the sounds in --data, or train RECIPE on them.

    Adapting needs no labels; words in folder and file names become words of the new voice. Its
    run, with previews from the first minute on and a report, lies in --out, by default in the
    user's data folder. A recipe's model, checkpoint, curve and previews go to --out.
    """
    import torch

    from engine.training.loop import CHECKPOINT, Run, Trainer
    from engine.training.recipe import read_recipe
    from engine.training.shards import Ingredients, prepared

    if recipe is None:
        given: dict[str, object] = {"--codec": codec, "--soundfont": soundfont}
        given |= {"--synthesise": synthesise, "--prepare-only": prepare_only}
        _refuse_for_adapting(given)
        if device not in ("auto", "cpu"):
            raise UsageError(f"device {device!r}: voices are adapted on the CPU; leave --device")
        adapt_voice(data, out, start_from, name, again, budget, steps, threads, as_json)
        return
    if name or again:
        raise UsageError("--name and --again are for adapting a voice, without a RECIPE")
    if out is None:
        raise UsageError("training by a recipe needs --out, the folder of the run")
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
    start = None if start_from is None else Path(start_from)
    trainer = Trainer(parts, source, Run(out, device, seconds, resume, start, codec))
    trainer.train(say, stop.is_set)
    say({"done": str(out), "step": trainer.step})


def adapt_voice(
    data: Path,
    out: Path | None,
    start_from: str | None,
    name: str | None,
    again: bool,
    budget: str,
    steps: int | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Adapt the voice called ``start_from``; progress to stderr, with ``as_json`` to stdout too."""
    from engine.adaptation.finish import voice_name
    from engine.adaptation.progress import Progress
    from engine.adaptation.run import Plan, adapt, use_threads
    from engine.config import data_dir
    from engine.voice import find_voice

    if start_from is None:
        raise UsageError(
            "nothing to train; give a RECIPE, or the voice to adapt, such as --from drums"
        )
    base = find_voice(start_from)
    called = voice_name(data) if name is None else name
    folder = data_dir() / "adaptations" / called if out is None else out
    seconds = parse_budget(budget or DEFAULT_BUDGET)
    use_threads(threads)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    progress = Progress(as_json)
    plan = Plan(base, data, called, folder, seconds, again, steps or 0)
    voice, report = adapt(plan, progress, stop.is_set)
    progress.over(voice, report, folder)


def _refuse_for_adapting(given: dict[str, object]) -> None:
    for option, value in given.items():
        if value:
            raise UsageError(f"{option} is for training by a recipe; name the RECIPE, or leave it")


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
