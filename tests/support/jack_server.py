"""A JACK server without a sound card, for tests that hear real audio."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.engine_process import run_host
from tests.support.serving import WATCHDOG_S


def need(program: str, package: str) -> None:
    """Skip the test where a program is missing, and say which package brings it."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed: apt install {package}")


def jack_environment() -> dict[str, str]:
    """What makes JACK clients meet the server of this test run, and start none themselves."""
    return {
        "JACK_DEFAULT_SERVER": f"driftwave-{os.getpid()}",
        "JACK_NO_START_SERVER": "1",
    }


@contextmanager
def jack_server(
    environment: dict[str, str], folder: Path, rate_hz: int, period: int
) -> Iterator[None]:
    """The server that `environment` names, on JACK's dummy driver; its log lies in `folder`."""
    need("jackd", "jackd2")
    name = environment["JACK_DEFAULT_SERVER"]
    flags = ["--no-realtime", "-d", "dummy", "-r", str(rate_hz), "-p", str(period)]
    with (folder / "jackd.log").open("w") as log:
        server = subprocess.Popen(["jackd", "-n", name, *flags], stdout=log, stderr=log)
    try:
        run_host(["jack_wait", "-s", name, "-w", "-t", str(round(WATCHDOG_S))], environment)
        yield
    finally:
        server.terminate()
        server.wait(WATCHDOG_S)
