"""`python -m benchmarks.soak`: plays for long while sounds are made, and counts what is missed.

Starts a JACK server on its dummy driver (no sound card needed; `--device` plays on a real device
instead), an engine with `--audio`, hits slots all the time and has new sounds made for them all the
time. Reports the device's xruns, hits, sounds, and the memory at the beginning and at the end.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import build_msg

from benchmarks.measure import machine

ROOT = Path(__file__).resolve().parents[1]
_SERVER = "driftwave-soak"
_HITS_PER_S = 8.0
WATCHDOG_S = 120.0
STATUS_XRUNS = 8
"""Place of the xruns in /drift/status/reply."""


@dataclass(slots=True)
class Report:
    """What a soak saw."""

    minutes: float
    block: int
    device: str = ""
    hits: int = 0
    sounds: int = 0
    fails: list[str] = field(default_factory=list)
    xruns: int = 0
    first_mb: float = 0.0
    last_mb: float = 0.0


@contextmanager
def jack_server(rate_hz: int, block: int, *, realtime: bool) -> Iterator[None]:
    """JACK's dummy driver, which the processes started within find."""
    if shutil.which("jackd") is None:
        raise click.ClickException("jackd is not installed: apt install jackd2, or use --device")
    os.environ |= {"JACK_DEFAULT_SERVER": _SERVER, "JACK_NO_START_SERVER": "1"}
    mode = "--realtime" if realtime else "--no-realtime"
    command = ["jackd", "-n", _SERVER, mode, "-d", "dummy", "-r", str(rate_hz), "-p", str(block)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        subprocess.run(["jack_wait", "-s", _SERVER, "-w", "-t", "30"], check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip
        yield
    finally:
        server.terminate()
        server.wait(WATCHDOG_S)


@contextmanager
def engine(folder: Path, device: str, block: int) -> Iterator[tuple[int, int, str]]:
    """An engine with sound; yields its process id, its OSC port and the device."""
    environment = {
        **os.environ,
        "DRIFTWAVE_RUNTIME_DIR": str(folder / "run"),
        "DRIFTWAVE_SESSION": str(folder / "session"),
    }
    command = [sys.executable, "-m", "engine.serve", "--log-format", "json", "--osc-port", "0"]
    command += ["--web-port", "0", "--library", str(folder / "library"), "--midi", "off"]
    command += ["--audio", device, "--audio-block", str(block)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        text=True,
    )  # fmt: skip
    assert process.stderr is not None
    lines = process.stderr
    facts = next((json.loads(line) for line in lines if '"message": "ready"' in line), None)
    reader = threading.Thread(target=_pass_on, args=(process,), daemon=True)
    reader.start()
    try:
        if facts is None:
            raise click.ClickException("the engine ended before it was ready")
        yield process.pid, int(facts["osc_port"]), str(facts["audio"])
    finally:
        process.terminate()
        process.wait(WATCHDOG_S)
        reader.join()


def _pass_on(process: subprocess.Popen[str]) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        print(line.rstrip(), file=sys.stderr)


def soak(pid: int, port: int, report: Report) -> None:
    """Hit and generate for `report.minutes`, then read the counters."""
    rng = random.Random(7)
    words = ("short", "long", "dark", "bright", "kick", "snare", "hat", "clap", "tom")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", port))
        client.settimeout(WATCHDOG_S)

        def send(address: str, *values: object) -> None:
            client.send(build_msg(address, list(values)).dgram)

        def until(*ends: str) -> OscMessage:
            while True:
                answer = OscMessage(client.recv(65_535))
                if answer.address == "/drift/fail":
                    report.fails.append(str(answer.params))
                if answer.address in ends:
                    return answer

        for slot in range(1, 17):  # one after another, so that each has a sound before it is hit
            send(f"/drift/slot/{slot}/generate", 1, -1, " ".join(rng.sample(words, 3)))
            until("/drift/done", "/drift/fail")
        send("/drift/status")
        before = int(until("/drift/status/reply").params[STATUS_XRUNS])
        report.first_mb = resident_mb(pid)
        end = time.monotonic() + report.minutes * 60.0
        ask = time.monotonic()
        waiting = False
        while time.monotonic() < end:
            send(f"/drift/slot/{rng.randint(1, 16)}/play", rng.uniform(0.2, 1.0))
            report.hits += 1
            if not waiting:
                send(f"/drift/slot/{rng.randint(1, 16)}/generate", 1, -1,
                     " ".join(rng.sample(words, 3)))  # fmt: skip
                waiting = True
            ask += 1.0 / _HITS_PER_S
            while (left := ask - time.monotonic()) > 0:
                client.settimeout(left)
                try:
                    answer = OscMessage(client.recv(65_535))
                except (TimeoutError, BlockingIOError):
                    break
                if answer.address == "/drift/fail":
                    report.fails.append(str(answer.params))
                    waiting = waiting and "generate" not in str(answer.params[0])
                if answer.address == "/drift/done" and "generate" in str(answer.params[0]):
                    report.sounds += 1
                    waiting = False
        client.settimeout(WATCHDOG_S)
        send("/drift/status")
        report.xruns = int(until("/drift/status/reply").params[STATUS_XRUNS]) - before
        report.last_mb = resident_mb(pid)


def resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) / 1024


@click.command()
@click.option("--minutes", default=30.0, show_default=True, type=click.FloatRange(0.05))
@click.option("--block", default=256, show_default=True, type=click.IntRange(16, 8192))
@click.option("--rate", default=44_100, show_default=True, type=click.IntRange(8000, 192000))
@click.option("--device", help="A real sound device, by index or part of its name.")
@click.option("--no-realtime", is_flag=True, help="JACK without real-time priority.")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
def main(
    minutes: float, block: int, rate: int, device: str | None, no_realtime: bool, json_: bool
) -> None:
    """Play while sounds are made; ends with status 1 when the device ran dry."""
    report = Report(minutes, block)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if device is None:
            stack.enter_context(jack_server(rate, block, realtime=not no_realtime))
        pid, port, report.device = stack.enter_context(
            engine(folder, device or "default", block if device else 0)
        )
        soak(pid, port, report)
    if json_:
        facts = {name: getattr(report, name) for name in Report.__slots__}
        print(json.dumps({**machine(), **facts}, indent=2))
    else:
        print(", ".join(f"{key} {value}" for key, value in machine().items()))
        print(f"{report.minutes:g} min on {report.device}, {report.block} frames a callback:")
        print(f"  {report.xruns} xruns, {report.hits} hits, {report.sounds} sounds made")
        print(f"  memory {report.first_mb:.0f} -> {report.last_mb:.0f} MiB")
        for fail in sorted(set(report.fails)):
            print(f"  {report.fails.count(fail)} x {fail}")
    sys.exit(1 if report.xruns or report.fails else 0)


if __name__ == "__main__":
    main()
