"""What goes wrong while training: bad data, hostile files, a full disk, kill -9 at any moment."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import random
import resource
import signal
import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from engine import train  # noqa: E402
from engine.errors import DataError, RecipeError  # noqa: E402
from engine.training.checkpoint import load_checkpoint, save_checkpoint  # noqa: E402
from engine.training.codec_model import load_codec  # noqa: E402
from engine.training.frame_shard import read_frames  # noqa: E402
from tests.matrix.test_worked_example import write_latents  # noqa: E402

ROOT = Path(__file__).parents[2]
CHECKPOINT, MODEL = "checkpoint.safetensors", "model.safetensors"
RECIPE = """
name = "small"
[network]
name = "resnet1d"
width = 32
depth = 2
[framework]
name = "flow"
[data]
name = "latents"
frames = [12, 16]
[loop]
steps = 60
batch = 4
log_every = 1
save_every = 3
preview_every = 0
precision = "float32"
"""
AUDIO = RECIPE.replace('"latents"\nframes = [12, 16]', '"audio"\nframes = 4096')


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A folder with a recipe and a shard of latents."""
    (tmp_path / "small.toml").write_text(RECIPE)
    write_latents(tmp_path / "latents.npz")
    return tmp_path


def arguments(made: Path, *more: str, out: str = "out") -> list[str]:
    data, folder = str(made / "latents.npz"), str(made / out)
    return [str(made / "small.toml"), "--data", data, "--out", folder, "--device", "cpu", *more]


# ---- data ---------------------------------------------------------------------------------


def no_files(folder: Path) -> None:
    folder.mkdir()


def text_files(folder: Path) -> None:
    folder.mkdir()
    (folder / "readme.txt").write_text("no sounds")
    (folder / "kick.doc").write_text("no sound")


def broken_audio(folder: Path) -> None:
    folder.mkdir()
    (folder / "kick.wav").write_bytes(b"RIFF\x24\x00\x00\x00WAVEfmt ")
    (folder / "snare.flac").write_bytes(b"fLaC" + bytes(20))
    (folder / "empty.wav").write_bytes(b"")
    (folder / "text.mp3").write_text("no sound")


def silence(folder: Path) -> None:
    import soundfile

    folder.mkdir()
    soundfile.write(folder / "silence.wav", np.zeros(4000, np.float32), 44_100)


def nowhere(folder: Path) -> None:
    """There is no such folder."""


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (no_files, "no audio files in .*; expected files ending in"),
        (text_files, "no audio files in .*; expected files ending in"),
        (broken_audio, "no usable sound in the data.*unreadable"),
        (silence, "no usable sound in the data.*silent or shorter"),
        (nowhere, "no folder .*sounds"),
    ],
)
def test_a_folder_without_sounds_says_so(
    make: Callable[[Path], None], says: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("soundfile")
    import re

    (tmp_path / "small.toml").write_text(AUDIO)
    make(tmp_path / "sounds")
    out = tmp_path / "out"
    flags = ["--data", str(tmp_path / "sounds"), "--out", str(out), "--device", "cpu"]
    assert train.main([str(tmp_path / "small.toml"), *flags]) == 2
    assert re.search(says, capfd.readouterr().err)
    assert not (out / CHECKPOINT).exists()


def changed(path: Path, **columns: Any) -> None:
    """The shard with other columns; None takes one away."""
    table = dict(np.load(path)) | columns
    np.savez(path, **{k: v for k, v in table.items() if v is not None})


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"start": None}, "lacks 'start'"),
        ({"silence": None}, "not a latent shard"),
        ({"length": np.ones(2, int)}, "'length' is not of 6 sounds"),
        ({"length": np.full(6, 10**9)}, "sounds outside of it"),
        ({"start": np.full(6, -5)}, "sounds outside of it"),
        ({"held_out": np.ones(6, bool)}, "none to train on"),
        ({"category": np.full(6, -1)}, "categories below 0"),
        ({"latents": np.full((120, 4), np.nan, np.float16)}, "'latents' has values that are not"),
    ],
)
def test_a_shard_whose_columns_do_not_fit_is_refused(
    columns: dict[str, Any], says: str, made: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    changed(made / "latents.npz", **columns)
    assert train.main(arguments(made)) == 2
    assert says in capfd.readouterr().err


class Hostile:
    """Makes a file where it is unpickled."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.proof, "run")


def test_a_hostile_shard_runs_nothing(made: Path) -> None:
    proof, path = made / "proof", made / "latents.npz"
    hostile = np.empty(1, object)
    hostile[0] = Hostile(proof)
    np.savez(path, latents=hostile, silence=np.zeros(4))
    with pytest.raises(DataError, match="cannot read shard of latents"):
        read_frames(path, "latents")
    path.write_bytes(pickle.dumps(Hostile(proof)))
    with pytest.raises(DataError, match="cannot read shard of latents"):
        read_frames(path, "latents")
    head = io.BytesIO()
    lie = {"descr": "<f4", "fortran_order": False, "shape": (2**40, 4)}
    np.lib.format.write_array_header_1_0(head, lie)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("latents.npy", head.getvalue())
    with pytest.raises(DataError, match="cannot read shard of latents"):
        read_frames(path, "latents")
    assert not proof.exists()


# ---- checkpoints --------------------------------------------------------------------------


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


# ---- a full disk --------------------------------------------------------------------------

LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
from engine import train
sys.exit(train.main(sys.argv[2:]))
"""


def test_a_file_that_may_not_grow_leaves_the_earlier_checkpoint(made: Path) -> None:
    out = made / "out"
    assert train.main(arguments(made, "--steps", "3")) == 0
    before = {name: (out / name).read_bytes() for name in (CHECKPOINT, MODEL)}
    limit = len(before[CHECKPOINT]) - 100
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(limit), *arguments(made, "--resume")],
        cwd=ROOT, capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr
    assert {name: (out / name).read_bytes() for name in (CHECKPOINT, MODEL)} == before
    assert load_checkpoint(out / CHECKPOINT)[1]["step"] == 3
    assert not [p for p in out.iterdir() if p.name.startswith(".")]
    assert train.main(arguments(made, "--resume", "--steps", "5")) == 0
    assert load_checkpoint(out / CHECKPOINT)[1]["step"] == 5


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """A file system of 2 MiB at `folder` when this process may mount one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_an_error_and_the_run_goes_on_when_there_is_room(
    made: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with small_disk(made / "out") as mounted:
        if not mounted:
            pytest.skip("needs permission to mount a small file system")
        out = made / "out"
        assert train.main(arguments(made, "--steps", "3")) == 0
        before = (out / CHECKPOINT).read_bytes()
        with contextlib.suppress(OSError), (out / "filler").open("wb") as filler:
            while True:
                filler.write(bytes(4096))
                filler.flush()
        assert train.main(arguments(made, "--resume", "--steps", "9")) == 1
        assert "cannot write" in capfd.readouterr().err
        assert (out / CHECKPOINT).read_bytes() == before
        (out / "filler").unlink()
        assert train.main(arguments(made, "--resume", "--steps", "9")) == 0
        assert load_checkpoint(out / MODEL)[1]["step"] == 9


def test_a_limit_is_lifted_after_these_tests() -> None:
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


# ---- kill -9 ------------------------------------------------------------------------------


def test_kill_9_at_random_moments_changes_nothing_in_the_end(made: Path) -> None:
    chance = random.Random(5)
    curve = made / "killed" / "curve.jsonl"
    command = [sys.executable, "-m", "engine.train"]
    command += arguments(made, "--threads", "1", "--resume", out="killed")
    for _ in range(4):
        rows = curve.read_bytes().count(b"\n") if curve.exists() else 0
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < deadline:
            if curve.exists() and curve.read_bytes().count(b"\n") > rows:
                break
            time.sleep(0.002)
        time.sleep(chance.uniform(0.0, 0.12))
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    assert train.main(arguments(made, "--threads", "1", "--resume", out="killed")) == 0
    assert train.main(arguments(made, "--threads", "1", out="straight")) == 0
    for name in (CHECKPOINT, MODEL):
        here, facts = load_checkpoint(made / "killed" / name)
        there, _ = load_checkpoint(made / "straight" / name)
        assert facts["step"] == 60
        assert here.keys() == there.keys()
        for key, value in here.items():
            assert torch.equal(value, there[key]), (name, key)
    assert not [p.name for p in (made / "killed").iterdir() if p.name.startswith(".")]
