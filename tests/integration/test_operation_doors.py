"""Every operation from the command line and over OSC, with real processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from engine.library import Library
from engine.library.importing import IMPORT
from tests.support.osc_client import OscClient
from tests.support.serving import ROOT, WATCHDOG_S, ServedEngine, engine_environment

ENDS = ("/drift/done", "/drift/fail")
RATE = 48_000


class Shell:
    """`driftwave` in a folder of its own, with the voice `tiny`."""

    def __init__(self, folder: Path, voices: Path) -> None:
        self.folder = folder
        self.library = folder / "library"
        self._environment = engine_environment(folder, voices)

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        flags = ["--library", str(self.library), "--device", "cpu", "--out", str(self.folder)]
        return subprocess.run(
            [sys.executable, "-m", "engine.cli", *argv, *flags, "--json"],
            cwd=ROOT, env=self._environment, capture_output=True, text=True, timeout=WATCHDOG_S,
        )  # fmt: skip

    def made(self, *argv: str, voice: bool = True) -> dict[str, Any]:
        """The report of a command that must succeed."""
        done = self.run(*argv, *(("--voice", "tiny") if voice else ()))
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def sounds(self, report: dict[str, Any]) -> list[np.ndarray]:
        """The files of a report, (C, T) each."""
        return [
            soundfile.read(file, dtype="float32", always_2d=True)[0].T for file in report["files"]
        ]


@pytest.fixture
def shell(tmp_path: Path, tiny_voices: Path) -> Shell:
    return Shell(tmp_path, tiny_voices)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A file from elsewhere: stereo, 48 kHz, 16 bits, half a second."""
    time = np.arange(RATE // 2) / RATE
    wave = 0.5 * np.sin(2 * np.pi * 200 * time) * np.exp(-8 * time)
    path = tmp_path / "beatbox.wav"
    soundfile.write(path, np.stack((wave, 0.5 * wave), axis=1), RATE)
    return path


def test_generate_loops_bars_and_morphs(shell: Shell) -> None:
    flags = ("--loop", "--bars", "1", "--bpm", "187.3", "--rate", "96000", "--seed", "1")
    made = shell.made("generate", "kick", *flags, "--morph", "snare", "--mix", "0.25")
    assert made["sample_rate"] == 96_000
    assert shell.sounds(made)[0].shape == (1, round(4 * 60 / 187.3 * 96_000))
    again = shell.run("again", made["clips"][0])
    assert json.loads(again.stdout)["identical"] is True, again.stderr
    refused = shell.run("generate", "kick", "--bars", "2")
    assert refused.returncode == 2
    assert "without bpm" in refused.stderr
    refused = shell.run("generate", "kick", "--mix", "0.5")
    assert "--morph" in refused.stderr


def test_vary_of_a_file_and_of_a_clip(shell: Shell, recording: Path) -> None:
    source = soundfile.read(recording, dtype="float32", always_2d=True)[0].T
    kept = shell.made("vary", str(recording), "--strength", "0", "--seed", "1")
    assert np.array_equal(shell.sounds(kept)[0], source)
    far = shell.made("vary", kept["clips"][0][:8], "--strength", "0.8", "--count", "2")
    assert far["parents"] == kept["clips"]
    assert not np.array_equal(*shell.sounds(far))
    loop = shell.made(
        "vary", str(recording), "--strength", "0.3", "--loop", "--bars", "1", "--bpm", "480"
    )
    assert shell.sounds(loop)[0].shape == (2, RATE // 2)
    with Library(shell.library) as library:
        assert library.record(kept["parents"][0]).voice == IMPORT
        assert kept["parents"] == loop["parents"]


def test_inpaint(shell: Shell, recording: Path) -> None:
    source = soundfile.read(recording, dtype="float32", always_2d=True)[0].T
    made = shell.sounds(shell.made("inpaint", str(recording), "0.1", "0.2", "--prompt", "snare"))[0]
    assert np.array_equal(made[:, : RATE // 10], source[:, : RATE // 10])
    assert np.array_equal(made[:, RATE // 5 :], source[:, RATE // 5 :])
    assert not np.array_equal(made, source)


def test_continue(shell: Shell, recording: Path) -> None:
    made = shell.sounds(shell.made("continue", str(recording), "0.25"))[0]
    assert made.shape == (2, RATE // 2 + RATE // 4)


def test_interpolate(shell: Shell, recording: Path) -> None:
    clip = shell.made("generate", "kick", "--seconds", "0.3", "--rate", str(RATE), "--seed", "2")
    made = shell.made("interpolate", clip["clips"][0], str(recording), "--points", "4")
    assert len(made["parents"]) == 2
    row = shell.sounds(made)
    assert [sound.shape[1] for sound in row] == [14_400, 17_600, 20_800, 24_000]
    assert np.array_equal(row[0], shell.sounds(clip)[0])
    assert np.array_equal(row[3], soundfile.read(recording, dtype="float32")[0].T)
    one = shell.made("interpolate", clip["clips"][0], str(recording), "--mix", "0.5")
    assert len(one["files"]) == 1


def test_sketch_of_a_recording_and_of_drawn_curves(shell: Shell, recording: Path) -> None:
    made = shell.made("sketch", str(recording), "snare", "--loop")
    assert shell.sounds(made)[0].shape == (1, 22_050)
    drawn = shell.folder / "swell.json"
    drawn.write_text('{"loudness": [0.2, 0.9, 0.4], "brightness": [0.3, 0.7]}')
    made = shell.made("sketch", str(drawn), "snare", "--seconds", "0.4")
    assert shell.sounds(made)[0].shape == (1, 17_640)
    drawn.write_text('{"loudnes": [1]}')
    refused = shell.run("sketch", str(drawn), "snare")
    assert refused.returncode == 2
    assert "'loudnes'" in refused.stderr


def test_resynthesise(shell: Shell, recording: Path) -> None:
    made = shell.made("resynthesise", str(recording))
    assert shell.sounds(made)[0].shape == (2, RATE // 2)
    refused = shell.run("resynthesise", "no-such-thing")
    assert refused.returncode == 2
    assert "neither a sound file nor a clip" in refused.stderr


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, tiny_voices: Path) -> Iterator[ServedEngine]:
    with ServedEngine(tmp_path_factory.mktemp("served"), tiny_voices, voice="tiny") as engine:
        yield engine


@pytest.fixture
def client(engine: ServedEngine) -> Iterator[OscClient]:
    with OscClient(engine.port) as client:
        yield client


def clips(client: OscClient, address: str, *args: object) -> list[str]:
    """The clips that a request makes."""
    client.send(address, 1, *args)
    answers = client.until(*ENDS)
    assert answers[-1][0] == "/drift/done", answers[-1]
    assert answers[-1][1][:2] == [address.removeprefix("/drift/"), 1]
    return [str(values[0]) for name, values in answers if name == "/drift/clip/added"]


@pytest.fixture
def pair(client: OscClient) -> list[str]:
    return [
        *clips(client, "/drift/generate", "prompt", "kick", "seed", 1, "duration", 0.3),
        *clips(client, "/drift/generate", "prompt", "snare", "seed", 2, "duration", 0.5),
    ]


def test_osc_generates_loops_bars_morphs_regions_and_mixes(
    client: OscClient, engine: ServedEngine, pair: list[str]
) -> None:
    keys = ("bars", 1, "bpm", 187.3, "loop", 1, "rate", 48_000, "morph", "snare", "mix", 0.25)
    (loop,) = clips(client, "/drift/generate", "prompt", "kick", *keys)
    (region,) = clips(
        client, "/drift/generate", "source", pair[0], "mask_start", 0.1, "mask_end", 0.2
    )
    (between,) = clips(client, "/drift/generate", "clip_a", pair[0], "clip_b", pair[1], "mix", 0.5)
    with Library(engine.library) as library:
        found = library.get(loop)
        assert found.sample_rate == 48_000
        # OSC's 187.3 is a 32-bit float
        assert found.audio.shape[1] == round(240 / float(np.float32(187.3)) * 48_000)
        assert library.record(between).parents == tuple(pair)
        kept, source = library.get(region).audio, library.get(pair[0]).audio
        assert np.array_equal(kept[:, :4410], source[:, :4410])
        assert not np.array_equal(kept, source)


def test_osc_varies(client: OscClient, engine: ServedEngine, pair: list[str]) -> None:
    (same,) = clips(client, "/drift/vary", pair[0], 0.0)
    (loop,) = clips(client, "/drift/vary", pair[0], 0.4, 1, "loop", 1, "bars", 1, "bpm", 480)
    with Library(engine.library) as library:
        assert np.array_equal(library.get(same).audio, library.get(pair[0]).audio)
        assert library.record(loop).frames == 22_050


def test_osc_inpaints(client: OscClient, engine: ServedEngine, pair: list[str]) -> None:
    (made,) = clips(client, "/drift/inpaint", pair[1], 0.1, 0.3, "prompt", "clap", "seed", 3)
    with Library(engine.library) as library:
        new, old = library.get(made), library.get(pair[1])
    assert np.array_equal(new.audio[:, :4410], old.audio[:, :4410])
    assert np.array_equal(new.audio[:, 13_230:], old.audio[:, 13_230:])
    assert new.prompt == "clap"


def test_osc_continues(client: OscClient, engine: ServedEngine, pair: list[str]) -> None:
    (made,) = clips(client, "/drift/continue", pair[0], 0.25)
    with Library(engine.library) as library:
        assert library.record(made).frames == round(0.3 * 44_100) + 11_025


def test_osc_interpolates(client: OscClient, engine: ServedEngine, pair: list[str]) -> None:
    row = clips(client, "/drift/interpolate", *pair, 0.5, "points", 3)
    (one,) = clips(client, "/drift/interpolate", *pair, 0.5)
    with Library(engine.library) as library:
        sounds = [library.get(clip).audio for clip in (*row, *pair)]
        assert library.record(one).parents == tuple(pair)
    assert np.array_equal(sounds[0], sounds[3])
    assert np.array_equal(sounds[2], sounds[4])
    assert not np.array_equal(sounds[1], sounds[0])


def test_osc_sketches(client: OscClient, engine: ServedEngine, pair: list[str]) -> None:
    (copied,) = clips(client, "/drift/sketch", pair[0], "prompt", "snare")
    (drawn,) = clips(
        client, "/drift/sketch", "", "prompt", "snare", "loudness", "1 .2 .8 0", "duration", 0.5
    )
    with Library(engine.library) as library:
        assert library.record(copied).parents == (pair[0],)
        assert library.record(drawn).frames == 22_050
    client.send("/drift/sketch", 1, "", "loudness", "loud")
    assert client.until(*ENDS)[-1][1][2] == "bad_range"


def test_osc_resynthesises(client: OscClient, engine: ServedEngine, pair: list[str]) -> None:
    (made,) = clips(client, "/drift/resynthesise", pair[0])
    with Library(engine.library) as library:
        assert library.record(made).frames == library.record(pair[0]).frames


def test_osc_makes_again(client: OscClient, engine: ServedEngine, pair: list[str]) -> None:
    (made,) = clips(client, "/drift/inpaint", pair[0], 0.1, 0.2)
    (again,) = clips(client, "/drift/again", made)
    with Library(engine.library) as library:
        assert np.array_equal(library.get(made).audio, library.get(again).audio)
        library.delete(pair[0])
    client.send("/drift/again", 1, made)
    code, message = client.until(*ENDS)[-1][1][2:4]
    assert code == "not_found"
    assert "restore it" in message
