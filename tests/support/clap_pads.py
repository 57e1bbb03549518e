"""Pushes the plugin's triggers in the CLAP host and hears its pads."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.support.clap_host import ClapHost, state_span
from tests.support.engine_process import FIRST_PAD_NOTE, wait_for

RATE_HZ = 44_100


def push(host: ClapHost, trigger: int) -> None:
    host.set(trigger, 1.0)
    host.run(64, (64, 64))
    assert host.get(trigger) == 0.0, "a trigger falls back by itself"


def heard(host: ClapHost, seconds: float = 0.3, pad: int = 1) -> np.ndarray:
    """What a pad plays, and nothing else."""
    host.run(RATE_HZ)
    host.note(FIRST_PAD_NOTE + pad - 1)
    return host.render(round(seconds * RATE_HZ))


def becomes(host: ClapHost, wanted: np.ndarray) -> None:
    wait_for(lambda: np.array_equal(heard(host), wanted), "the sound that was chosen")


def changed(host: ClapHost, before: np.ndarray) -> np.ndarray:
    wait_for(lambda: not np.array_equal(heard(host), before), "another sound")
    return heard(host)


def import_file(host: ClapHost, sound: Path, folder: Path) -> None:
    """Put a file on the selected pad as projects with a path in their state do."""
    state = host.save(folder / "before-import.bin")
    _, end = state_span(state)
    path = str(sound).encode()
    (folder / "import.bin").write_bytes(state[: end + 1] + b"import\0" + path + state[end:])
    host.load(folder / "import.bin")
