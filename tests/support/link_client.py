"""What the link tests need around `bridge._native.LinkClient`."""

from __future__ import annotations

import gc
import os
import signal
import struct
import time
from collections.abc import Callable
from pathlib import Path

from bridge import _native

WATCHDOG_S = 60.0


def connect(path: Path, **options: object) -> _native.LinkClient:
    """A connected plugin."""
    client = _native.LinkClient()
    result = client.connect(str(path), timeout_ms=20_000, **options)  # type: ignore[arg-type]
    assert result is _native.ConnectResult.CONNECTED, client.message
    return client


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Look every millisecond; a watchdog, not a time limit."""
    give_up = time.monotonic() + WATCHDOG_S
    while not condition():
        assert time.monotonic() < give_up, f"never happened: {what}"
        time.sleep(0.001)


def replies_until(client: _native.LinkClient, kind: str, job: int) -> list[_native.Reply]:
    """Every reply up to the first of `kind` for `job`."""
    got: list[_native.Reply] = []
    give_up = time.monotonic() + WATCHDOG_S
    while time.monotonic() < give_up:
        while reply := client.next_reply():
            got.append(reply)
            if reply.kind == kind and reply.job == job:
                return got
        state = client.poll(50)
        assert state is not _native.LinkState.OFF, client.message
    raise AssertionError(f"no {kind} for job {job}; got {[(r.kind, r.job) for r in got]}")


def check_served(path: Path) -> None:
    """A new plugin connects and gets its sound."""
    client = connect(path)
    client.generate(1, seed=1)
    replies_until(client, "done", 1)


def hello(
    *,
    magic: int = 0x314B4E4C54465244,
    major: int = _native.ABI_MAJOR,
    minor: int = _native.ABI_MINOR,
    rate: float = 48000.0,
    block: int = 512,
    channels: int = 2,
) -> bytes:
    """A Hello packed by Python alone, field by field as the wire format says."""
    return struct.pack(
        "<QIIIIQdII32s", magic, major, minor, os.getpid(), 0, 0, rate, block, channels, b"test"
    )


def open_descriptors() -> int:
    """How many descriptors this process holds."""
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def mapped_segments() -> int:
    """How many link segments this process maps."""
    return Path("/proc/self/maps").read_text().count("driftwave-link")


def stop_process(pid: int) -> None:
    """SIGSTOP, and wait until every thread of the process has stopped."""
    os.kill(pid, signal.SIGSTOP)

    def stopped() -> bool:
        tasks = Path(f"/proc/{pid}/task").glob("*/stat")
        return all(task.read_text().rsplit(") ", 1)[1][0] in "Tt" for task in tasks)

    wait_until(stopped, "every thread stops")
