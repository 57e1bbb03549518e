"""engine.lab: its plan, what it trains and in which order, resuming, and what goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

torch = pytest.importorskip("torch")

from engine import lab  # noqa: E402
from engine.errors import RecipeError, StorageError  # noqa: E402
from engine.laboratory import report  # noqa: E402
from engine.laboratory.comparison import Plan  # noqa: E402
from engine.laboratory.plan import RECIPES, VOICE, lab_recipes, needs, ordered  # noqa: E402
from engine.laboratory.report import write_report  # noqa: E402
from engine.laboratory.training import Bench, curve, facts_of, train_one  # noqa: E402
from engine.training import checkpoint  # noqa: E402
from engine.training.oneshots import from_synthesis  # noqa: E402
from engine.training.prepare import write_shard  # noqa: E402
from engine.training.recipe import parse_recipe  # noqa: E402
from tests.support.tiny_recipes import write_recipes  # noqa: E402
from tests.support.tiny_shard import tiny_shard  # noqa: E402


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
    order = [recipe.name for recipe in ordered(shipped, ["vqgan_prior"])]
    assert order == ["vqvae", "vqgan", "vqgan_prior"]
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


def invoke(*arguments: object) -> tuple[int, str]:
    runner = CliRunner()
    with runner.isolation() as streams:
        code = lab.main([str(argument) for argument in arguments])
        return code, (streams[0].getvalue() + streams[1].getvalue()).decode()


def test_the_command_trains_what_is_asked_for_and_what_that_needs(
    recipes: Path, shard: Path, tmp_path: Path
) -> None:
    words = ["--data", shard, "--recipes", recipes, "--out", tmp_path, "--versions", 1]
    words += ["--device", "cpu", "--no-report", "--only", "vae,flow"]
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


def test_the_report_compares_real_runs_of_every_ability(recipes: Path, tmp_path: Path) -> None:
    sounds = tiny_shard(tmp_path / "sounds.npz")
    out = tmp_path / "lab"
    words = ["--data", sounds, "--recipes", recipes, "--out", out, "--versions", 1]
    words += ["--device", "cpu", "--no-report", "--only", "flow,gan,prior,dae,vocoder"]
    code, said = invoke(*words)
    assert code == 0, said
    trained = {"vae", "vqgan", "prior", "flow", "gan", "dae", "vocoder"}
    plan = Plan(sounds=48, sweep=(1,), seconds_a_point=1.0)
    result = write_report([out / name for name in sorted(trained)], sounds, out / "r", plan=plan)
    assert set(result["subjects"]) == trained
    assert {"flow", "gan", "prior"} <= {row["subject"] for row in result["rows"]}
    assert {"vae", "vqgan", "dae", "vocoder"} <= {row["subject"] for row in result["given"]}
    page = (out / "r" / "report.html").read_text()
    assert all(name in page for name in trained)


def test_the_command_ends_with_a_report(
    recipes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def quick(sounds: int) -> Plan:
        assert sounds == 0  # as many as are held out
        return Plan(sounds=48, sweep=(1,), seconds_a_point=1.0)

    monkeypatch.setattr(report, "Plan", quick)
    sounds = tiny_shard(tmp_path / "sounds.npz")
    words = ["--data", sounds, "--recipes", recipes, "--out", tmp_path / "lab", "--only", "vae"]
    code, said = invoke(*words, "--versions", 1, "--device", "cpu")
    assert code == 0, said
    assert json.loads((tmp_path / "lab" / "report" / "report.json").read_text())["given"]


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
    other = Bench(tiny_shard(tmp_path / "other.npz", seed=1), tmp_path, 600.0, versions=1)
    assert train_one(longer, other, told.append, lambda: False).steps == 3
    assert {"anew": "vae", "since_changed": "the data"} in told


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
