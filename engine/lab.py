"""Train every model of the laboratory, each in its share of a budget: python -m engine.lab.

    lab --data DIR | --synthesise 1 [--only NAME,NAME] [--budget 4m] [--out build/lab]

Runs go on where they stopped, finished ones are passed over. At the end the laboratory's report
is written, if it is installed.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine import console
from engine.errors import DriftwaveError, UsageError
from engine.train import device_named, parse_budget

if TYPE_CHECKING:
    from engine.laboratory.comparison import Plan
    from engine.laboratory.training import Bench, Outcome
    from engine.training.recipe import Recipe

_NOTE_SECONDS = 10.0  # between lines about a run


@click.command("lab")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of sounds, or a shard.")
@click.option("--only", multiple=True, help="Recipes to train, with what they need: a,b.")
@click.option("--synthesise", default=0.0, show_default=True, help="Add 1,040 x this many drums.")
@click.option("--budget", default="4m", show_default=True, help="Time of a recipe of share 1.")
@click.option("--versions", default=2, show_default=True, help="Variants of a sound in latents.")
@click.option(
    "--out", default=Path("build/lab"), show_default=True, type=click.Path(path_type=Path),
    help="Folder of the runs.",
)  # fmt: skip
@click.option(
    "--recipes", default=None, type=click.Path(path_type=Path), help="Folder of other recipes."
)
@click.option("--resume", is_flag=True, help="Implied: runs always go on where they stopped.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option("--threads", type=int, help="CPU threads of torch.")
@click.option("--list", "list_only", is_flag=True, help="List the recipes and how they stand.")
@click.option("--sounds", "count", type=int, default=0, help="Sounds a row; 0 = all held out.")
@click.option(
    "--patience", default=20.0, show_default=True, help="Seconds that a point of a curve may take."
)
@click.option("--report/--no-report", default=True, help="Evaluate the models at the end.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line on stdout.")
def command(
    data: Path | None,
    only: tuple[str, ...],
    synthesise: float,
    budget: str,
    versions: int,
    out: Path,
    recipes: Path | None,
    resume: bool,
    device: str,
    threads: int | None,
    list_only: bool,
    count: int,
    patience: float,
    report: bool,
    as_json: bool,
) -> None:
    """Train the laboratory's recipes in --out, each after what it needs."""
    import torch

    from engine.laboratory.comparison import Plan
    from engine.laboratory.plan import RECIPES, lab_recipes, ordered
    from engine.laboratory.training import Bench

    names = [name for part in only for name in part.replace(",", " ").split()]
    chosen = ordered(lab_recipes(recipes or RECIPES), names)
    if list_only:
        _list(chosen, out)
        return
    if data is None and synthesise <= 0:
        raise UsageError("no sounds; add --data with a folder of sounds, or --synthesise 1")
    seconds = parse_budget(budget)
    if threads:
        torch.set_num_threads(threads)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    sounds = _sounds(data, synthesise, out)
    bench = Bench(sounds, out, seconds, device_named(device), versions)
    outcomes, failures = _train_all(chosen, bench, stop, as_json)
    if as_json:
        rows = [vars(outcome) for outcome in outcomes]
        click.echo(json.dumps({"runs": rows, "failed": {k: str(v) for k, v in failures.items()}}))
    if report and not stop.is_set():
        _report(chosen, out, sounds, Plan(sounds=count, seconds_a_point=patience), bench.device)
    if failures:
        raise next(iter(failures.values()))


def _train_all(
    recipes: Sequence[Recipe], bench: Bench, stop: threading.Event, as_json: bool
) -> tuple[list[Outcome], dict[str, DriftwaveError]]:
    """Train one after the other; one that fails takes only those with it that need it."""
    from engine.laboratory.model import open_model
    from engine.laboratory.plan import needs
    from engine.laboratory.showing import show
    from engine.laboratory.training import train_one

    outcomes: list[Outcome] = []
    failures: dict[str, DriftwaveError] = {}
    for number, recipe in enumerate(recipes, 1):
        if stop.is_set():
            console.note("stopped; the same command goes on from here")
            break
        lacking = [name for name in needs(recipe) if name in failures]
        if lacking:
            failures[recipe.name] = failures[lacking[0]]
            console.note(f"{recipe.name}: left out, it needs {', '.join(lacking)}")
            continue
        console.note(f"[{number}/{len(recipes)}] {recipe.name}: {_first_comment(recipe.text)}")
        try:
            outcome = train_one(recipe, bench, _sayer(recipe.name, as_json), stop.is_set)
        except DriftwaveError as error:
            failures[recipe.name] = error
            console.note(f"{recipe.name}: {error}")
            continue
        outcomes.append(outcome)
        if outcome.state == "finished":
            show(open_model(bench.out / recipe.name), bench.sounds, bench.out / recipe.name)
        console.note(
            f"{recipe.name}: {outcome.state}, {outcome.steps} steps in {outcome.seconds:.0f} s"
        )
    return outcomes, failures


def _sayer(name: str, as_json: bool) -> Any:
    """What a run's rows are told to: JSON in full, the person one line now and then."""
    last = 0.0

    def say(row: dict[str, Any]) -> None:
        nonlocal last
        if as_json:
            click.echo(json.dumps({"recipe": name, **row}))
        if "step" in row and time.monotonic() - last < _NOTE_SECONDS:
            return
        last = time.monotonic()
        words = (f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items())
        console.note("    " + "  ".join(words))

    return say


def _sounds(data: Path | None, synthesise: float, out: Path) -> Path:
    """The audio shard: as given, or made of a folder and synthesised drums."""
    from engine.training.recipe import read_recipe
    from engine.training.shards import Ingredients, prepared

    recipe = read_recipe(Path(__file__).parent / "recipes" / "codec.toml")
    say = _sayer("data", False)
    return prepared(recipe, Ingredients(data, (), synthesise, None, 1), out / "data", say)


def _list(recipes: Sequence[Recipe], out: Path) -> None:
    from engine.laboratory.training import facts_of

    for recipe in recipes:
        facts = facts_of(out / recipe.name)
        stands = f"{facts['step']} steps, {facts['seconds']:.0f} s" if facts else "not trained"
        click.echo(f"{recipe.name:24} {stands:24} {_first_comment(recipe.text)}")


def _first_comment(text: str) -> str:
    """The recipe's first line, which says what it is."""
    return text.split("\n", 1)[0].removeprefix("#").strip()


def _report(recipes: Sequence[Recipe], out: Path, sounds: Path, plan: Plan, device: str) -> None:
    """Evaluate every recipe that has a model by now, and those that make whole sounds once more."""
    from engine.laboratory.report import write_report
    from engine.laboratory.training import curve, whole_sounds
    from engine.laboratory.verdicts import as_markdown, verdicts
    from engine.training.loop import MODEL

    runs = [out / recipe.name for recipe in recipes if (out / recipe.name / MODEL).exists()]
    curves = {run.name: curve(run) for run in runs}
    whole = [run for run in runs if whole_sounds(run)]
    parts = [("report", runs)]
    if whole and len(whole) < len(runs):
        # waveforms are short and of a low rate, and all are compared as the shortest is
        parts.append(("report-whole", whole))
    for folder, chosen in parts:
        found = write_report(
            chosen, sounds, out / folder, say=console.note, plan=plan, device=device
        )
        table = as_markdown(verdicts(found, curves))
        (out / folder / "verdicts.md").write_text(table, encoding="utf-8")
        console.note(f"the report is in {out / folder}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run `lab`; returns the exit status."""
    return console.run(command, argv, "lab")


if __name__ == "__main__":
    sys.exit(main())
