"""A VST3 host as a process: `python -m tests.support.vst3_host HOST ACTION PLUGIN FOLDER`.

HOST is `pedalboard` or `dawdreamer`. Action `generate` generates a sound on
pad 1 by its parameter, plays it and writes FOLDER/generated.npy and FOLDER/state.bin; `recall`
loads that state, plays the pad and writes FOLDER/recalled.npy. `choose` makes four sounds, varies
the third, goes back and forth between them, and writes what it hears each time to
FOLDER/choose.npz; `again` loads the state and does the last part once more, to FOLDER/again.npz.
`loop` (dawdreamer, whose song plays) loops a bar and writes FOLDER/hit.npy and FOLDER/looped.npy.
Sound is float32 `(2, T)`.
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
    COMPARE,
    GENERATE,
    PAD_1_BARS,
    PAD_1_LOOP,
    PICK_1,
    REDO,
    SECONDS,
    UNDO,
    VARIATIONS,
    VARY,
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
            VARIATIONS: (1.0, 4.0),
            PAD_1_LOOP: (0.0, 1.0),
            PAD_1_BARS: (0.0, 16.0),
            **dict.fromkeys((VARY, COMPARE, UNDO, REDO, *range(PICK_1, PICK_1 + 4)), (0.0, 1.0)),
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

    def tempo(self, bpm: float) -> None:
        self._engine.set_bpm(bpm)

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


def push(host: Host, trigger: int) -> None:
    """Press and let go; the host shows each to the plugin in a block of its own."""
    for value in (0.0, 1.0, 0.0):
        host.set(trigger, value)
        host.play(0.05)
    time.sleep(0.1)  # the plugin's own thread does what the trigger asks for


def heard(host: Host) -> Audio:
    """What pad 1 plays, from its first sample on."""
    host.play(0.5)
    audio = host.play(0.5, note=PAD_NOTE)
    first = int(np.argmax(np.max(np.abs(audio), axis=0) > 0))
    return audio[:, first : first + round(CLIP_S * RATE_HZ) - 100]


def until_changed(host: Host, before: Audio) -> Audio:
    """What pad 1 plays once that is something else."""
    deadline = time.monotonic() + PATIENCE_S
    while np.array_equal(now := heard(host), before):
        if time.monotonic() > deadline:
            raise SystemExit("pad 1 does not change")
    return now


def back_and_forth(host: Host) -> dict[str, Audio]:
    """Steps from the variation of the third sound back to the four, and to it again."""
    result = {}
    push(host, UNDO)
    result["undone"] = heard(host)
    push(host, REDO)
    result["redone"] = heard(host)
    push(host, UNDO)
    for number in range(4):
        push(host, PICK_1 + number)
        result[f"pick {number}"] = heard(host)
    push(host, PICK_1)
    push(host, COMPARE)
    result["compared"] = heard(host)
    return result


def choose(host: Host, folder: Path) -> None:
    """Make four sounds, vary the third; nothing is lost on the way."""
    host.set(VARIATIONS, 4.0)
    generate(host, folder)
    first = heard(host)
    time.sleep(2.0 * CLIP_S)
    result = {"first": first}
    for number in (1, 2):
        push(host, PICK_1 + number)
        result[f"chosen {number}"] = until_changed(host, result["first"])
    push(host, VARY)
    result["varied"] = until_changed(host, result["chosen 2"])
    time.sleep(1.0)
    host.save(folder / "state.bin")
    np.savez(folder / "choose.npz", **result, **back_and_forth(host))


def again(host: Host, folder: Path) -> None:
    """The same steps in a project that was opened again."""
    host.load(folder / "state.bin")
    varied = heard(host)
    np.savez(folder / "again.npz", varied=varied, **back_and_forth(host))


def loop(host: DawDreamerHost, folder: Path) -> None:
    """A bar of a second, three times round."""
    host.tempo(240.0)
    host.set(PAD_1_BARS, 1.0)
    host.set(VARIATIONS, 1.0)
    generate(host, folder)
    host.play(2.0)
    np.save(folder / "hit.npy", host.play(1.5, note=PAD_NOTE))
    host.play(2.0)
    host.set(PAD_1_LOOP, 1.0)
    np.save(folder / "looped.npy", host.play(3.25))


def recall(host: Host, folder: Path) -> None:
    """Hear a saved sound again."""
    assert not np.any(host.play(0.5, note=PAD_NOTE)), "a new instance must be silent"
    host.load(folder / "state.bin")
    np.save(folder / "recalled.npy", host.play(1.0, note=PAD_NOTE))


def main() -> None:
    name, action, plugin, folder = sys.argv[1:]
    host = {"pedalboard": PedalboardHost, "dawdreamer": DawDreamerHost}[name](Path(plugin))
    actions = {"generate": generate, "recall": recall, "choose": choose, "again": again}
    if action == "loop":
        assert isinstance(host, DawDreamerHost)
        loop(host, Path(folder))
    else:
        actions[action](host, Path(folder))


if __name__ == "__main__":
    main()
