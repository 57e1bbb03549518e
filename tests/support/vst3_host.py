"""A VST3 host as a process: `python -m tests.support.vst3_host HOST ACTION PLUGIN FOLDER`.

HOST is `pedalboard` or `dawdreamer`. Action `generate` generates a sound on
pad 1 by its parameter, plays it and writes FOLDER/generated.npy and FOLDER/state.bin; `recall`
loads that state, plays the pad and writes FOLDER/recalled.npy. Sound is float32 `(2, T)`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tests.support.engine_process import (
    ATTACK_TIME,
    GENERATE,
    SECONDS,
)

RATE_HZ = 44_100  # the voice's own rate, at which clips are copied sample by sample
BLOCK = 512
PAD_NOTE = 36
CLIP_S = 0.3
PATIENCE_S = 60.0
TRIES_A_PUSH = 20

Audio = npt.NDArray[np.float32]


class Host(Protocol):
    """What both hosts can do. Values are in the parameter's own units."""

    def set(self, index: int, value: float) -> None: ...

    def play(self, seconds: float, *, note: int | None = None) -> Audio: ...

    def save(self, path: Path) -> None: ...

    def load(self, path: Path) -> None: ...


class PedalboardHost:
    """Spotify's pedalboard, which hosts through JUCE."""

    def __init__(self, plugin: Path) -> None:
        import pedalboard

        # The timeout is how long pedalboard waits for an instrument to sound of itself.
        self._plugin = pedalboard.VST3Plugin(str(plugin), initialization_timeout=0.01)
        self._names = list(self._plugin.parameters)
        assert self._plugin.is_instrument
        assert self._plugin.reported_latency_samples == 0

    def set(self, index: int, value: float) -> None:
        setattr(self._plugin, self._names[index], value)

    def play(self, seconds: float, *, note: int | None = None) -> Audio:
        messages = [] if note is None else [(bytes([0x90, note, 127]), 0.01)]
        return self._plugin.process(messages, seconds, RATE_HZ, 2, BLOCK, False)

    def save(self, path: Path) -> None:
        path.write_bytes(self._plugin.raw_state)

    def load(self, path: Path) -> None:
        self._plugin.raw_state = path.read_bytes()


class DawDreamerHost:
    """DawDreamer, which renders a graph of processors."""

    def __init__(self, plugin: Path) -> None:
        import dawdreamer

        self._engine = dawdreamer.RenderEngine(RATE_HZ, BLOCK)
        self._plugin = self._engine.make_plugin_processor("driftwave", str(plugin))
        self._engine.load_graph([(self._plugin, [])])
        self._ranges: dict[int, tuple[float, float]] = {
            SECONDS: (0.1, 12.0),
            ATTACK_TIME: (0.0, 100.0),
            GENERATE: (0.0, 1.0),
        }

    def set(self, index: int, value: float) -> None:
        low, high = self._ranges[index]
        normalized = (value - low) / (high - low)
        self._plugin.set_parameter(index, normalized)

    def play(self, seconds: float, *, note: int | None = None) -> Audio:
        self._plugin.clear_midi()
        if note is not None:
            self._plugin.add_midi_note(note, 127, 0.01, seconds)
        self._engine.render(seconds)
        return np.asarray(self._engine.get_audio(), dtype=np.float32)

    def save(self, path: Path) -> None:
        self._plugin.save_state(str(path))

    def load(self, path: Path) -> None:
        self._plugin.load_state(str(path))


def generate(host: Host, folder: Path) -> None:
    """Make, hear and save a sound.

    Neither host shows what the plugin reports of itself before it runs an event loop, so the
    trigger is pushed again when nothing has come of it (the plugin may not have met the engine).
    """
    host.set(ATTACK_TIME, 0.0)
    host.set(SECONDS, CLIP_S)
    deadline = time.monotonic() + PATIENCE_S
    tries = 0
    while not np.any(host.play(1.0, note=PAD_NOTE)):
        if time.monotonic() > deadline:
            raise SystemExit("pad 1 stays silent after Generate")
        if tries % TRIES_A_PUSH == 0:
            for value in (0.0, 1.0):
                host.set(GENERATE, value)
                host.play(0.1)
        tries += 1
        time.sleep(0.1)
    np.save(folder / "generated.npy", host.play(1.0, note=PAD_NOTE))
    host.save(folder / "state.bin")


def recall(host: Host, folder: Path) -> None:
    """Hear a saved sound again."""
    assert not np.any(host.play(0.5, note=PAD_NOTE)), "a new instance must be silent"
    host.load(folder / "state.bin")
    np.save(folder / "recalled.npy", host.play(1.0, note=PAD_NOTE))


def main() -> None:
    name, action, plugin, folder = sys.argv[1:]
    host = {"pedalboard": PedalboardHost, "dawdreamer": DawDreamerHost}[name](Path(plugin))
    {"generate": generate, "recall": recall}[action](host, Path(folder))


if __name__ == "__main__":
    main()
