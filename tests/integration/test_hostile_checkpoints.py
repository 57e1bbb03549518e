"""Checkpoints, models and recipes that lie, are broken or want to run code: refused by name."""

from __future__ import annotations

import io
import json
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from engine import train  # noqa: E402
from engine.errors import RecipeError  # noqa: E402
from engine.training.checkpoint import load_checkpoint, save_checkpoint  # noqa: E402
from engine.training.codec_model import load_codec  # noqa: E402
from tests.support.small_run import (  # noqa: E402
    CHECKPOINT,
    MODEL,
    RECIPE,
    Hostile,
    arguments,
    changed,
)

pytestmark = pytest.mark.usefixtures("one_thread")


def header(entries: dict[str, Any], length: int | None = None) -> bytes:
    """A safetensors file of a header alone, which may lie about its length."""
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text


def entry(shape: list[int], end: int) -> dict[str, Any]:
    return {"dtype": "F32", "shape": shape, "data_offsets": [0, end]}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 7,
        header({}, 2**62),
        header({"a": entry([2**40], 2**42)}),
        header({"a": entry([2**40], 4)}) + bytes(4),
        header({"a": entry([2**62, 2**62], 4)}) + bytes(4),
        header({"a": entry([1], 4)}),
        header({"a": {"dtype": "P8", "shape": [1], "data_offsets": [0, 4]}}) + bytes(4),
        header({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [4, 0]}}) + bytes(4),
        struct.pack("<Q", 40_000) + b"[" * 40_000,
        header({"a": entry([1], 4)}) + bytes(4),
    ],
    ids=range(11),
)
def test_a_lying_checkpoint_is_refused(
    data: bytes, made: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (made / "out").mkdir()
    (made / "out" / CHECKPOINT).write_bytes(data)
    assert train.main(arguments(made, "--resume")) == 2
    assert "checkpoint" in capfd.readouterr().err
    assert train.main(arguments(made, "--from", str(made / "out" / CHECKPOINT), out="new")) == 2
    assert "checkpoint" in capfd.readouterr().err


def test_a_pickle_in_place_of_a_checkpoint_runs_nothing(made: Path) -> None:
    proof, path = made / "proof", made / "out" / CHECKPOINT
    path.parent.mkdir()
    for data in (pickle.dumps(Hostile(proof)), as_torch_saves({"a": Hostile(proof)})):
        path.write_bytes(data)
        assert train.main(arguments(made, "--resume")) == 2
        assert train.main(arguments(made, "--from", str(path), out="new")) == 2
        with pytest.raises(RecipeError, match="cannot read checkpoint"):
            load_codec(path)
    assert not proof.exists()


def as_torch_saves(value: Any) -> bytes:
    data = io.BytesIO()
    torch.save(value, data)
    return data.getvalue()


def renamed(tensors: dict[str, Any], old: str, new: str) -> None:
    tensors[new] = tensors.pop(old)


FIRST = "framework.network.inward.weight"
CHANGES: dict[str, tuple[Callable[[dict[str, Any], dict[str, Any]], object], str]] = {
    "nan": (lambda t, f: t[FIRST].view(-1)[:1].fill_(float("nan")), f"'{FIRST}' has values that"),
    "inf in the optimizer": (
        lambda t, f: t["optimizer.main.0.exp_avg"].fill_(float("inf")), "has values that are not",
    ),
    "shape": (lambda t, f: t.update({FIRST: torch.ones(3)}), "was made by another recipe"),
    "unknown": (lambda t, f: t.update({"other.x": torch.ones(3)}), "was made by another recipe"),
    "no dot": (lambda t, f: t.update({"x": torch.ones(3)}), "was made by another recipe"),
    "no average": (
        lambda t, f: t.pop("ema.inward.weight"), "lacks 'ema.inward.weight'",
    ),
    "optimizer": (
        lambda t, f: renamed(t, "optimizer.main.0.exp_avg", "optimizer.main.zero.exp_avg"),
        "was made by another recipe",
    ),
    "no step": (lambda t, f: f.pop("step"), "step is None"),
    "odd step": (lambda t, f: f.update(step="many"), "step is 'many'"),
    "step below 0": (lambda t, f: f.update(step=-3), "step is -3"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_checkpoint_with_wrong_contents_is_refused_by_name(
    change: str, made: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert train.main(arguments(made, "--steps", "2")) == 0
    path = made / "out" / CHECKPOINT
    tensors, facts = load_checkpoint(path)
    change_it, says = CHANGES[change]
    change_it(tensors, facts)
    save_checkpoint(path, tensors, facts)
    before = path.read_bytes()
    assert train.main(arguments(made, "--resume")) == 2
    assert says in capfd.readouterr().err
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        ("surprise = 1\n" + RECIPE, "unknown key 'surprise'"),
        (RECIPE.replace("width = 32", 'width = 32\nhook = "os.system"'), "unknown key 'hook'"),
        (RECIPE.replace('"resnet1d"', '"os.system"'), "no network is called 'os.system'"),
        (RECIPE.replace("width = 32", "width = 'a'"), "width is 'a'; expected int"),
        ("a = " + "[" * 100_000, "is not valid TOML"),
        ("", "lacks name, network, framework, data"),
        (RECIPE, "is no codec"),
    ],
)
def test_a_model_whose_recipe_is_none_is_refused(recipe: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / MODEL
    save_checkpoint(path, {"a": torch.ones(1)}, {"step": 1, "recipe": recipe})
    with pytest.raises(RecipeError, match=says):
        load_codec(path)


@pytest.mark.parametrize(
    ("old", "new", "status", "says"),
    [
        ("width = 32", "width = 3000000", 6, "not enough memory for network 'resnet1d'"),
        ("width = 32", "width = -3", 2, "network 'resnet1d' cannot be built"),
        ("width = 32", "width = 0", 2, "network 'resnet1d'"),
        ("batch = 4", "batch = 0", 2, "batch is 0; expected 1 or more"),
        ("save_every = 3", "save_every = 0", 2, "save_every is 0; expected 1 or more"),
        ("frames = [12, 16]", "frames = []", 2, "frames"),
        ("frames = [12, 16]", "frames = [0]", 2, "frames"),
        ('"latents"', '"codes"', 2, "'flow' cannot be trained on data 'codes'"),
    ],
)
def test_a_recipe_of_impossible_sizes_is_refused(
    old: str, new: str, status: int, says: str, made: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = made / "small.toml"
    path.write_text(RECIPE.replace(old, new))
    if "codes" in new:
        changed(
            made / "latents.npz", codes=np.zeros((120, 2), np.int32), silence=np.zeros(2, int),
            codebook_size=np.int64(4),
        )  # fmt: skip
    assert train.main(arguments(made)) == status
    assert says in capfd.readouterr().err
    assert not (made / "out" / CHECKPOINT).exists()


def test_facts_that_are_no_table_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    for facts in ("[1, 2]", "{", "[" * 100_000):
        save_file({"a": torch.ones(1)}, tmp_path / MODEL, metadata={"driftwave": facts})
        with pytest.raises(RecipeError, match="is no checkpoint"):
            load_checkpoint(tmp_path / MODEL)
