"""What goes wrong while training: bad data, a full disk, kill -9 at any moment."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import random
import signal
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
from engine.errors import DataError  # noqa: E402
from engine.training.checkpoint import load_checkpoint  # noqa: E402
from engine.training.frame_shard import read_frames  # noqa: E402
from tests.support.small_run import (  # noqa: E402
    AUDIO,
    CHECKPOINT,
    MODEL,
    ROOT,
    Hostile,
    arguments,
    changed,
)

pytestmark = pytest.mark.usefixtures("one_thread")


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


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"start": None}, "lacks 'start'"),
        ({"silence": None}, "not a latent shard"),
        ({"length": np.ones(2, int)}, "'length' is not of 6 sounds"),
        ({"length": np.full(6, 10**9)}, "sounds outside of it"),
        ({"start": np.full(6, -5)}, "sounds outside of it"),
        ({"held_out": np.ones(6, bool)}, "none to train on"),
        ({"category": np.full(6, -1)}, "'category' has values below 0"),
        ({"latents": np.full((120, 4), np.nan, np.float16)}, "'latents' has values that are not"),
    ],
)
def test_a_shard_whose_columns_do_not_fit_is_refused(
    columns: dict[str, Any], says: str, made: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    changed(made / "latents.npz", **columns)
    assert train.main(arguments(made)) == 2
    assert says in capfd.readouterr().err


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
