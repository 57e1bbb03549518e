"""A real engine process: start to ready, and a request to its clip through OSC and the link."""

from __future__ import annotations

import itertools
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

ROOT = Path(__file__).resolve().parents[1]
WATCHDOG_S = 60.0
STEPS = 4

Started = tuple[subprocess.Popen[str], dict[str, Any], float]


@contextmanager
def _engine(
    folder: Path, voice: str
) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any], float]]:
    """Start an engine of its own; yields it, its ready banner and the milliseconds until then."""
    environment = {**os.environ, "DRIFTWAVE_RUNTIME_DIR": str(folder / "run")}
    command = [sys.executable, "-m", "engine.serve", "--log-format", "json", "--osc-port", "0"]
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
        figures += _link(count, voice, Path(name))
        figures += _osc(count, voice, int(facts["osc_port"]))
        resident = Path(f"/proc/{process.pid}/status").read_text().split("VmRSS:")[1].split()[0]
        figures.append(
            summarise("memory of the serving engine", [int(resident) / 1024], unit="MiB")
        )
    return figures


def _link(count: int, voice: str, folder: Path) -> list[Figure]:
    """Plugin request to clip in the plugin's private memory, and what is not generation in it."""
    client = _native.LinkClient()
    socket_path = str(next((folder / "run").rglob("engine.sock")))
    if client.connect(socket_path=socket_path) != _native.ConnectResult.connected:
        raise RuntimeError(client.message)
    totals, overheads = [], []
    for job in range(1, count + 4):
        begin = time.perf_counter()
        client.generate(
            job, voice=voice, prompt="short dark snare", seed=job, seconds=1.0, steps=STEPS
        )
        taken_ms = engine_ms = 0.0
        deadline = begin + WATCHDOG_S
        while not engine_ms and time.perf_counter() < deadline:
            client.poll(100)
            while (reply := client.next_reply()) is not None:
                if reply.kind == "clip":
                    client.take_clip(reply)
                    taken_ms = (time.perf_counter() - begin) * 1e3
                elif reply.kind == "done":
                    engine_ms = float(str(reply.fields["milliseconds"]))
                elif reply.kind == "fail":
                    raise RuntimeError(str(reply.fields["message"]))
        if job > 3:
            totals.append(taken_ms)
            overheads.append(taken_ms - engine_ms)
    client.disconnect()
    return [
        summarise(f"plugin request to clip in the plugin, 1 s at {STEPS} steps", totals),
        summarise("  of which not generation", overheads, target=3.0),
    ]


def _osc(count: int, voice: str, port: int) -> list[Figure]:
    """OSC request to the clip/added answer."""
    totals = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(WATCHDOG_S)
        for job in itertools.islice(itertools.count(1), count + 3):
            arguments = [job, "voice", voice, "prompt", "short dark snare", "seed", job]
            arguments += ["seconds", 1.0, "steps", STEPS]
            begin = time.perf_counter()
            client.sendto(build_msg("/drift/generate", arguments).dgram, ("127.0.0.1", port))
            while True:
                answer = OscMessage(client.recv(65_535))
                if answer.address == "/drift/clip/added" and job > 3:
                    totals.append((time.perf_counter() - begin) * 1e3)
                if answer.address == "/drift/fail":
                    raise RuntimeError(str(list(answer)))
                if answer.address == "/drift/done":
                    break
    return [summarise(f"OSC request to clip/added, 1 s at {STEPS} steps", totals)]
