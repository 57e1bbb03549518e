"""plugin_host with the real engine: generated, played, saved, recalled without it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge import _native
from engine.install import launch_command
from engine.library import Library
from plugin_host.harness import Harness, find_clip, note_on
from tests.support.serving import ROOT, WATCHDOG_S, ServedEngine, engine_environment
from tests.support.tiny_voice import tiny_voice

mido = pytest.importorskip("mido")


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("voices")
    tiny_voice(folder / "tiny")
    return folder


def song(file: Path) -> Path:
    """Two hits of pad 1 and one of pad 2, half a second apart."""
    midi = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    midi.tracks.append(track)
    for number, note in enumerate((36, 37, 36)):
        delta = 480 if number else 0
        track.append(mido.Message("note_on", note=note, velocity=127, time=delta))
    midi.save(file)
    return file


def host(folder: Path, voices: Path, *arguments: str | Path, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "plugin_host", *map(str, arguments)],
        cwd=ROOT,
        env={**engine_environment(folder, voices), "DRIFTWAVE_NO_AUTOSTART": "1"},
        capture_output=True,
        text=True,
        timeout=WATCHDOG_S,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_song_is_rendered_from_prompts_and_again_without_the_engine(
    tmp_path: Path, voices: Path
) -> None:
    midi, state = song(tmp_path / "song.mid"), tmp_path / "kit.state"
    flags = ("--rate", "44100", "--set", "attack_time", "0", "--set", "seconds", "0.4")
    prompts = ("--pad", "1", "deep kick blorp", "--pad", "2", "short snare", "--seed", "7")
    with ServedEngine(tmp_path, voices, voice="tiny") as engine:
        for name in "ab":
            host(tmp_path, voices, "render", midi, tmp_path / f"{name}.wav", *flags, *prompts,
                 "--save", state, "--bits", "32")  # fmt: skip
        with Library(engine.library) as library:
            clips = {clip.prompt: clip for clip in (library.get(r.id) for r in library.search())}
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    host(tmp_path, voices, "render", midi, tmp_path / "c.wav", "--rate", "44100", "--bits", "32",
         "--state", state)  # fmt: skip
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "c.wav").read_bytes()
    kick = clips["deep kick blorp"].audio
    with Harness(link=False) as other:
        other.generator.load_state(state.read_bytes())
        info = other.generator.snapshot().pads[0].clip
        assert (info.voice, info.seed, info.prompt) == ("tiny", 7, "deep kick blorp")
        assert "blorp" in info.words_unknown
        assert "kick" in info.words_understood
        assert np.array_equal(other.generator.clip_samples(0), kick)
        assert find_clip(other.play(44_100, [note_on(123, 36)]), kick) == 123
    audio, _ = soundfile.read(tmp_path / "c.wav", dtype="float32", always_2d=True)
    assert np.array_equal(audio[: kick.shape[1], 0], kick[0])


def test_without_an_engine_the_missing_pads_are_named(tmp_path: Path, voices: Path) -> None:
    words = host(
        *(tmp_path, voices, "render", song(tmp_path / "song.mid"), tmp_path / "out.wav"),
        *("--pad", "3", "hat", "--wait", "1"),
        code=3,
    )
    assert "no sound for pad 3" in words
    assert "driftwave serve" in words
    assert not (tmp_path / "out.wav").exists()


def test_variations_and_fresh_hits_come_from_the_engine(tmp_path: Path, voices: Path) -> None:
    with (
        ServedEngine(tmp_path, voices, voice="tiny"),
        Harness(runtime_dir=str(tmp_path / "run")) as plugin,
    ):
        generator = plugin.generator
        generator.set_parameter("seconds", 0.3)
        first = plugin.generate(0, "short dark snare", 5)
        generator.vary(0)
        plugin.wait(lambda s: s.pads[0].clip.serial != first.serial, "a variation")
        varied = generator.clip_samples(0)
        assert generator.undo(0)
        original = generator.clip_samples(0)
        assert original.shape == varied.shape
        assert not np.array_equal(original, varied)
        generator.set_parameter("fresh", 1.0)
        plugin.wait(lambda s: s.pads[0].pool == 4, "a full pool")
        heard = [plugin.hit(0, 22_050).tobytes() for _ in range(4)]
        assert len(set(heard)) == 4
        assert generator.snapshot().late_variations == 0


def test_an_unknown_voice_is_told_in_words(tmp_path: Path, voices: Path) -> None:
    with (
        ServedEngine(tmp_path, voices, voice="tiny"),
        Harness(runtime_dir=str(tmp_path / "run")) as plugin,
    ):
        plugin.generator.set_voice(0, "theremin")
        plugin.generator.set_prompt(0, "kick")
        plugin.generator.generate(0)
        now = plugin.wait(lambda s: bool(s.message), "a message")
        assert "theremin" in now.message
        assert not plugin.wait(lambda s: not s.pads[0].waiting, "the end of it").pads[0].clip.serial


def test_the_plugin_starts_the_engine_that_was_installed(
    tmp_path: Path, voices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in engine_environment(tmp_path, voices).items():
        monkeypatch.setenv(name, value)
    record = tmp_path / "config" / "driftwave" / "launch"
    record.parent.mkdir(parents=True)
    command = [
        *launch_command(),
        *("--osc-port", "0", "--device", "cpu", "--voice", "tiny"),
        *("--library", str(tmp_path / "library")),
    ]
    record.write_text("\n".join(command) + "\n")
    pid = 0
    try:
        with Harness(autostart=True) as plugin:
            plugin.generator.set_parameter("seconds", 0.3)
            plugin.generate(0, "deep kick", 3)
            assert plugin.generator.clip_samples(0).any()
            pid = engine_pid(tmp_path)
        os.kill(pid, 0)  # it outlives the plugin
        assert plugin.block == 512
    finally:
        if pid := pid or engine_pid(tmp_path):
            os.kill(pid, signal.SIGKILL)


def engine_pid(folder: Path) -> int:
    """The engine whose library is in `folder`, found among all processes; 0: none."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder / "library").encode() in entry.read_bytes():
                return int(entry.parent.name)
        except OSError:
            continue
    return 0


def test_status_names_voices_and_device(tmp_path: Path, voices: Path) -> None:
    with (
        ServedEngine(tmp_path, voices, voice="tiny"),
        Harness(runtime_dir=str(tmp_path / "run")) as plugin,
    ):
        now = plugin.wait(lambda s: bool(s.voices) and bool(s.device), "a status")
        assert now.voices[0] == "tiny"
        assert now.engine_version
        assert now.status in (_native.EngineStatus.READY, _native.EngineStatus.BUSY)
