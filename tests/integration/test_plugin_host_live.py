"""plugin_host plays live: notes from mido, real audio through PortAudio on JACK."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from plugin_host.harness import Harness
from tests.support.engine_process import as_stereo, find_clip, run_host, run_python_host, wait_for
from tests.support.jack_server import jack_environment, jack_server
from tests.support.serving import ROOT, WATCHDOG_S, engine_environment

pytest.importorskip("mido")
pytest.importorskip("jack")

RATE_HZ = 44_100
PERIOD = 1024
AUDIO_OUTS = ("PortAudio:out_0", "PortAudio:out_1")


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Of a JACK server of its own, with no engine to meet or to start."""
    environment = {
        **engine_environment(tmp_path, tmp_path),
        **jack_environment(),
        "DRIFTWAVE_NO_AUTOSTART": "1",
        "MIDO_BACKEND": "tests.support.mido_socket",
        "MIDO_SOCKET": str(tmp_path / "midi.sock"),
        "PYTHONPATH": str(ROOT),
    }
    with jack_server(environment, tmp_path, RATE_HZ, PERIOD):
        yield environment


@contextmanager
def running(
    environment: dict[str, str], folder: Path, *command: str | Path
) -> Iterator[subprocess.Popen[str]]:
    """A Python module as a process whose messages go to FOLDER/MODULE.log."""
    with (folder / f"{command[0]}.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *map(str, command)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            text=True,
        )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=WATCHDOG_S)


def kit(folder: Path) -> tuple[Path, np.ndarray]:
    """A saved kit whose pad 1 holds a sound, and that sound `(1, T)`."""
    rng = np.random.default_rng(5)
    sound = (rng.uniform(-0.5, 0.5, 20_000) * np.linspace(1, 0, 20_000)).astype(np.float32)
    soundfile.write(folder / "sound.wav", sound, RATE_HZ, subtype="PCM_24")
    with Harness(link=False) as host:
        host.generator.import_file(0, str(folder / "sound.wav"))
        host.generator.set_parameter("attack_time", 0.0)
        (folder / "kit.state").write_bytes(host.generator.save_state())
        return folder / "kit.state", np.asarray(host.generator.clip_samples(0))


def test_a_key_is_heard_through_the_sound_device_sample_by_sample(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    state, sound = kit(tmp_path)
    midi_in = Path(environment["MIDO_SOCKET"])
    with running(environment, tmp_path, "plugin_host", "--state", state, "--midi", "sock") as host:

        def ports() -> str:
            assert host.poll() is None, (tmp_path / "plugin_host.log").read_text()
            return run_host(["jack_lsp"], environment)

        wait_for(lambda: AUDIO_OUTS[1] in ports() and midi_in.exists(), "the host's ports")

        def heard() -> bool:  # not at once where the machine is too busy for a cycle
            run_python_host(
                "tests.support.jack_player",
                [midi_in, *AUDIO_OUTS, "36", "1.5", tmp_path / "heard.npy"],
                environment,
            )
            return find_clip(np.load(tmp_path / "heard.npy"), as_stereo(sound)) >= 0

        wait_for(heard, "the very samples of the clip")
        host.send_signal(signal.SIGINT)
        assert host.wait(WATCHDOG_S) == 130
    said = (tmp_path / "plugin_host.log").read_text()
    assert f"at {RATE_HZ} Hz" in said
    assert "MIDI port socket is open" in said
    assert "Traceback" not in said


def test_devices_are_listed_and_a_wrong_one_is_named(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    host = [sys.executable, "-m", "plugin_host"]
    assert "JACK Audio Connection Kit" in run_host([*host, "--list-devices"], environment)
    done = subprocess.run(
        [*host, "--device", "theremin", "--midi", ""],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=WATCHDOG_S,
        check=False,
    )
    assert done.returncode == 5
    assert "theremin" in done.stderr
    assert "--list-devices" in done.stderr
    assert "Traceback" not in done.stderr
