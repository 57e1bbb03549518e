"""Read a recipe: the TOML file that names network x framework x codec x data and their settings.

Every table becomes a frozen dataclass; an unknown key is an error that suggests the nearest one.

    name = "oneshots-flow"
    [network]    name = "transformer"  and the network's own settings
    [codec]      name = "stft_vae"     and the codec's own settings
    [framework]  name = "flow"         and the framework's own settings
    [data]       name = "latents"      and the data source's own settings
    [optimizer]  [loop]                Optimizer and Loop below
    [lab]        what it needs and its share of the time, for engine.lab
"""

from __future__ import annotations

import dataclasses
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from engine.errors import RecipeError
from engine.registry import Spec, did_you_mean, find, noise_scale

T = TypeVar("T")
_PARTS = ("network", "codec", "framework", "data")


@dataclass(frozen=True)
class Optimizer:
    """AdamW with linear warm-up, then constant or cosine learning rate."""

    rate: float = 3e-4
    final_rate: float = 3e-5  # reached at loop.steps when schedule = "cosine"
    schedule: str = "constant"  # constant | cosine
    warmup_steps: int = 200
    beta1: float = 0.9
    beta2: float = 0.99
    weight_decay: float = 0.01
    clip_norm: float = 1.0  # 0 = no clipping


@dataclass(frozen=True)
class Loop:
    """How long and how often; every interval is in steps."""

    steps: int = 20_000
    batch: int = 12
    seed: int = 1
    ema_decay: float = 0.999
    precision: str = "auto"  # auto | float32 | bfloat16
    log_every: int = 20
    save_every: int = 500
    preview_every: int = 500


@dataclass(frozen=True)
class Lab:
    """How the laboratory (engine.lab) trains the recipe; a run by hand ignores it."""

    codec: str = ""  # what makes its latents or codes: another recipe, or "voice:NAME"
    start_from: str = ""  # the recipe whose network it begins with
    share: float = 1.0  # of the budget that each recipe has
    guidance: float = 1.0  # that its sounds are asked for with, 1 = as trained


@dataclass(frozen=True)
class Part:
    """One named part of a recipe: its registry entry and its settings dataclass."""

    spec: Spec
    settings: Any


@dataclass(frozen=True)
class Recipe:
    """A whole recipe, resolved. Parts a framework does not use may be absent (None)."""

    name: str
    network: Part
    framework: Part
    data: Part
    codec: Part | None = None
    optimizer: Optimizer = field(default_factory=Optimizer)
    loop: Loop = field(default_factory=Loop)
    lab: Lab = field(default_factory=Lab)
    text: str = ""  # the TOML itself, kept in checkpoints and voices


def read_recipe(path: Path) -> Recipe:
    """Read and resolve the recipe file at ``path``; RecipeError says what is wrong and where."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RecipeError(f"cannot read recipe {path}: {error.strerror}") from error
    return parse_recipe(text, str(path))


def parse_recipe(text: str, where: str = "recipe") -> Recipe:
    """Resolve recipe TOML ``text``; ``where`` names it in errors."""
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise RecipeError(f"{where} is not valid TOML: {error}") from error
    known = {f.name for f in dataclasses.fields(Recipe)} - {"text"}
    _refuse_unknown(table, known, where)
    missing = [key for key in ("name", "network", "framework", "data") if key not in table]
    if missing:
        raise RecipeError(f"{where} lacks {', '.join(missing)}; every recipe names them")
    parts = {kind: _part(kind, table[kind], where) for kind in _PARTS if kind in table}
    if "noise_scale" not in table["network"]:
        parts["network"] = _scaled(parts["network"], parts["framework"])
    _check_counts(table.get("loop", {}), f"{where} [loop]")
    return Recipe(
        name=_value(str, table["name"], f"{where}: name"),
        network=parts["network"],
        framework=parts["framework"],
        data=parts["data"],
        codec=parts.get("codec"),
        optimizer=settings_from(Optimizer, table.get("optimizer", {}), f"{where} [optimizer]"),
        loop=settings_from(Loop, table.get("loop", {}), f"{where} [loop]"),
        lab=settings_from(Lab, table.get("lab", {}), f"{where} [lab]"),
        text=text,
    )


def settings_from(kind: type[T], table: Any, where: str) -> T:
    """Build the frozen dataclass ``kind`` from a TOML table, checking every key and type."""
    if not isinstance(table, Mapping):
        raise RecipeError(f"{where} is {table!r}; expected a table of settings")
    hints = typing.get_type_hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    _refuse_unknown(table, fields, where)
    for name, f in fields.items():
        no_default = f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        if no_default and name not in table:
            raise RecipeError(f"{where} lacks {name}")
    return kind(**{key: _value(hints[key], table[key], f"{where}: {key}") for key in table})


def _part(kind: str, table: Any, where: str) -> Part:
    if not isinstance(table, Mapping) or not isinstance(table.get("name"), str):
        raise RecipeError(f'{where} [{kind}] needs name = "..."')
    spec = find(kind, table["name"])
    rest = {key: value for key, value in table.items() if key != "name"}
    return Part(spec, settings_from(spec.settings, rest, f"{where} [{kind}]"))


def _check_counts(loop: Any, where: str) -> None:
    """Refuse a loop of batches or intervals below 1; types are checked elsewhere."""
    for key in ("batch", "log_every", "save_every"):
        value = loop.get(key, 1) if isinstance(loop, Mapping) else 1
        if isinstance(value, int) and value < 1:
            raise RecipeError(f"{where}: {key} is {value}; expected 1 or more")


def _scaled(network: Part, framework: Part) -> Part:
    """The network as it best hears of this framework's noise, unless the recipe says how."""
    scale = noise_scale(network.spec, framework.spec, framework.settings)
    if scale is None:
        return network
    return Part(network.spec, dataclasses.replace(network.settings, noise_scale=scale))


def _refuse_unknown(table: Mapping[str, Any], known: typing.Collection[str], where: str) -> None:
    for key in table:
        if key not in known:
            raise RecipeError(
                f"{where}: unknown key {key!r}; expected one of: {', '.join(sorted(known))}"
                + did_you_mean(key, known)
            )


def _value(hint: Any, value: Any, where: str) -> Any:
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        options = [h for h in typing.get_args(hint) if h is not type(None)]
        return _value(options[0], value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise RecipeError(f"{where} is {value!r}; expected a list")
        return tuple(_value(typing.get_args(hint)[0], v, where) for v in value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(hint, type) or (isinstance(value, bool) and hint is not bool):
        raise RecipeError(f"{where} is {value!r}; expected {getattr(hint, '__name__', hint)}")
    if dataclasses.is_dataclass(hint):
        return settings_from(hint, value, where)
    if not isinstance(value, hint):
        raise RecipeError(f"{where} is {value!r}; expected {hint.__name__}")
    return value
