"""The training loop: recipes are checked, runs survive kill -9 to the bit, codecs make latents."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import load_file  # noqa: E402

from engine import train  # noqa: E402
from engine.errors import DataError, RecipeError, StorageError, UsageError  # noqa: E402
from engine.frameworks import Batch  # noqa: E402
from engine.training.audio_shard import AudioSettings, AudioShard, read_shard  # noqa: E402
from engine.training.checkpoint import (  # noqa: E402
    load_checkpoint,
    replace_file,
    save_checkpoint,
)
from engine.training.codec_model import load_codec  # noqa: E402
from engine.training.encode import freeze_statistics, write_latents  # noqa: E402
from engine.training.latent_shard import LatentSettings, LatentShard  # noqa: E402
from engine.training.loop import Run, Trainer  # noqa: E402
from engine.training.oneshots import from_synthesis  # noqa: E402
from engine.training.pack import pack, unpack  # noqa: E402
from engine.training.prefetch import prefetched  # noqa: E402
from engine.training.prepare import write_shard  # noqa: E402
from engine.training.recipe import Recipe, parse_recipe, read_recipe  # noqa: E402

ROOT = Path(__file__).parents[2]
TINY = """
name = "tiny"
[network]
name = "convnext"
latent_dims = 8
encoder_width = 16
encoder_depth = 1
decoder_widths = [16, 16, 8]
decoder_depths = [1, 1, 1]
expansion = 2
[codec]
name = "stft_vae"
[framework]
name = "vae"
[data]
name = "audio"
frames = 4096
[loop]
steps = 12
batch = 2
log_every = 2
save_every = 2
preview_every = 0
precision = "float32"
"""


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "sounds.npz"
    write_shard(from_synthesis(0.03), path)
    return path


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def trainer(recipe: Recipe, shard: Path, out: Path, resume: bool = False) -> Trainer:
    source = recipe.data.spec.build(recipe.data.settings, shard)
    return Trainer(recipe, source, Run(out, resume=resume))


def finish(t: Trainer) -> None:
    t.train(lambda row: None, lambda: False)


def test_shipped_recipes_resolve() -> None:
    for path in sorted((ROOT / "engine" / "recipes").glob("codec*.toml")):
        assert read_recipe(path).network.spec.name == "convnext"


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (TINY.replace("batch = 2", "bach = 2"), "unknown key 'bach'.*did you mean 'batch'"),
        (TINY.replace('"vae"', '"vea"'), "no framework is called 'vea'.*did you mean 'vae'"),
        (TINY.replace("latent_dims", "latent_dim"), "did you mean 'latent_dims'"),
        (TINY.replace("steps = 12", 'steps = "12"'), "steps is '12'; expected int"),
        (TINY.replace("[loop]", "[lopp]"), "unknown key 'lopp'.*did you mean 'loop'"),
        (TINY.replace('name = "tiny"', ""), "lacks name"),
        ("name = ", "not valid TOML"),
    ],
)
def test_a_wrong_recipe_says_what_is_wrong(broken: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        parse_recipe(broken)


def test_budgets() -> None:
    assert train.parse_budget("90s") == 90
    assert train.parse_budget("1.5h") == 5400
    for wrong in ("10", "m", "-3m", "0s"):
        with pytest.raises(UsageError, match="expected a time such as"):
            train.parse_budget(wrong)


def test_killed_run_continues_to_the_bit(shard: Path, tmp_path: Path) -> None:
    recipe_file = tmp_path / "tiny.toml"
    recipe_file.write_text(TINY.replace("steps = 12", "steps = 200"))
    recipe = read_recipe(recipe_file)
    killed, straight = tmp_path / "killed", tmp_path / "straight"
    command = [sys.executable, "-m", "engine.train", str(recipe_file), "--data", str(shard)]
    process = subprocess.Popen(
        [*command, "--out", str(killed), "--threads", "1", "--device", "cpu"],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    checkpoint = killed / "checkpoint.safetensors"
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    assert checkpoint.exists()
    reached = int(load_checkpoint(checkpoint)[1]["step"])
    last = reached + 3
    text = TINY.replace("steps = 12", f"steps = {last}")
    recipe = parse_recipe(text)
    resumed = trainer(recipe, shard, killed, resume=True)
    assert resumed.step == reached
    finish(resumed)
    finish(trainer(recipe, shard, straight))
    first, _ = load_checkpoint(killed / "checkpoint.safetensors")
    second, _ = load_checkpoint(straight / "checkpoint.safetensors")
    assert first.keys() == second.keys()
    assert any(name.startswith("optimizer.main.") for name in first)
    for name, value in first.items():
        assert torch.equal(value, second[name]), name
    steps = [
        [json.loads(line)["step"] for line in (run / "curve.jsonl").read_text().splitlines()]
        for run in (killed, straight)
    ]
    assert steps[0] == steps[1] == sorted(set(steps[1]))


def test_adversarial_finish_moves_the_decoder_alone(shard: Path, tmp_path: Path) -> None:
    finish(trainer(parse_recipe(TINY), shard, tmp_path / "codec"))
    model = tmp_path / "codec" / "model.safetensors"
    text = TINY.replace(
        '"vae"', '"adversarial"\nadversarial_from_step = 2\ndiscriminator_width = 4'
    )
    recipe = parse_recipe(text)
    source = recipe.data.spec.build(recipe.data.settings, shard)
    t = Trainer(recipe, source, Run(tmp_path / "finish", start_from=model))
    finish(t)
    before, after = load_file(model), load_file(tmp_path / "finish" / "model.safetensors")
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith("decoder.") for name in changed)
    rows = [json.loads(x) for x in (tmp_path / "finish" / "curve.jsonl").read_text().splitlines()]
    assert np.isfinite([rows[-1]["decoder.adversarial"], rows[-1]["discriminator.total"]]).all()
    # two optimizers resume as well
    again = Trainer(recipe, source, Run(tmp_path / "finish", resume=True))
    assert again.step == 12
    saved = again.optimizers["discriminator"].state_dict()["state"]
    assert saved.keys() == t.optimizers["discriminator"].state_dict()["state"].keys()


def test_previews_are_written(shard: Path, tmp_path: Path) -> None:
    text = TINY.replace("preview_every = 0", "preview_every = 2").replace("steps = 12", "steps = 2")
    finish(trainer(parse_recipe(text), shard, tmp_path))
    assert (tmp_path / "preview-0000002.png").read_bytes()[:4] == b"\x89PNG"
    assert (tmp_path / "preview-0000002.wav").stat().st_size > 10_000


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_checkpoint(path, {"a": torch.ones(3)}, {"step": 1})

    def fail(file: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(StorageError, match="No space"):
        replace_file(path, fail)
    assert load_checkpoint(path)[1] == {"step": 1}
    assert os.listdir(tmp_path) == ["x.safetensors"]  # noqa: PTH208


def test_truncated_and_foreign_checkpoints_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_checkpoint(path, {"a": torch.ones(300)}, {"step": 1})
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(RecipeError, match=r"cannot read checkpoint .*x\.safetensors"):
        load_checkpoint(path)
    with pytest.raises(RecipeError, match="cannot read checkpoint"):
        load_checkpoint(tmp_path / "none.safetensors")


def test_resuming_with_another_recipe_is_refused(shard: Path, tmp_path: Path) -> None:
    finish(trainer(parse_recipe(TINY), shard, tmp_path))
    other = parse_recipe(TINY.replace("latent_dims = 8", "latent_dims = 6"))
    with pytest.raises(RecipeError, match="was made by another recipe"):
        trainer(other, shard, tmp_path, resume=True)


def test_command_refuses_to_overwrite_a_run(shard: Path, tmp_path: Path) -> None:
    finish(trainer(parse_recipe(TINY), shard, tmp_path))
    assert train.main(["codec", "--data", str(shard), "--out", str(tmp_path)]) == 2


def test_batches_depend_on_seed_and_step_alone(shard: Path) -> None:
    a, b = (AudioShard(AudioSettings(frames=4096), shard) for _ in range(2))
    b.batch(1, 0, 4)
    assert torch.equal(a.batch(1, 5, 4).x, b.batch(1, 5, 4).x)
    assert not torch.equal(a.batch(1, 5, 4).x, a.batch(1, 6, 4).x)
    assert not torch.equal(a.batch(1, 5, 4).x, a.batch(2, 5, 4).x)
    batch = a.batch(1, 7, 16)
    assert batch.x.shape == (16, 1, 4096)
    assert batch.x.abs().max() <= 1.5
    assert batch.descriptors.shape == (16, 7)


def test_latents_are_normalised_padded_with_silence_and_split(shard: Path, tmp_path: Path) -> None:
    finish(trainer(parse_recipe(TINY), shard, tmp_path / "codec"))
    network, codec = load_codec(tmp_path / "codec" / "model.safetensors")
    sounds = AudioShard(AudioSettings(), shard)
    freeze_statistics(network, codec, sounds)
    path = tmp_path / "latents.npz"
    count = write_latents(network, codec, sounds, path, versions=2)
    assert count == len(sounds.length) + len(sounds.train_rows)
    latents = LatentShard(LatentSettings(frames=(20,)), path)
    own = np.concatenate(
        [latents.values[latents.start[r] : latents.start[r] + latents.length[r]]
         for r in range(len(sounds.length)) if r in sounds.train_rows]
    ).astype(np.float32)  # fmt: skip
    np.testing.assert_allclose(own.mean(0), 0, atol=0.02)
    np.testing.assert_allclose(own.std(0), 1, atol=0.02)
    batch = latents.batch(1, 0, 8)
    assert batch.x.shape == (8, 8, 20)
    short = int(batch.lengths.argmin())
    tail = batch.x[short, :, int(batch.lengths[short]) :]
    assert torch.equal(tail, torch.from_numpy(latents.silence)[:, None].expand_as(tail))
    known = batch.descriptors[~batch.descriptors.isnan()]
    assert known.min() >= 0
    assert known.max() <= 1
    assert not set(latents.train_rows) & set(latents.held_rows)
    with pytest.raises(DataError, match="not a latent shard"):
        LatentShard(LatentSettings(), shard)


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_prefetching_keeps_the_order(workers: int) -> None:
    def make(step: int) -> Batch:
        one = torch.tensor([step])
        return Batch(one, one, one, one)

    with prefetched(make, 5, workers) as following:
        assert [int(following().x) for _ in range(20)] == list(range(5, 25))


def test_packed_shard_unpacks_to_the_same(shard: Path, tmp_path: Path) -> None:
    table = read_shard(shard)
    table["source"] = table["source"].astype("<U9")
    table["source"][::2] = "folder"
    table["name"] = np.where(table["source"] == "folder", "a.wav", table["name"])
    back = unpack(pack(table, 4 * 44_100))
    assert table.keys() == back.keys()
    for name, value in table.items():
        assert np.array_equal(value, back[name], equal_nan=value.dtype.kind == "f"), name
    cut = unpack(pack(table, 2000))
    assert cut["length"][::2].max() <= 2000


def test_broken_shard_is_named(tmp_path: Path) -> None:
    path = tmp_path / "sounds.npz"
    path.write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(DataError, match="cannot read audio shard"):
        read_shard(path)
