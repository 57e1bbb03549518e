"""An engine with sound on JACK's dummy driver, and what it plays. Use with the fixture `jack`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.support.osc_client import OscClient
from tests.support.serving import ROOT, WATCHDOG_S, ServedEngine

RATE_HZ = 44_100
PERIOD = 1024
OUTS = ("PortAudio:out_0", "PortAudio:out_1")
ENDS = ("/drift/done", "/drift/fail")

Audio = npt.NDArray[np.float32]


@contextmanager
def serving(folder: Path, voices: Path, *flags: str) -> Iterator[ServedEngine]:
    """An engine with sound; its MIDI socket is made anew."""
    Path(os.environ["MIDO_SOCKET"]).unlink(missing_ok=True)
    with ServedEngine(folder, voices, voice="tiny", flags=("--audio", *flags)) as engine:
        yield engine


@contextmanager
def recording(folder: Path) -> Iterator[list[Audio]]:
    """Records what the engine plays; the audio `(2, T)` is in the list afterwards."""
    heard: list[Audio] = []
    recorder = subprocess.Popen(
        [sys.executable, "-m", "tests.support.jack_recorder", *OUTS, str(folder / "heard.npy")],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert recorder.stdout is not None
        assert recorder.stdout.readline().strip() == "recording"
        yield heard
        recorder.communicate("stop\n", timeout=WATCHDOG_S)
        heard.append(np.load(folder / "heard.npy"))
    finally:
        recorder.kill()
        recorder.wait()


def ask(client: OscClient, address: str, *values: object) -> list[object]:
    """The last answer to a message, which must not be a fail."""
    client.send(address, *values)
    end = client.until(*ENDS)[-1]
    assert end[0] == "/drift/done", end
    return end[1]
