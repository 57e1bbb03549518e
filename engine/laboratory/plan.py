"""Which recipes the laboratory has, and in which order: what others need comes first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from engine.errors import RecipeError
from engine.registry import did_you_mean
from engine.training.recipe import Recipe, read_recipe

__all__ = ["RECIPES", "VOICE", "lab_recipes", "needs", "ordered"]

RECIPES = Path(__file__).parents[1] / "recipes" / "lab"
VOICE = "voice:"
"""How a recipe's [lab] codec names the codec of an installed voice."""


def lab_recipes(folder: Path = RECIPES) -> dict[str, Recipe]:
    """Every recipe of the laboratory by name.

    Raises RecipeError when the folder has none, or a file is called otherwise than its recipe.
    """
    recipes = {path.stem: read_recipe(path) for path in sorted(folder.glob("*.toml"))}
    if not recipes:
        raise RecipeError(f"no recipes in {folder}; expected .toml files")
    for stem, recipe in recipes.items():
        if recipe.name != stem:
            raise RecipeError(f"{folder / stem}.toml names its recipe {recipe.name!r}; rename one")
    return recipes


def needs(recipe: Recipe) -> tuple[str, ...]:
    """Names of the recipes whose models this one begins with or works on."""
    lab = recipe.lab
    named = () if lab.codec.startswith(VOICE) else (lab.codec,)
    return tuple(name for name in (*named, lab.start_from) if name)


def ordered(recipes: Mapping[str, Recipe], only: Iterable[str] = ()) -> list[Recipe]:
    """The recipes, or those in ``only`` and what they need, each after what it needs.

    Raises RecipeError for an unknown name or needs that go in a circle.
    """
    done: list[Recipe] = []
    begun: set[str] = set()

    def add(name: str) -> None:
        if any(recipe.name == name for recipe in done):
            return
        if name not in recipes:
            raise RecipeError(
                f"no laboratory recipe is called {name!r}; expected one of: {', '.join(recipes)}"
                + did_you_mean(name, recipes)
            )
        if name in begun:
            raise RecipeError(f"recipe {name!r} needs itself; change its [lab] table")
        begun.add(name)
        for needed in needs(recipes[name]):
            add(needed)
        done.append(recipes[name])

    for name in only or recipes:
        add(name)
    return done
