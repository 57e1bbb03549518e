"""Plays one note into a JACK client and records what it answers, in a process of its own.

    python -m tests.support.jack_player CLIENT NOTE SECONDS OUT.npy

The server freewheels meanwhile: it waits for every client in every cycle, so that no frame is
missed however busy the machine is. The server is the one that $JACK_DEFAULT_SERVER names.
"""

from __future__ import annotations

import sys
import threading

import jack
import numpy as np

VELOCITY = 127
NOTE_FRAME = 100
WATCHDOG_S = 60.0


def record(name: str, note: int, seconds: float) -> np.ndarray:
    """What the client plays, `(2, T)` float32, from the cycle in which the note is sent."""
    client = jack.Client("driftwave-test", no_start_server=True)
    midi_out = client.midi_outports.register("midi")
    inputs = [client.inports.register(f"in_{side}") for side in (1, 2)]
    blocks: list[np.ndarray] = []
    wanted = round(seconds * client.samplerate / client.blocksize) + 2
    done = threading.Event()
    started = False

    @client.set_process_callback
    def process(frames: int) -> None:
        nonlocal started
        midi_out.clear_buffer()
        if not client_ready.is_set() or done.is_set():
            return
        if not started:
            midi_out.write_midi_event(NOTE_FRAME, bytes([0x90, note, VELOCITY]))
            started = True
        blocks.append(np.stack([port.get_array().copy() for port in inputs]))
        if len(blocks) >= wanted:
            done.set()

    client_ready = threading.Event()
    with client:
        client.connect(midi_out, f"{name}:lv2_events_in")
        for side, port in enumerate(inputs, 1):
            client.connect(f"{name}:lv2_audio_out_{side}", port)
        client.set_freewheel(True)
        client_ready.set()
        if not done.wait(WATCHDOG_S):
            raise SystemExit(f"JACK made {len(blocks)} of {wanted} cycles in {WATCHDOG_S:.0f} s")
        client.set_freewheel(False)
    return np.concatenate(blocks, axis=1)


def main() -> None:
    name, note, seconds, out = sys.argv[1:]
    np.save(out, record(name, int(note), float(seconds)))


if __name__ == "__main__":
    main()
