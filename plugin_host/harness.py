"""Drives the plugin core from tests: plays events, waits for the engine, finds clips in audio."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import TracebackType

import numpy as np
import numpy.typing as npt

from bridge import _native
from plugin_host.midi_file import Event, Song

FloatArray = npt.NDArray[np.float32]

WATCHDOG_S = 120.0
_POLL_S = 0.005


def note_on(frame: int, note: int, velocity: int = 127) -> Event:
    """A key goes down on channel 1."""
    return frame, bytes((0x90, note, velocity))


def note_off(frame: int, note: int) -> Event:
    """A key goes up on channel 1."""
    return frame, bytes((0x80, note, 0))


def find_clip(audio: FloatArray, clip: FloatArray) -> int | None:
    """First frame at which a clip `(C, N)` stands in `audio` `(2, T)` bit by bit, or None.

    A mono clip must stand in both channels.
    """
    wanted = np.broadcast_to(clip, (2, clip.shape[1]))
    loud = np.flatnonzero(np.any(wanted != 0.0, axis=0))
    if loud.size == 0:
        raise ValueError("a silent clip is everywhere")
    first = int(loud[0])
    starts = np.flatnonzero(np.all(audio == wanted[:, first : first + 1], axis=0)) - first
    for start in starts.tolist():
        if start >= 0 and np.array_equal(audio[:, start : start + clip.shape[1]], wanted):
            return start
    return None


class Harness:
    """A Generator with what tests need around it; a context manager that closes it.

    Attributes:
        generator: the plugin core; its attack is off, so that clips come out bit by bit.
    """

    def __init__(
        self,
        *,
        sample_rate: float = 44_100,
        block: int = 512,
        link: bool = True,
        autostart: bool = False,
        runtime_dir: str = "",
        config_dir: str = "",
    ) -> None:
        self.block = block
        self.generator = _native.Generator(
            link=link,
            autostart=autostart,
            runtime_dir=runtime_dir,
            config_dir=config_dir,
            plugin_kind="harness",
        )
        self.generator.prepare(sample_rate, block)
        self.generator.set_parameter("attack_time", 0.0)

    def __enter__(self) -> Harness:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.generator.close()

    def play(self, frames: int, events: Sequence[Event] = ()) -> FloatArray:
        """Process `frames` frames in blocks; returns `(2, frames)`."""
        blocks = Song(tuple(events), frames).blocks(self.block, frames)
        return np.concatenate([self.generator.process(n, part) for n, part in blocks], axis=1)

    def hit(self, pad: int, frames: int) -> FloatArray:
        """Play pad `pad` (from 0) at full velocity from the first frame on."""
        return self.play(frames, [note_on(0, _native.FIRST_PAD_NOTE + pad)])

    def wait(
        self,
        condition: Callable[[_native.Snapshot], bool],
        what: str,
        timeout_s: float = WATCHDOG_S,
    ) -> _native.Snapshot:
        """The first snapshot that fulfils a condition; TimeoutError says the last one's words."""
        give_up = time.monotonic() + timeout_s
        while not condition(now := self.generator.snapshot()):
            if time.monotonic() > give_up:
                raise TimeoutError(
                    f"never happened: {what}; {now.status.name} {now.status_text} {now.message}"
                )
            time.sleep(_POLL_S)
        return now

    def generate(self, pad: int, prompt: str, seed: int) -> _native.ClipInfo:
        """Generate pad `pad` (from 0) from words and a seed; waits for the clip."""
        before = self.generator.snapshot().pads[pad].clip.serial
        self.generator.set_prompt(pad, prompt)
        self.generator.set_seed(pad, seed)
        self.generator.generate(pad)
        now = self.wait(lambda s: s.pads[pad].clip.serial != before, f"a clip on pad {pad}")
        return now.pads[pad].clip
