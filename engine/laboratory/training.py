"""Train one recipe of the laboratory: prepare what it needs, go on where it stopped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.laboratory.codecs import codec_file
from engine.training.checkpoint import load_checkpoint, replace_file
from engine.training.loop import CHECKPOINT, CURVE, MODEL, Run, Trainer
from engine.training.oneshots import SAMPLE_RATE
from engine.training.recipe import Recipe
from engine.training.shards import Ingredients, prepared

__all__ = ["Bench", "Outcome", "curve", "facts_of", "train_one", "whole_sounds"]

Say = Callable[[dict[str, Any]], None]
MADE_OF = "made-of.json"
_SECONDS_LEFT = 1.0  # a run with less than this of its budget left is finished


@dataclass(frozen=True)
class Bench:
    """Where and with what all recipes are trained.

    sounds: audio shard. out: folder of the runs, one each, and of ``data``, which they share.
    seconds: budget of a recipe whose share is 1. versions: of each sound in latents and codes.
    """

    sounds: Path
    out: Path
    seconds: float
    device: str = "cpu"
    versions: int = 2

    @property
    def data(self) -> Path:
        """Folder of the shards that recipes share."""
        return self.out / "data"


@dataclass(frozen=True)
class Outcome:
    """How a run stands. state: finished | stopped | trained before."""

    name: str
    state: str
    steps: int
    seconds: float


def train_one(recipe: Recipe, bench: Bench, say: Say, stop: Callable[[], bool]) -> Outcome:
    """Train until the recipe's steps or its share of the budget are used up, or ``stop``.

    What an earlier session trained counts; a run whose sounds, codec or first network have changed
    since begins anew. Raises DataError, RecipeError and StorageError.
    """
    out = bench.out / recipe.name
    budget = bench.seconds * recipe.lab.share
    codec = codec_file(recipe, bench.out, bench.data)
    first = bench.out / recipe.lab.start_from / MODEL if recipe.lab.start_from else None
    facts = facts_of(out)
    parts = {"the data": bench.sounds, recipe.lab.codec: codec, recipe.lab.start_from: first}
    made_of = {name: _sha256(path) for name, path in parts.items() if path is not None}
    known = _made_of(out, facts, recipe)
    changed = next((name for name in known if made_of.get(name) != known[name]), "")
    if changed:
        say({"anew": recipe.name, "since_changed": changed})
        (out / CHECKPOINT).unlink(missing_ok=True)
        (out / CURVE).unlink(missing_ok=True)
        facts = {}
    used = float(facts.get("seconds", 0.0))
    if facts and (facts["step"] >= recipe.loop.steps or budget - used < _SECONDS_LEFT):
        return Outcome(recipe.name, "trained before", int(facts["step"]), used)
    folder = bench.data if codec is None else bench.data / recipe.lab.codec.replace(":", "-")
    ingredients = Ingredients(bench.sounds, (), 0.0, codec, bench.versions)
    shard = prepared(recipe, ingredients, folder, say)
    source = recipe.data.spec.build(recipe.data.settings, shard)
    replace_file(out / MADE_OF, lambda file: file.write(json.dumps(made_of, indent=1).encode()))
    run = Run(out, bench.device, budget - used, bool(facts), first, codec)
    trainer = Trainer(recipe, source, run)
    trainer.train(say, stop)
    return Outcome(recipe.name, "stopped" if stop() else "finished", trainer.step, trainer.seconds)


def facts_of(folder: Path) -> dict[str, Any]:
    """What a run's checkpoint says of itself (step, seconds, codec, ...); {} without one."""
    path = folder / CHECKPOINT
    return load_checkpoint(path, prefix="nothing of the tensors")[1] if path.exists() else {}


def curve(folder: Path) -> list[dict[str, float]]:
    """The rows of a run's learning curve; [] without one."""
    path = folder / CURVE
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def whole_sounds(folder: Path) -> bool:
    """Whether a run makes sounds at the full rate, about a second if they come from nothing."""
    from engine.laboratory.model import open_model

    model = open_model(folder)
    long = model.kind != "generates" or model.length > 0.9 * model.sample_rate
    return model.sample_rate == SAMPLE_RATE and long


def _made_of(out: Path, facts: dict[str, Any], recipe: Recipe) -> dict[str, str]:
    """Name -> sha256 of what a run was trained with, as far as is known; {} without a run."""
    if not facts:
        return {}
    if (out / MADE_OF).exists():
        return dict(json.loads((out / MADE_OF).read_text(encoding="utf-8")))
    return {recipe.lab.codec: facts["codec"]["sha256"]} if "codec" in facts else {}


def _sha256(path: Path) -> str:
    if not path.exists():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
