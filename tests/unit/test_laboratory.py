"""The laboratory's models: every kind, trained for two steps, opens and sounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from engine.conditioning.frames import sketch_of  # noqa: E402
from engine.errors import BadRange, RecipeError  # noqa: E402
from engine.laboratory.model import Model, open_model  # noqa: E402
from engine.laboratory.plan import lab_recipes, ordered  # noqa: E402
from engine.laboratory.showing import curve_picture, quick, show  # noqa: E402
from engine.laboratory.training import Bench, train_one  # noqa: E402
from engine.training.oneshots import from_synthesis  # noqa: E402
from engine.training.prepare import write_shard  # noqa: E402
from tests.support.tiny_recipes import write_recipes  # noqa: E402

GENERATING = ["prior", "flow", "tuned", "sketch", "gan", "diffwave", "unconditional"]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "sounds.npz"
    write_shard(from_synthesis(0.02), path)
    return path


@pytest.fixture(scope="module")
def recipes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recipes")
    write_recipes(folder)
    return folder


@pytest.fixture(scope="module")
def runs(recipes: Path, shard: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("lab")
    bench = Bench(shard, out, 600.0, versions=1)
    for recipe in ordered(lab_recipes(recipes)):
        outcome = train_one(recipe, bench, lambda _row: None, lambda: False)
        assert (outcome.state, outcome.steps) == ("finished", 2)
    return out


def steps_for(model: Model) -> int:
    return 1 if next(iter(model.samplers.values())) == 1 else 3


@pytest.mark.parametrize("name", GENERATING)
def test_models_generate(name: str, runs: Path) -> None:
    model = open_model(runs / name)
    assert model.kind == "generates"
    assert model.parameters > 100
    assert model.conditional == (name != "unconditional")
    asked = np.array([0, 3, -1])
    steps = steps_for(model)
    made = model.generate(asked, seed=5, steps=steps)
    again = model.generate(asked[:2], seed=5, steps=steps)
    other = model.generate(asked[:1], seed=6, steps=steps)
    assert [sound.shape for sound in made.audio] == [(model.length,)] * 3
    assert all(sound.dtype == np.float32 and np.isfinite(sound).all() for sound in made.audio)
    for first, second in zip(made.audio, again.audio, strict=False):
        np.testing.assert_allclose(first, second, atol=1e-4)
    assert not np.array_equal(made.audio[0], other.audio[0])
    assert not np.array_equal(made.audio[0], made.audio[2])
    usual = {"prior": model.length // 1024 + 1, "sketch": 2 * steps - 1}  # frames; Heun's method
    assert made.nfe == usual.get(name, steps)
    assert made.milliseconds > 0
    with pytest.raises(BadRange, match="expected a model that renders"):
        model.render(made.audio, seed=1)


def test_guidance_and_descriptors_reach_a_latent_model(runs: Path) -> None:
    model = open_model(runs / "flow")
    asked = np.array([0, 1])
    told = np.full((2, len(model.descriptors)), 0.5, np.float32)
    assert model.generate(asked, seed=1, steps=2, guidance=2.0, descriptors=told).nfe == 4
    with pytest.raises(BadRange, match=r"descriptors have shape \(2, 1\)"):
        model.generate(asked, seed=1, descriptors=told[:, :1])
    with pytest.raises(BadRange, match="category 99"):
        model.generate(np.array([99]), seed=1)
    with pytest.raises(BadRange, match="sampler is 'hern'"):
        model.generate(asked, seed=1, sampler="hern")


@pytest.mark.parametrize("name", ["flow", "sketch", "gan", "vae"])
def test_models_of_latents_go_from_one_sound_to_another(name: str, runs: Path) -> None:
    model: Any = open_model(runs / name)
    steps = steps_for(model)
    seeds = model.between_seeds(1, 2, 3, category=0, steps=steps)
    alone = model.generate(np.array([0]), seed=2, steps=steps)
    assert len(seeds.audio) == 3
    np.testing.assert_allclose(seeds.audio[2], alone.audio[0], atol=1e-4)
    rng = np.random.default_rng(1)
    first, second = (rng.standard_normal(n).astype(np.float32) for n in (3000, 2500))
    sounds = model.between_sounds(first, second, 3)
    assert [sound.shape for sound in sounds.audio] == [(3000,)] * 3
    assert not hasattr(open_model(runs / "prior"), "between_seeds")


@pytest.mark.parametrize("name", ["flow", "tuned", "sketch", "diffwave", "unconditional"])
def test_a_sound_enters_part_of_the_way(name: str, runs: Path) -> None:
    model: Any = open_model(runs / name)
    sound = np.random.default_rng(1).standard_normal(1024).astype(np.float32) * 0.1
    made = [
        model.restart(sound, start, category=-1, seed=1, steps=4) for start in (0.0, 0.3, 0.7, 1.0)
    ]
    assert all(one.audio[0].shape == (1024,) for one in made)
    assert [one.nfe for one in made] == sorted(one.nfe for one in made)
    assert made[0].nfe == 0
    if model.opened.codec is None:
        np.testing.assert_allclose(made[0].audio[0], sound, atol=1e-6)
        errors = [np.abs(one.audio[0] - sound).mean() for one in made]
        assert errors[1] < errors[2]
    with pytest.raises(BadRange, match=r"enters at 1\.5"):
        model.restart(sound, 1.5, category=-1, seed=1)
    assert not hasattr(open_model(runs / "gan"), "restart")


def test_a_sketch_decides_the_length_and_the_sound(runs: Path) -> None:
    model = open_model(runs / "sketch")
    assert model.condition.channels == 2
    beat = np.sin(np.arange(5 * 1024, dtype=np.float32) ** 1.2)
    curves = sketch_of(beat, 44_100)
    made = model.generate(np.array([-1]), seed=1, steps=2, frames=curves[None])
    plain = model.generate(np.array([-1]), seed=1, steps=2, frames=0 * curves[None])
    assert made.audio[0].shape == (5 * 1024,)
    assert not np.array_equal(made.audio[0], plain.audio[0])
    with pytest.raises(BadRange, match="frames have shape"):
        model.generate(np.array([-1]), seed=1, frames=curves[None, :1])


@pytest.mark.parametrize(
    ("name", "kind"),
    [("vae", "reconstructs"), ("vqvae", "reconstructs"), ("vqgan", "reconstructs"),
     ("dae", "denoises"), ("vocoder", "vocodes")],
)  # fmt: skip
def test_models_render(name: str, kind: str, runs: Path) -> None:
    model = open_model(runs / name)
    assert model.kind == kind
    assert not model.conditional
    rng = np.random.default_rng(1)
    sounds = [rng.standard_normal(size).astype(np.float32) * 0.1 for size in (1500, 700)]
    sampler, steps = ("ddim", 3) if kind == "vocodes" else ("", 0)
    made = model.render(sounds, seed=2, sampler=sampler, steps=steps)
    again = model.render(sounds, seed=2, sampler=sampler, steps=steps)
    assert [sound.shape for sound in made.audio] == [(1500,), (700,)]
    assert all(sound.dtype == np.float32 and np.isfinite(sound).all() for sound in made.audio)
    for first, second in zip(made.audio, again.audio, strict=True):
        np.testing.assert_array_equal(first, second)
    assert made.nfe == (3 if kind == "vocodes" else 1)
    with pytest.raises(BadRange):
        model.render(sounds, seed=2, sampler="none such")
    with pytest.raises(BadRange, match=r"expected \(T,\)"):
        model.render([sounds[0][None]], seed=2, steps=0)
    if name == "vae":
        assert model.generate(np.array([0]), seed=1).audio[0].shape == (model.length,)
    else:
        with pytest.raises(BadRange, match="expected a model that generates"):
            model.generate(np.array([0]), seed=1)


def test_a_run_carries_its_codec_and_notices_another(
    runs: Path, tmp_path: Path, recipes: Path, shard: Path
) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    for file in (runs / "flow").glob("*.safetensors"):
        (moved / file.name).write_bytes(file.read_bytes())
    assert open_model(moved).generate(np.array([0]), seed=1, steps=1).audio
    (moved / "codec.safetensors").write_bytes((runs / "vqgan" / "model.safetensors").read_bytes())
    with pytest.raises(RecipeError, match="not the codec"):
        open_model(moved)
    (moved / "codec.safetensors").unlink()
    with pytest.raises(RecipeError, match="no codec"):
        open_model(moved)
    with pytest.raises(RecipeError, match="cannot read checkpoint"):
        open_model(tmp_path / "nothing")


@pytest.mark.parametrize("name", ["diffwave", "sketch", "vqvae", "vocoder", "dae"])
def test_a_run_is_seen_and_heard(name: str, runs: Path, shard: Path, tmp_path: Path) -> None:
    model = open_model(runs / name)
    assert model.samplers[quick(model)] <= 50
    show(model, shard, tmp_path)
    assert (tmp_path / "sounds.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "sounds.wav").stat().st_size > 2 * 8 * model.length


def test_a_curve_is_drawn_falling_from_left_to_right() -> None:
    rows = [{"step": step, "total": 8.0 * 2.0 ** (-step / 10), "log": 1.0} for step in range(1, 41)]
    grey = curve_picture(rows)
    line = (grey == 255).argmax(axis=0)
    assert np.all(np.diff(line) >= 0)
    assert line[0] < 5
    assert line[-1] > 0.9 * len(grey)
    assert not curve_picture([{"step": 1}]).any()
