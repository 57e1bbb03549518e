"""Every command: its help, its errors, its exit status, and that data goes to stdout only."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from engine import cli, console
from engine.errors import AudioDeviceError, Cancelled, OutOfMemory, PortError, VoiceError
from engine.library import Library
from engine.playback import play_blocking
from tests.support.clips import make_clip

OWN = (
    "serve", "generate", "pattern", "denoise", "voices", "clips", "doctor", "install",
)  # fmt: skip


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees or changes what the user has installed."""
    for name in ("CONFIG_DIR", "RUNTIME_DIR", "VOICES"):
        monkeypatch.setenv(f"DRIFTWAVE_{name}", str(tmp_path / name.lower()))
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setattr("engine.voice._SHIPPED", tmp_path / "shipped")
    return tmp_path


def run(*argv: str) -> int:
    return cli.main(argv)


@pytest.mark.parametrize("name", OWN)
def test_help_is_the_same_by_both_names(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(name, "--help") == 0
    text = capsys.readouterr().out
    assert text.startswith(f"Usage: driftwave {name}")
    module = importlib.import_module(cli.COMMANDS[name])
    assert module.main(["--help"]) == 0
    assert capsys.readouterr().out == text


@pytest.mark.parametrize(
    "argv",
    [
        ("train", "drums_flow", "--data", ".", "--out", "x"),
        ("train", "--from", "drums", "--data", "."),
        ("lab", "--list"),
        ("evaluate", "drums", "--data", "."),
        ("export", "run", "--out", "x"),
    ],
    ids=lambda argv: " ".join(argv[:2]),
)
def test_what_trains_says_what_the_base_install_lacks(argv: tuple[str, ...]) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"  # as where it is not installed
        "from engine import cli; sys.exit(cli.main(sys.argv[1:]))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, *argv], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.strip().endswith(
        "this needs torch, which is not installed: pip install 'driftwave[train]'"
    )


@pytest.mark.parametrize("name", OWN)
def test_an_unknown_flag_is_a_usage_error(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(name, "--no-such-flag") == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert "no-such-flag" in streams.err


def test_the_list_of_commands_imports_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    text = capsys.readouterr().out
    for name in OWN:
        assert name in text
    assert run("--version") == 0
    assert run("nonsense") == 2
    script = "import sys\nfrom engine import cli\ncli.main(['--help'])\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    for heavy in ("numpy", "onnxruntime", "torch", "soundfile", "engine.serve"):
        assert heavy not in done.stdout.split()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_the_program(
    shell: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("completion", shell) == 0
    assert "_DRIFTWAVE_COMPLETE" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (VoiceError("v"), 3),
        (PortError("p"), 4),
        (AudioDeviceError("a"), 5),
        (OutOfMemory("m"), 6),
        (MemoryError(), 6),
        (Cancelled("c"), 130),
        (KeyboardInterrupt(), 130),
        (click.UsageError("u"), 2),
    ],
    ids=repr,
)
def test_every_error_has_its_exit_status(
    error: BaseException, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command("fails")
    @console.json_option
    def fails(as_json: bool) -> None:
        raise error

    assert console.run(fails, []) == status
    assert capsys.readouterr().out == ""


def test_json_errors_are_json_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("generate", "snare", "--voice", "nothing", "--json") == 3
    streams = capsys.readouterr()
    assert json.loads(streams.out)["error"]["code"] == "no_voice"
    assert streams.err.startswith("driftwave: ")


def test_a_reader_that_leaves_early_is_no_error() -> None:
    writer = [sys.executable, "-m", "engine.cli", "completion", "bash"]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(writer, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        (["--from", "missing.wav"], 2),
        (["--seed", "x"], 2),
        (["--device", "gpu"], 2),
        (["--voice", "nothing"], 3),
    ],
)
def test_generate_refuses_what_is_wrong(argv: list[str], status: int) -> None:
    assert run("generate", "snare", *argv) == status


def test_voices_without_any_is_an_error_for_people_and_a_list_for_machines(
    capsys: pytest.CaptureFixture[str], own_folders: Path
) -> None:
    assert run("voices") == 3
    assert str(own_folders / "voices") in capsys.readouterr().err
    assert run("voices", "--json") == 0
    assert json.loads(capsys.readouterr().out)["voices"] == []
    broken = own_folders / "voices" / "bad"
    broken.mkdir(parents=True)
    (broken / "voice.toml").write_text("not toml at all [")
    assert run("voices", "--json") == 0
    assert str(broken) in json.loads(capsys.readouterr().out)["broken"][0]["folder"]
    assert run("voices", "bad") == 3


def test_clips_lists_curates_deletes_and_restores(
    capsys: pytest.CaptureFixture[str], own_folders: Path
) -> None:
    folder = own_folders / "library"
    clips = [make_clip(seed, prompt=prompt) for seed, prompt in enumerate(["kick", "snare"])]
    with Library(folder) as library:
        for clip in clips:
            library.add(clip)
    kick = clips[0].id
    flag = ["--library", str(folder)]
    assert run("clips", "list", *flag, "--json") == 0
    assert [row["prompt"] for row in json.loads(capsys.readouterr().out)] == ["snare", "kick"]
    assert run("clips", "name", kick[:8], "Boom", *flag) == 0
    assert run("clips", "tag", kick[:8], "low", *flag) == 0
    assert run("clips", "favourite", kick, *flag) == 0
    assert run("clips", "list", "boom", *flag) == 0
    line = capsys.readouterr().out
    assert line.startswith(kick[:8] + " *")
    assert line.endswith("Boom #low\n")
    assert run("clips", "show", kick[:8], *flag, "--json") == 0
    info = json.loads(capsys.readouterr().out)
    assert (info["seed"], info["tags"]) == (clips[0].seed, ["low"])
    assert run("clips", "show", "ffffffff", *flag) == 2
    assert run("clips", "delete", kick[:8], *flag) == 0
    capsys.readouterr()
    assert run("clips", "list", "--trash", *flag) == 0
    assert capsys.readouterr().out.startswith(kick)
    assert run("clips", "restore", kick[:8], *flag) == 0
    assert run("clips", "restore", kick, *flag) == 2
    assert run("clips", "delete", kick[:8], *flag) == 0
    assert run("clips", "empty-trash", *flag) == 0
    assert run("clips", "restore", kick, *flag) == 2


def test_install_copies_records_and_takes_away(
    capsys: pytest.CaptureFixture[str], own_folders: Path
) -> None:
    build = own_folders / "build"
    bundle = build / "vst3" / "driftwave-generate.vst3"
    (bundle / "Contents").mkdir(parents=True)
    (bundle / "Contents" / "plugin.so").write_bytes(b"1")
    (build / "driftwave-generate.clap").write_bytes(b"1")
    home = own_folders / "home"
    installed = home / ".vst3" / bundle.name / "Contents" / "plugin.so"
    record = own_folders / "config_dir" / "driftwave" / "launch"

    assert run("install", "--plugins", str(build), "--dry-run") == 0
    assert not installed.exists()
    assert not record.exists()
    assert run("install", "--plugins", str(build)) == 0
    (bundle / "Contents" / "plugin.so").write_bytes(b"2")
    assert run("install", "--plugins", str(build)) == 0, "installing again replaces"
    assert installed.read_bytes() == b"2"
    assert (home / ".clap" / "driftwave-generate.clap").exists()
    program, *arguments = record.read_text().splitlines()
    done = subprocess.run([program, *arguments, "--help"], cwd="/", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--osc-port" in done.stdout
    assert not list(home.rglob("*.new"))

    other = home / ".vst3" / "other.vst3"
    other.mkdir()
    assert run("install", "--uninstall") == 0
    assert not installed.exists()
    assert not record.exists()
    assert other.exists()
    assert run("install", "--uninstall") == 0
    capsys.readouterr()
    assert run("install", "--plugins", str(own_folders / "empty")) == 2
    assert "make setup" in capsys.readouterr().err


def test_doctor_names_a_remedy_for_everything_that_is_wrong(
    capsys: pytest.CaptureFixture[str], own_folders: Path
) -> None:
    assert run("doctor", "--json", "--library", str(own_folders / "library")) == 1
    report = json.loads(capsys.readouterr().out)
    names = {check["name"] for check in report["checks"]}
    assert {"python", "voice", "plugin", "launch record", "osc port", "sound", "disk"} <= names
    for check in report["checks"]:
        assert check["state"] == "ok" or check["remedy"], check
    assert report["failures"] >= 1
    assert run("doctor", "--library", str(own_folders / "library")) == 1
    assert "FAIL" in capsys.readouterr().out


def test_serve_refuses_wrong_settings_before_it_opens_anything(own_folders: Path) -> None:
    config = own_folders / "config_dir" / "driftwave"
    config.mkdir(parents=True)
    (config / "config.toml").write_text("osc_prot = 1\n")
    assert run("serve") == 2
    (config / "config.toml").unlink()
    assert run("serve", "--osc-port", "70000") == 2
    assert run("serve", "--log-format", "xml") == 2
    assert run("serve", "--library", "/proc/nowhere") == 1


def test_a_device_that_refuses_is_an_audio_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing:
        class PortAudioError(Exception):
            pass

        def play(self, audio: object, sample_rate: int) -> None:
            raise self.PortAudioError("Invalid sample rate")

    monkeypatch.setattr("engine.playback.open_sounddevice", Refusing)
    with pytest.raises(AudioDeviceError, match="22050 Hz"):
        play_blocking(make_clip().audio, 22_050)
