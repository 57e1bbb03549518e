"""Plays a song of a steady tempo on JACK's transport and records what comes of it.

    python -m tests.support.jack_song LEFT_OUT RIGHT_OUT BPM FRAME SECONDS OUT.npz

Names itself timebase master of 4/4 at BPM, places the transport at FRAME, starts it, and writes
`audio` `(2, T)` float32 and `frame`, the song's frame of its first sample; then stops it. With
0 seconds it tells the tempo and does not start. The server freewheels, so that no frame is missed.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import Any

import jack
import numpy as np

WATCHDOG_S = 60.0
TELL_S = 1.0
TICKS = 1920.0


def song(outs: tuple[str, str], bpm: float, place: int, seconds: float, file: str) -> None:
    """Tell the tempo, and play if there is something to play."""
    client = jack.Client("driftwave-song", no_start_server=True)
    inputs = [client.inports.register(f"in_{side}") for side in (1, 2)]
    blocks: list[np.ndarray] = []
    frames: list[int] = []
    period = client.blocksize
    wanted = round(seconds * client.samplerate / period) + 1
    done = threading.Event()

    @client.set_timebase_callback
    def timebase(_state: int, _blocksize: int, pos: Any, _new: bool) -> None:
        beats = pos.frame * bpm / (60.0 * client.samplerate)
        whole = int(beats)
        pos.valid = jack.POSITION_BBT
        pos.bar = whole // 4 + 1
        pos.beat = whole % 4 + 1
        pos.tick = int((beats - whole) * TICKS)
        pos.bar_start_tick = whole // 4 * 4 * TICKS
        pos.beats_per_bar = 4.0
        pos.beat_type = 4.0
        pos.ticks_per_beat = TICKS
        pos.beats_per_minute = bpm

    @client.set_process_callback
    def process(_frames: int) -> None:
        state, pos = client.transport_query_struct()
        if state != jack.ROLLING or done.is_set():
            return
        frames.append(int(pos.frame))
        blocks.append(np.stack([port.get_array().copy() for port in inputs]))
        if len(blocks) >= wanted:
            done.set()

    with client:
        for out, port in zip(outs, inputs, strict=True):
            client.connect(out, port)
        client.transport_locate(place)
        if seconds <= 0:
            time.sleep(TELL_S)
            return
        client.set_freewheel(True)
        client.transport_start()
        if not done.wait(WATCHDOG_S):
            raise SystemExit(f"JACK made {len(blocks)} of {wanted} cycles in {WATCHDOG_S:.0f} s")
        client.transport_stop()
        client.set_freewheel(False)
    steps = np.diff(frames)
    assert np.all(steps == period), "the song must go on without a gap"
    np.savez(file, audio=np.concatenate(blocks, axis=1), frame=frames[0])


def main() -> None:
    left, right, bpm, place, seconds, file = sys.argv[1:]
    song((left, right), float(bpm), int(place), float(seconds), file)


if __name__ == "__main__":
    main()
