"""`python -m engine.generate` as a person or a script uses it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.library import Library
from tests.support.serving import ROOT, WATCHDOG_S, engine_environment


def command(folder: Path, voices: Path, *flags: str) -> tuple[list[str], dict[str, str]]:
    argv = [sys.executable, "-m", "engine.generate", *flags]
    argv += ["--voice", "tiny", "--device", "cpu", "--library", str(folder / "library")]
    return argv, engine_environment(folder, voices)


def run(folder: Path, voices: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    argv, environment = command(folder, voices, *flags)
    return subprocess.run(
        argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=WATCHDOG_S
    )


def test_a_seed_gives_four_files_and_the_same_ones_again(tmp_path: Path, tiny_voices: Path) -> None:
    reports = []
    for folder in ("one", "two", "one"):
        flags = ("--seed", "7", "--count", "4", "--out", str(tmp_path / folder), "--json")
        done = run(tmp_path, tiny_voices, "short dark snare blorp", *flags)
        assert done.returncode == 0, done.stderr
        reports.append(json.loads(done.stdout))
    first, second, again = reports
    assert first["files"] == again["files"]
    names = [Path(file).name for file in first["files"]]
    assert names == [f"short-dark-snare-blorp_s7_{k}.wav" for k in (1, 2, 3, 4)]
    assert (first["seed"], first["voice"], len(first["voice_hash"])) == (7, "tiny", 64)
    assert "blorp" in first["words_unknown"]
    assert len(first["milliseconds"]) == 4
    assert len(first["clips"]) == 4
    contents = [Path(file).read_bytes() for file in first["files"]]
    assert contents == [Path(file).read_bytes() for file in second["files"]]
    assert len(set(contents)) == 4
    assert len(list((tmp_path / "one").iterdir())) == 4, "the same sounds are not written twice"
    for file in first["files"]:
        assert soundfile.info(file).subtype == "PCM_24"
        assert soundfile.info(file).samplerate == first["sample_rate"]
    with Library(tmp_path / "library") as library:
        assert library.count() == 12


def test_nothing_is_kept_or_told_outside_the_folders_that_were_named(
    tmp_path: Path, tiny_voices: Path
) -> None:
    """ONNX Runtime would keep an identifier of the device in ~/.cache, and report."""
    argv, environment = command(tmp_path, tiny_voices, "kick", "--out", str(tmp_path / "out"))
    home = tmp_path / "home"
    home.mkdir()
    environment = {**environment, "HOME": str(home)}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    environment.pop("XDG_CACHE_HOME", None)
    done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, timeout=WATCHDOG_S)
    assert done.returncode == 0, done.stderr
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_another_sound_never_replaces_a_file(tmp_path: Path, tiny_voices: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "kick_s1_1.wav").write_bytes(b"precious")
    done = run(tmp_path, tiny_voices, "kick", "--seed", "1", "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert (out / "kick_s1_1.wav").read_bytes() == b"precious"
    assert (out / "kick_s1_1-2.wav").exists()
    assert "kick_s1_1-2.wav" in done.stdout


def test_a_file_is_varied_by_strength(tmp_path: Path, tiny_voices: Path) -> None:
    time = np.arange(22_050) / 44_100
    source = tmp_path / "source.wav"
    soundfile.write(source, 0.5 * np.sin(2 * np.pi * 200 * time) * np.exp(-8 * time), 44_100)
    flags = ("--from", str(source), "--seed", "1", "--out", str(tmp_path), "--json")
    outputs = []
    for strength in ("0.1", "1.0"):
        done = run(tmp_path, tiny_voices, "kick", *flags, "--strength", strength)
        assert done.returncode == 0, done.stderr
        outputs.append(Path(json.loads(done.stdout)["files"][0]).read_bytes())
    assert outputs[0] != outputs[1]


@pytest.mark.parametrize(
    ("flags", "status", "words"),
    [
        (["--steps", "0"], 2, "expected 1 to 64"),
        (["--count", "65"], 2, "expected 1 to 64"),
        (["--seconds", "1000"], 2, "expected"),
        (["--brightness", "1.5"], 2, "expected 0 to 1"),
        (["--note", "200"], 2, "expected 0 to 127"),
        (["--from", "pyproject.toml"], 2, "cannot be read as audio"),
        (["--out", "/proc/nowhere"], 1, "cannot be written"),
    ],
    ids=str,
)
def test_wrong_values_are_said_with_what_was_expected(
    tmp_path: Path, tiny_voices: Path, flags: list[str], status: int, words: str
) -> None:
    done = run(tmp_path, tiny_voices, "kick", *flags)
    assert done.returncode == status, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_ctrl_c_ends_it_with_130(tmp_path: Path, tiny_voices: Path) -> None:
    argv, environment = command(
        tmp_path, tiny_voices, "kick", "--steps", "64", "--count", "64", "--out", str(tmp_path)
    )
    process = subprocess.Popen(
        argv, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # a job in a shell's background ignores it, and so would its children
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    while process.poll() is None and not list(tmp_path.glob("kick*.wav")):
        pass
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=WATCHDOG_S)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert not list(tmp_path.glob(".*.tmp"))
