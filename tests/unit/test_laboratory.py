"""The laboratory: every kind of model, trained for a few steps, opens and sounds; runs resume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

torch = pytest.importorskip("torch")

from engine import lab  # noqa: E402
from engine.conditioning.frames import sketch_of  # noqa: E402
from engine.errors import BadRange, RecipeError, StorageError  # noqa: E402
from engine.laboratory.model import Model, open_model  # noqa: E402
from engine.laboratory.plan import RECIPES, VOICE, lab_recipes, needs, ordered  # noqa: E402
from engine.laboratory.showing import curve_picture, quick, show  # noqa: E402
from engine.laboratory.training import Bench, curve, facts_of, train_one  # noqa: E402
from engine.training import checkpoint  # noqa: E402
from engine.training.oneshots import from_synthesis  # noqa: E402
from engine.training.prepare import write_shard  # noqa: E402
from engine.training.recipe import parse_recipe  # noqa: E402

LOOP = """
[loop]
steps = 2
batch = 2
log_every = 1
save_every = 1
preview_every = 0
precision = "float32"
"""
CONVNEXT = """
[network]
name = "convnext"
latent_dims = 8
encoder_width = 16
encoder_depth = 1
decoder_widths = [16, 16, 8]
decoder_depths = [1, 1, 1]
[codec]
name = "stft_vae"
[data]
name = "audio"
frames = 4096
"""
TRANSFORMER = """
[network]
name = "transformer"
width = 16
depth = 1
heads = 2
"""
WAVENET = """
[network]
name = "wavenet"
layers = 2
channels = 4
upsample = [8, 8]
label_width = 8
"""
WAVE = """
[data]
name = "audio"
sample_rate = 16000
frames = 1024
gain = 4.0
"""
LATENTS = """
[data]
name = "latents"
frames = [8]
"""
TINY = {
    "vae": CONVNEXT + '[framework]\nname = "vae"',
    "vqvae": CONVNEXT + '[framework]\nname = "vqvae"\nquantizer = {codebooks = 2, codes = 8}',
    "vqgan": CONVNEXT
    + '[framework]\nname = "vqgan"\nadversarial_from_step = 1\n'
    + "discriminator_width = 4\nquantizer = {codebooks = 2, codes = 8}",
    "prior": TRANSFORMER
    + '[framework]\nname = "autoregressive"\nwidth = 16\n[lab]\ncodec = "vqgan"'
    + LATENTS.replace("latents", "codes"),
    "flow": TRANSFORMER + LATENTS + '[framework]\nname = "flow"\n[lab]\ncodec = "vae"',
    "tuned": TRANSFORMER
    + LATENTS
    + '[framework]\nname = "consistency"\n[lab]\ncodec = "vae"\nstart_from = "flow"',
    "sketch": TRANSFORMER
    + LATENTS
    + '[data.condition]\nkind = "sketch"\n[framework]\nname = "edm"\n[lab]\ncodec = "vae"',
    "gan": TRANSFORMER
    + LATENTS
    + '[framework]\nname = "gan"\ndiscriminator_width = 4\n[lab]\ncodec = "vae"',
    "dae": WAVENET + WAVE + '[framework]\nname = "dae"\nresidual = true\nrelative = true',
    "diffwave": WAVENET
    + WAVE
    + '[framework]\nname = "ddpm"\nobjective = "eps"\nschedule = "diffwave"\ntimesteps = 50',
    "unconditional": WAVENET + WAVE + 'labels = false\n[framework]\nname = "ddpm"',
    "vocoder": WAVENET
    + WAVE
    + 'labels = false\n[data.condition]\nkind = "mel"\nhop = 64\nbands = 10\n'
    + '[framework]\nname = "wavegrad"',
}
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
    for name, text in TINY.items():
        (folder / f"{name}.toml").write_text(f'# Tiny {name}.\nname = "{name}"\n{text}\n{LOOP}')
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


def test_the_shipped_recipes_form_a_plan() -> None:
    shipped = lab_recipes()
    assert {
        "dae", "vae", "gan", "ddpm_waveform", "diffwave_vocoder", "diffwave_unconditional",
        "diffwave_class", "wavegrad_vocoder", "vqvae", "vqgan", "vqgan_prior", "latent_diffusion",
        "latent_sketch", "consistency", "consistency_latent",
    } <= shipped.keys()  # fmt: skip
    names = [recipe.name for recipe in ordered(shipped)]
    assert sorted(names) == sorted(shipped)
    for name, recipe in shipped.items():
        assert all(names.index(needed) < names.index(name) for needed in needs(recipe))
    assert [r.name for r in ordered(shipped, ["vqgan_prior"])] == ["vqgan", "vqgan_prior"]
    assert shipped["latent_sketch"].lab.codec.startswith(VOICE)


def test_impossible_plans_are_refused(recipes: Path, tmp_path: Path) -> None:
    known = lab_recipes(recipes)
    with pytest.raises(RecipeError, match=r"'floww'.*did you mean 'flow'"):
        ordered(known, ["floww"])
    text = known["flow"].text
    known["vae"] = parse_recipe(known["vae"].text + '[lab]\nstart_from = "flow"')
    with pytest.raises(RecipeError, match="needs itself"):
        ordered(known)
    with pytest.raises(RecipeError, match="no recipes in"):
        lab_recipes(tmp_path)
    (tmp_path / "other.toml").write_text(text)
    with pytest.raises(RecipeError, match="rename one"):
        lab_recipes(tmp_path)


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


def invoke(*arguments: object) -> tuple[int, str]:
    runner = CliRunner()
    with runner.isolation() as streams:
        code = lab.main([str(argument) for argument in arguments])
        return code, (streams[0].getvalue() + streams[1].getvalue()).decode()


def test_the_command_trains_what_is_asked_for_and_what_that_needs(
    recipes: Path, shard: Path, tmp_path: Path
) -> None:
    words = ["--data", shard, "--recipes", recipes, "--out", tmp_path, "--versions", 1]
    words += ["--device", "cpu", "--no-report", "--only", "flow"]
    code, said = invoke(*words)
    assert code == 0, said
    assert said.index("[1/2] vae") < said.index("vae: finished, 2 steps")
    assert said.index("[2/2] flow") < said.index("flow: finished, 2 steps")
    assert [row["step"] for row in curve(tmp_path / "flow")] == [1, 2]
    assert (tmp_path / "flow" / "sounds.png").exists()
    assert (tmp_path / "flow" / "curve.png").exists()
    before = facts_of(tmp_path / "flow")["codec"]["sha256"]
    code, said = invoke(*words)
    assert code == 0
    assert "flow: trained before, 2 steps" in said
    assert len(curve(tmp_path / "flow")) == 2
    code, said = invoke("--recipes", recipes, "--out", tmp_path, "--list")
    assert "vqvae" in said
    assert "not trained" in said
    assert facts_of(tmp_path / "flow")["codec"]["sha256"] == before


def test_a_stopped_run_goes_on_and_a_new_codec_begins_anew(
    recipes: Path, shard: Path, tmp_path: Path
) -> None:
    known = lab_recipes(recipes)
    bench = Bench(shard, tmp_path, 600.0, versions=1)
    stops = iter([False, True, True, True])
    first = train_one(known["vae"], bench, lambda _row: None, lambda: next(stops))
    assert (first.state, first.steps) == ("stopped", 1)
    assert train_one(known["vae"], bench, lambda _row: None, lambda: False).steps == 2
    train_one(known["flow"], bench, lambda _row: None, lambda: False)
    longer = parse_recipe(known["vae"].text.replace("steps = 2", "steps = 3"))
    assert train_one(longer, bench, lambda _row: None, lambda: False).steps == 3
    told: list[dict[str, object]] = []
    assert train_one(known["flow"], bench, told.append, lambda: False).steps == 2
    assert told[0] == {"anew": "flow", "since_changed": "vae"}


def test_bad_data_and_a_full_disk_are_said_clearly(
    recipes: Path, shard: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    words = ["--recipes", recipes, "--out", tmp_path / "lab", "--only", "dae", "--no-report"]
    code, said = invoke("--data", empty, *words)
    assert code == 2
    assert "no audio files in" in said
    (empty / "broken.wav").write_bytes(b"RIFF....WAVEnothing")
    code, said = invoke("--data", empty, *words)
    assert code == 2
    assert "broken.wav: unreadable" in said
    assert invoke(*words)[0] == 2  # neither --data nor --synthesise
    assert invoke("--synthesise", 0.01, *words)[0] == 0
    assert facts_of(tmp_path / "lab" / "dae")["step"] == 2

    recipe = lab_recipes(recipes)["dae"]
    bench = Bench(shard, tmp_path / "full", 600.0)
    stops = iter([False, True, True, True])
    train_one(recipe, bench, lambda _row: None, lambda: next(stops))

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint.os, "fsync", full)
    with pytest.raises(StorageError, match=r"No space left"):
        train_one(recipe, bench, lambda _row: None, lambda: False)
    monkeypatch.undo()
    assert facts_of(tmp_path / "full" / "dae")["step"] == 1
    assert train_one(recipe, bench, lambda _row: None, lambda: False).steps == 2


def test_recipes_lie_where_the_command_looks() -> None:
    from engine.train import find_recipe

    assert find_recipe("latent_sketch") == RECIPES / "latent_sketch.toml"
