"""A real engine process: start to ready, and a request to its clip through OSC and the link."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import build_msg

from benchmarks.measure import Figure, summarise
from bridge import _native
from engine.library import Library

ROOT = Path(__file__).resolve().parents[1]
WATCHDOG_S = 60.0
STEPS = 4
WARM_UP = 3
FIRST_OSC_SEED = 100_000

Started = tuple[subprocess.Popen[str], dict[str, Any], float]


@contextmanager
def _engine(
    folder: Path, voice: str
) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any], float]]:
    """Start an engine of its own; yields it, its ready banner and the milliseconds until then."""
    environment = {
        **os.environ,
        "DRIFTWAVE_RUNTIME_DIR": str(folder / "run"),
        "DRIFTWAVE_SESSION": str(folder / "session"),
    }
    command = [sys.executable, "-m", "engine.serve", "--log-format", "json"]
    command += ["--osc-port", "0", "--web-port", "0"]
    command += ["--voice", voice, "--library", str(folder / "library"), "--device", "cpu"]
    begin = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if '"message": "ready"' in line:
                break
        else:
            raise RuntimeError("the engine ended before it was ready")
        yield process, json.loads(line), (time.perf_counter() - begin) * 1e3
    finally:
        process.terminate()
        process.wait(WATCHDOG_S)
        process.stderr.close()


def run(count: int, *, voice: str = "drums") -> list[Figure]:
    """Start an engine a few times; then ask one for `count` sounds by each door."""
    starts = []
    for _ in range(max(3, count // 10)):
        with tempfile.TemporaryDirectory() as name, _engine(Path(name), voice) as (_, _, ready_ms):
            starts.append(ready_ms)
    figures = [summarise("engine start to ready", starts, target=1500.0)]
    with tempfile.TemporaryDirectory() as name, _engine(Path(name), voice) as (process, facts, _):
        by_link = _link(count, voice, Path(name))
        by_osc = _osc(count, voice, int(facts["osc_port"]))
        resident = Path(f"/proc/{process.pid}/status").read_text().split("VmRSS:")[1].split()[0]
        with Library(Path(name) / "library") as library:
            generating = {
                record.seed: record.milliseconds for record in library.search(limit=10**6)
            }
    for door, target, times in (
        ("plugin request to clip in the plugin", 3.0, by_link),
        ("OSC request to clip/added", None, by_osc),
    ):
        overheads = [taken_ms - generating[seed] for seed, taken_ms in times.items()]
        figures += [
            summarise(f"{door}, 1 s at {STEPS} steps", list(times.values())),
            summarise("  of which not generation", overheads, target=target),
        ]
    figures.append(summarise("memory of the serving engine", [int(resident) / 1024], unit="MiB"))
    return figures


def _link(count: int, voice: str, folder: Path) -> dict[int, float]:
    """Milliseconds from a plugin's request to the clip in its private memory, by seed."""
    client = _native.LinkClient()
    socket_path = str(next((folder / "run").rglob("engine.sock")))
    if client.connect(socket_path=socket_path) != _native.ConnectResult.CONNECTED:
        raise RuntimeError(client.message)
    times = {}
    for job in range(1, WARM_UP + count + 1):
        begin = time.perf_counter()
        client.generate(
            job, voice=voice, prompt="short dark snare", seed=job, seconds=1.0, steps=STEPS
        )
        done = False
        deadline = begin + WATCHDOG_S
        while not done and time.perf_counter() < deadline:
            client.poll(100)
            while (reply := client.next_reply()) is not None:
                if reply.kind == "clip":
                    client.take_clip(reply)
                    if job > WARM_UP:
                        times[job] = (time.perf_counter() - begin) * 1e3
                elif reply.kind == "fail":
                    raise RuntimeError(str(reply.fields["message"]))
                done = done or reply.kind == "done"
    client.disconnect()
    return times


def _osc(count: int, voice: str, port: int) -> dict[int, float]:
    """Milliseconds from an OSC request to its clip/added answer, by seed."""
    times = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(WATCHDOG_S)
        for job in range(1, WARM_UP + count + 1):
            seed = FIRST_OSC_SEED + job
            arguments = [job, "voice", voice, "prompt", "short dark snare", "seed", seed]
            arguments += ["duration", 1.0, "steps", STEPS]
            begin = time.perf_counter()
            client.sendto(build_msg("/drift/generate", arguments).dgram, ("127.0.0.1", port))
            while True:
                answer = OscMessage(client.recv(65_535))
                if answer.address == "/drift/clip/added" and job > WARM_UP:
                    times[seed] = (time.perf_counter() - begin) * 1e3
                if answer.address == "/drift/fail":
                    raise RuntimeError(str(list(answer)))
                if answer.address == "/drift/done":
                    break
    return times
