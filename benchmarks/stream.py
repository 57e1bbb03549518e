"""The endless stream for a long time, its controls moving: does it ever run dry, how late is it?

python -m benchmarks.stream                     JACK's dummy driver, 30 minutes
python -m benchmarks.stream --device 3          a real device (see engine.serve --list-devices)
python -m benchmarks.stream --minutes 2
"""

from __future__ import annotations

import json
import random
import socket
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import click
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import build_msg

from benchmarks.measure import machine
from benchmarks.soak import STATUS_XRUNS, WATCHDOG_S, engine, jack_server, resident_mb

_WORDS: Final = ("deep kick", "bright snare", "closed hat", "noisy texture", "wood", "low tom")
_TARGET_MS: Final = 200.0


@dataclass(slots=True)
class Report:
    """What a run of the stream saw; the figures of the stream are those of its own status.

    Attributes:
        changes: control changes sent, about one a second.
        sounds: begun, of which `repeated` had been played before and `late` began too late.
        xruns: times the device ran dry.
        p50_ms, p99_ms: from a change to the first sound made after it.
    """

    minutes: float
    density: float
    block: int
    device: str = ""
    changes: int = 0
    sounds: int = 0
    repeated: int = 0
    late: int = 0
    xruns: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    state: str = ""
    first_mb: float = 0.0
    last_mb: float = 0.0

    @property
    def underruns(self) -> int:
        """Times that there was not the sound there should have been."""
        return self.xruns + self.late


def play(pid: int, port: int, report: Report) -> None:
    """Let it run for `report.minutes`, moving x and y and changing prompts; fill the report."""
    rng = random.Random(7)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", port))
        client.settimeout(WATCHDOG_S)

        def ask(address: str, end: str, *values: object) -> list[Any]:
            client.send(build_msg(address, list(values)).dgram)
            while True:
                answer = OscMessage(client.recv(65_535))
                if answer.address == "/drift/fail":
                    raise click.ClickException(str(answer.params))
                if answer.address == end:
                    return list(answer.params)

        def put(address: str, *values: object) -> None:
            ask(f"/drift/stream/{address}", "/drift/done", *values)

        def status() -> list[Any]:
            return ask("/drift/stream/status", "/drift/stream/status/reply")

        for number, words in enumerate(_WORDS):
            put(f"prompt/{number}", words, 1.0)
        put("density", report.density)
        put("run", 1)
        end = time.monotonic() + WATCHDOG_S
        while not status()[2] and time.monotonic() < end:
            time.sleep(0.1)
        before = int(ask("/drift/status", "/drift/status/reply")[STATUS_XRUNS])
        report.first_mb = resident_mb(pid)
        end = time.monotonic() + 60.0 * report.minutes
        while time.monotonic() < end:
            time.sleep(rng.uniform(0.6, 1.4))
            report.changes += 1
            if report.changes % 4 == 0:
                put(f"prompt/{rng.randrange(len(_WORDS))}", rng.choice(_WORDS), rng.random())
            else:
                put(rng.choice("xy"), rng.uniform(-1.0, 1.0))
        report.state, _, report.sounds, report.repeated, report.late, *latency = status()
        report.p50_ms, report.p99_ms = latency
        report.xruns = int(ask("/drift/status", "/drift/status/reply")[STATUS_XRUNS]) - before
        report.last_mb = resident_mb(pid)
        put("run", 0)


@click.command()
@click.option("--minutes", default=30.0, show_default=True, type=click.FloatRange(0.05))
@click.option("--density", default=4.0, show_default=True, type=click.FloatRange(0.25, 16.0))
@click.option("--block", default=256, show_default=True, type=click.IntRange(16, 8192))
@click.option("--rate", default=44_100, show_default=True, type=click.IntRange(8000, 192000))
@click.option("--device", help="A real sound device, by index or part of its name.")
@click.option("--no-realtime", is_flag=True, help="JACK without real-time priority.")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
def main(
    minutes: float,
    density: float,
    block: int,
    rate: int,
    device: str | None,
    no_realtime: bool,
    json_: bool,
) -> None:
    """Play the stream while its controls move; ends with status 1 when it ran dry or was late."""
    report = Report(minutes, density, block)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if device is None:
            stack.enter_context(jack_server(rate, block, realtime=not no_realtime))
        pid, port, report.device = stack.enter_context(
            engine(folder, device or "default", block if device else 0)
        )
        play(pid, port, report)
    if json_:
        print(json.dumps({**machine(), **asdict(report)}, indent=2))
    else:
        print(", ".join(f"{key} {value}" for key, value in machine().items()))
        print(
            f"{minutes:g} min on {report.device}, {block} frames a callback, {density:g} a second:"
        )
        print(f"  {report.underruns} underruns ({report.xruns} xruns, {report.late} late sounds)")
        print(f"  {report.sounds} sounds, {report.repeated} of them repeated; {report.state}")
        print(f"  change to sound: p50 {report.p50_ms:.0f} ms, p99 {report.p99_ms:.0f} ms "
              f"(target {_TARGET_MS:.0f}), {report.changes} changes")  # fmt: skip
        print(f"  memory {report.first_mb:.0f} -> {report.last_mb:.0f} MiB")
    sys.exit(1 if report.underruns or report.p99_ms > _TARGET_MS else 0)


if __name__ == "__main__":
    main()
