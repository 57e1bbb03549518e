"""Starts `python -m engine.serve` as its own process for integration tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

WATCHDOG_S = 120.0
ROOT = Path(__file__).resolve().parents[2]


def engine_environment(folder: Path, voices: Path) -> dict[str, str]:
    """Variables that keep an engine inside `folder`, whatever the user has installed."""
    return {
        **os.environ,
        "DRIFTWAVE_VOICES": str(voices),
        "DRIFTWAVE_RUNTIME_DIR": str(folder / "run"),
        "DRIFTWAVE_CONFIG_DIR": str(folder / "config"),
        "DRIFTWAVE_EXPORTS": str(folder / "exports"),
        "DRIFTWAVE_WEB_PORT": "0",
        "DRIFTWAVE_SESSION": str(folder / "session"),
        "OMP_NUM_THREADS": "1",
    }


class ServedEngine:
    """A running engine.

    Attributes:
        facts: what the ready banner says: osc_port, socket, voices, clips …
        log: everything on stderr so far, one line an item.
    """

    def __init__(
        self,
        folder: Path,
        voices: Path,
        *,
        voice: str,
        library: Path | None = None,
        flags: Sequence[str] = (),
        within: Sequence[str] = (),
    ) -> None:
        """Start (by the command `within`) and wait for the ready banner.

        Raises AssertionError when none comes.
        """
        self.library = folder / "library" if library is None else library
        self.log: list[str] = []
        self.facts: dict[str, object] = {}
        self._ready = threading.Event()
        self.process = subprocess.Popen(
            [
                *(*within, sys.executable, "-m", "engine.serve", "--log-format", "json"),
                *("--osc-port", "0", "--device", "cpu", "--voice", voice),
                *("--library", str(self.library), *flags),
            ],
            cwd=ROOT,
            env=engine_environment(folder, voices),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._ready.wait(WATCHDOG_S) or not self.facts:
            self.kill()
            raise AssertionError("the engine did not get ready:\n" + "\n".join(self.log))

    def __enter__(self) -> ServedEngine:
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()

    @property
    def port(self) -> int:
        """The OSC port."""
        return int(str(self.facts["osc_port"]))

    @property
    def web_port(self) -> int:
        """The port of the page."""
        return int(str(self.facts["web_port"]))

    @property
    def memory_mb(self) -> float:
        """Resident memory of the process."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """The exit status once the process ends."""
        code = self.process.wait(WATCHDOG_S)
        self._reader.join(WATCHDOG_S)
        return code

    def kill(self) -> None:
        """kill -9, unless it has ended."""
        if self.process.poll() is None:
            self.process.kill()
        self.wait()
        assert self.process.stderr is not None
        self.process.stderr.close()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line.rstrip())
            if '"message": "ready"' in line:
                self.facts = json.loads(line)
                self._ready.set()
        self._ready.set()
