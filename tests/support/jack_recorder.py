"""Records two JACK ports until told to stop, in a process of its own.

    python -m tests.support.jack_recorder LEFT_OUT RIGHT_OUT OUT.npy

Writes "recording" on stdout once it hears; ends with the first line on stdin. A late cycle is
counted and reported as "xruns N" on stdout at the end.
"""

from __future__ import annotations

import sys
import threading

import jack
import numpy as np


def main() -> None:
    left, right, out = sys.argv[1:]
    client = jack.Client("driftwave-recorder", no_start_server=True)
    inputs = [client.inports.register(f"in_{side}") for side in (1, 2)]
    blocks: list[np.ndarray] = []
    xruns = [0]
    first = threading.Event()

    @client.set_process_callback
    def process(frames: int) -> None:
        blocks.append(np.stack([port.get_array().copy() for port in inputs]))
        first.set()

    @client.set_xrun_callback
    def xrun(delayed_us: float) -> None:
        xruns[0] += 1

    with client:
        for source, port in zip((left, right), inputs, strict=True):
            client.connect(source, port)
        first.wait()
        print("recording", flush=True)
        sys.stdin.readline()
    np.save(out, np.concatenate(blocks, axis=1))
    print(f"xruns {xruns[0]}", flush=True)


if __name__ == "__main__":
    main()
