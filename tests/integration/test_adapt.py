"""`train --from VOICE --data FOLDER` with a real, tiny voice: killed, resumed, in every door."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
soundfile = pytest.importorskip("soundfile")

from engine import train  # noqa: E402
from engine.adaptation.finish import installed  # noqa: E402
from engine.adaptation.state import STATE, locked, read_state  # noqa: E402
from engine.errors import StorageError  # noqa: E402
from engine.runtime.onnx import OnnxRuntime  # noqa: E402
from engine.training.checkpoint import load_checkpoint  # noqa: E402
from engine.types import GenerateRequest  # noqa: E402
from engine.voice import load_voice  # noqa: E402
from tests.support.osc_client import OscClient  # noqa: E402
from tests.support.serving import ROOT, ServedEngine  # noqa: E402
from tests.support.tiny_voice import tiny_voice  # noqa: E402

RATE = 44_100
STEPS = "10"  # as many as make a line of progress of each training
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with voices/tiny, and sounds/ of fifteen knocks and taps."""
    tiny_voice(tmp_path / "voices" / "tiny")
    monkeypatch.setenv("DRIFTWAVE_VOICES", str(tmp_path / "voices"))
    folder = tmp_path / "sounds"
    folder.mkdir()
    for k in range(15):
        t = np.arange(int((0.08 + 0.01 * k) * RATE)) / RATE
        noise = np.random.default_rng(k).standard_normal(t.size)
        sound = np.exp(-t * 40) * (np.sin(2 * np.pi * 150 * 1.15**k * t) + 0.4 * noise)
        letter = "abcdefghijklmno"[k]
        name = f"{('knock', 'tap')[k % 2]}_{letter}{letter}.wav"
        soundfile.write(folder / name, 0.4 * sound, RATE)
    return tmp_path


def arguments(home: Path, *more: str) -> list[str]:
    return ["--from", "tiny", "--data", str(home / "sounds"), "--out", str(home / "run"),
            "--steps", STEPS, "--budget", "30s", *more]  # fmt: skip


def adapt(home: Path, *more: str) -> int:
    return train.main(arguments(home, *more))


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


def killed(home: Path, when: Path, *more: str) -> None:
    """Start the command and kill it -9 once ``when`` is there."""
    process = subprocess.Popen(
        [sys.executable, "-m", "engine.train", *arguments(home, *more)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    while not when.exists() and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    _, said = process.communicate()
    assert process.returncode == -signal.SIGKILL, said.decode()


def test_killed_twice_a_folder_becomes_a_voice_in_a_running_engine_and_the_base_stays(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, run, voices = ("--name", "kitchen"), home / "run", home / "voices"
    before = contents(voices / "tiny")
    killed(home, run / STATE, *name)  # prepared, not trained
    killed(home, run / "decoder" / "checkpoint.safetensors", *name)
    learned = contents(run / "denoiser")
    assert not (voices / "kitchen").exists()
    with (
        ServedEngine(home, voices, voice="tiny") as engine,
        OscClient(int(str(engine.facts["osc_port"]))) as client,
    ):
        assert adapt(home, *name, "--json") == 0
        client.send("/drift/voice/list")
        listed = client.until("/drift/done")
        assert "kitchen" in {args[0] for address, args in listed if address == "/drift/voice/item"}
        client.send("/drift/generate", 7, "voice", "kitchen", "prompt", "knock", "seed", 1)
        assert client.until("/drift/done", "/drift/fail")[-1][0] == "/drift/done"
    assert contents(run / "denoiser") == learned  # what was over was not done again
    assert contents(voices / "tiny") == before
    _check_voice(home, json.loads(capsys.readouterr().out.splitlines()[-1]))
    _check_report(run)
    # the encoder is the base's own, or its latents would mean something else
    ours, _ = load_checkpoint(run / "decoder" / "model.safetensors")
    start, _ = load_checkpoint(run / "codec.safetensors")
    changed = {part for part in start if not torch.equal(start[part], ours[part])}
    assert changed
    assert all(part.startswith("decoder.") for part in changed)


def _check_voice(home: Path, told: dict[str, Any]) -> None:
    voice = load_voice(home / "voices" / "kitchen")
    known = load_voice(home / "voices" / "tiny").conditioning.categories
    assert voice.conditioning.categories[: len(known)] == known
    assert {"kitchen", "knock", "tap"} == set(voice.conditioning.categories[len(known) :])
    assert (told["voice"], told["hash"]) == ("kitchen", voice.hash)
    assert "knock" in (voice.folder / "CARD.md").read_text()
    loaded = OnnxRuntime(1).load(voice)
    for prompt in ("", "kitchen", "dark knock"):
        made = loaded.generate(GenerateRequest(voice="kitchen", prompt=prompt, seed=3))
        assert np.abs(made.audio).max() > 0.01
        assert not made.words_unknown
        assert made.conditions["descriptors"]  # of an example


def _check_report(run: Path) -> None:
    report = json.loads((run / "report.json").read_text())
    assert report["facts"]["held"] >= 3
    assert {"before", "after", "real"} <= report.keys()
    assert "kitchen" in (run / "report.md").read_text()
    assert (run / "report.png").stat().st_size > 1000
    assert list((run / "previews").glob("final_*.wav"))


def test_one_sound_gives_variations_and_says_so(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in sorted((home / "sounds").iterdir())[1:]:
        path.unlink()
    assert adapt(home) == 0
    said = capsys.readouterr().err
    assert "one sound only: the voice makes variations of it" in said
    assert "learning: 100 %  step 10  loss" in said
    assert "tuning the decoder: 100 %  step 10  loss" in said
    report = json.loads((home / "run" / "report.json").read_text())
    assert report["facts"]["trained"] == 1
    assert report["change"] is None
    assert load_voice(home / "voices" / "sounds").recipe == "adapt"


@pytest.mark.parametrize(
    ("change", "more", "status", "message"),
    [
        ("text", (), 2, "no audio files in .*expected files ending in"),
        ("", ("--name", "tiny"), 2, "a voice is called 'tiny' already"),
        ("", ("--name", "a/b"), 2, "name is 'a/b'; use letters"),
        ("", ("--from", "tinny"), 3, "no voice is called 'tinny'"),
        ("", ("--codec", "x"), 2, "--codec is for training by a recipe"),
        ("strange", (), 2, "holds 'song.als', but no adaptation"),
    ],
)
def test_what_cannot_be_adapted_is_one_clear_error(
    home: Path,
    capsys: pytest.CaptureFixture[str],
    change: str,
    more: tuple[str, ...],
    status: int,
    message: str,
) -> None:
    if change == "text":
        for path in (home / "sounds").iterdir():
            path.unlink()
        (home / "sounds" / "notes.txt").write_text("no sound")
    if change == "strange":
        (home / "run").mkdir()
        (home / "run" / "song.als").write_text("the musician's own")
    assert adapt(home, *more) == status
    said = capsys.readouterr().err
    assert len(said.strip().splitlines()) == 1
    assert re.search(message, said)
    assert [p.name for p in (home / "voices").iterdir()] == ["tiny"]


def test_other_sounds_need_a_word_and_two_at_once_are_refused(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = home / "run"
    killed(home, out / STATE)
    soundfile.write(home / "sounds" / "new.wav", np.hanning(4000), RATE)
    assert adapt(home) == 2
    assert "begin anew with --again" in capsys.readouterr().err
    with locked(out):
        assert adapt(home, "--again") == 1
    assert "another process adapts" in capsys.readouterr().err
    (out / "notes.txt").write_text("the musician's own")
    assert read_state(out, "another key", again=True).spent == {}
    assert {path.name for path in out.iterdir()} == {"notes.txt", ".lock"}


def test_a_recipe_is_not_mistaken_for_an_adaptation(capsys: pytest.CaptureFixture[str]) -> None:
    def said(*words: str) -> tuple[int, Any]:
        return train.main(list(words)), capsys.readouterr().err

    assert said("--data", ".")[0] == 2
    status, text = said("codec", "--data", ".")
    assert status == 2
    assert "needs --out" in text
    status, text = said("codec", "--data", ".", "--out", "x", "--again")
    assert status == 2
    assert "without a RECIPE" in text


def test_a_voice_that_finds_no_room_leaves_nothing_and_says_what_to_do(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = load_voice(home / "voices" / "tiny")
    monkeypatch.setenv("DRIFTWAVE_VOICES", "/dev/full")  # no folder can be made in it
    with pytest.raises(StorageError, match=r"cannot write the voice to .*the training is whole"):
        installed(base, "kitchen", "a card")
