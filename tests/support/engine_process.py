"""What host tests need to know of the built plugins, and the engine beside them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.library import Library
from tests.support.serving import ROOT, WATCHDOG_S, ServedEngine, engine_environment

PLUGINS = Path(os.environ.get("DRIFTWAVE_PLUGINS", ROOT / "build" / "plugins"))
VST3 = PLUGINS / "driftwave-generate.vst3"
CLAP = PLUGINS / "driftwave-generate.clap"
LV2 = PLUGINS / "driftwave-generate.lv2"
CLAP_HOST = PLUGINS.parent / "tests" / "clap-host"
LV2_URI = "urn:driftwave:generate"

# Parameter indexes, as in cpp/shim/parameters.h.
GENERATE, CANCEL, PAD, SECONDS, ATTACK_TIME = 0, 2, 3, 13, 16
ENGINE_STATUS, PLAYING_VOICES = 100, 103
VARY, STRENGTH, INTERPOLATE, PICK_1, COMPARE, UNDO, REDO = 1, 6, 104, 105, 109, 110, 111
VARIATIONS, PARTNER, PAD_1_LOOP, PAD_1_BARS = 112, 113, 114, 115
READY, BUSY = 2, 3
FIRST_PAD_NOTE = 36


def require(path: Path) -> Path:
    """The path, or an error that says how to build what is missing."""
    assert path.exists(), f"{path} is not there; build it: make plugins"
    return path


def host_environment(folder: Path, voices: Path) -> dict[str, str]:
    """The environment of a host that meets the engine started in the same folder.

    There is no launch record in it, so that no plugin starts an engine by itself.
    """
    return {
        **engine_environment(folder, voices),
        "PYTHONPATH": str(ROOT),
        "XDG_MUSIC_DIR": str(folder / "music"),
        "LV2_PATH": str(PLUGINS),
        "VST3_PATH": str(PLUGINS),
    }


@contextmanager
def running_engine(folder: Path, voices: Path) -> Iterator[ServedEngine]:
    """The real engine with its own runtime, configuration and library folders."""
    with ServedEngine(folder, voices, voice="tiny") as engine:
        yield engine


def run_host(
    arguments: Sequence[str | Path], environment: dict[str, str], *, timeout_s: float = WATCHDOG_S
) -> str:
    """Run a host program to its end and return its standard output."""
    done = subprocess.run(
        [str(argument) for argument in arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, f"{arguments} ended with {done.returncode}:\n{done.stderr[-4000:]}"
    return done.stdout


def run_python_host(
    module: str, arguments: Sequence[str | Path], environment: dict[str, str]
) -> str:
    """Run one of the tests' own hosts, a Python module, in a process of its own."""
    return run_host([sys.executable, "-m", module, *arguments], environment)


def wait_for(condition: Callable[[], bool], what: str, *, pause_s: float = 0.02) -> None:
    """Return once the condition holds; the watchdog says what it waited for."""
    deadline = time.monotonic() + WATCHDOG_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {WATCHDOG_S:.0f} s for {what}"
        time.sleep(pause_s)


def as_stereo(audio: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """A clip `(1 or 2, T)` as the plugin plays it, `(2, T)`."""
    return np.repeat(audio, 2, axis=0) if audio.shape[0] == 1 else audio


def library_clips(folder: Path, count: int) -> list[npt.NDArray[np.float32]]:
    """The library's clips as the plugin plays them, once it holds at least `count`."""
    with Library(folder) as library:
        wait_for(lambda: library.count() >= count, f"{count} clips in the library")
        return [as_stereo(library.get(record.id).audio) for record in library.search()]


def find_clip(
    output: npt.NDArray[np.float32], clip: npt.NDArray[np.float32], *, tolerance: float = 0.0
) -> int:
    """First frame at which `clip` `(2, T)` stands in `output` `(2, N)`, or -1.

    Candidate places come from the first sample louder than 1e-4; `tolerance` is the greatest
    difference allowed in any sample.
    """
    mark = int(np.argmax(np.max(np.abs(clip), axis=0) > 1e-4))
    sounding = np.flatnonzero(np.max(np.abs(output), axis=0) > 1e-4 - tolerance)
    for place in sounding:
        start = int(place) - mark
        piece = output[:, max(start, 0) : start + clip.shape[1]]
        whole = start >= 0 and piece.shape == clip.shape
        if whole and float(np.max(np.abs(piece - clip))) <= tolerance:
            return start
        if place - sounding[0] > 4 * clip.shape[1]:
            break
    return -1
