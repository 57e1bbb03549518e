"""Plays one note and records what comes of it through JACK, in a process of its own.

    python -m tests.support.jack_player MIDI_IN LEFT_OUT RIGHT_OUT NOTE SECONDS OUT.npy

MIDI_IN is a JACK port, and the server freewheels meanwhile:
it waits for every client in every cycle, so that no frame is missed however busy the machine is.
Sound devices (PortAudio) cannot freewheel. For them MIDI_IN is the path of a datagram socket
that takes the note (tests.support.mido_socket), and the server goes on at its own pace.
The server is the one that $JACK_DEFAULT_SERVER names.
"""

from __future__ import annotations

import socket
import sys
import threading

import jack
import numpy as np

VELOCITY = 127
NOTE_FRAME = 100
WATCHDOG_S = 60.0


def record(midi_in: str, outs: tuple[str, str], note: int, seconds: float) -> np.ndarray:
    """What `outs` play, `(2, T)` float32, from the cycle in which the note is sent."""
    live = midi_in.startswith("/")
    message = bytes([0x90, note, VELOCITY])
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
        if not started and not live:
            midi_out.write_midi_event(NOTE_FRAME, message)
        started = True
        blocks.append(np.stack([port.get_array().copy() for port in inputs]))
        if len(blocks) >= wanted:
            done.set()

    client_ready = threading.Event()
    with client:
        if not live:
            client.connect(midi_out, midi_in)
        for out, port in zip(outs, inputs, strict=True):
            client.connect(out, port)
        if not live:
            client.set_freewheel(True)
        client_ready.set()
        if live:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.sendto(message, midi_in)
        if not done.wait(WATCHDOG_S):
            raise SystemExit(f"JACK made {len(blocks)} of {wanted} cycles in {WATCHDOG_S:.0f} s")
        if not live:
            client.set_freewheel(False)
    return np.concatenate(blocks, axis=1)


def main() -> None:
    midi_in, left, right, note, seconds, out = sys.argv[1:]
    np.save(out, record(midi_in, (left, right), int(note), float(seconds)))


if __name__ == "__main__":
    main()
