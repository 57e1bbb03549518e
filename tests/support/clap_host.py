"""Drives build/tests/clap-host, the project's small CLAP host, by its text commands."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.support.engine_process import (
    ATTACK_TIME,
    BUSY,
    CLAP,
    CLAP_HOST,
    ENGINE_STATUS,
    FIRST_PAD_NOTE,
    GENERATE,
    READY,
    SECONDS,
    VARIATIONS,
    require,
    wait_for,
)
from tests.support.serving import WATCHDOG_S


class HostRefused(Exception):
    """The host answered "no …"."""


@dataclass(frozen=True)
class ParameterInfo:
    """One parameter as CLAP describes it."""

    id: int
    flags: int
    minimum: float
    maximum: float
    default: float
    name: str


class ClapHost:
    """A host process with any number of plugin instances; the last created is the current one."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._files = 0
        self._process = subprocess.Popen(
            [require(CLAP_HOST), require(CLAP)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(environment),
        )
        self._errors: list[str] = []
        self._reader = threading.Thread(target=self._read_errors, daemon=True)
        self._reader.start()

    def __enter__(self) -> ClapHost:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self._process.kill()
            self._process.wait(WATCHDOG_S)
            self._close_streams()

    @property
    def pid(self) -> int:
        """Process id of the host."""
        return self._process.pid

    @property
    def errors(self) -> str:
        """What the host and the plugin wrote to standard error so far."""
        return "".join(self._errors)

    def close(self) -> None:
        """Destroy all instances and end the host; it must end well."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        code = self._process.wait(WATCHDOG_S)
        self._close_streams()
        assert code == 0, self.errors

    def ask(self, *words: object) -> str:
        """One command; the answer without its "ok". Raises HostRefused."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        watchdog = threading.Timer(WATCHDOG_S, self._process.kill)
        watchdog.start()
        try:
            self._process.stdin.write(" ".join(map(str, words)) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        finally:
            watchdog.cancel()
        assert answer, f"the host ended at {words}: {self._process.poll()}\n{self.errors}"
        if not answer.startswith("ok"):
            raise HostRefused(answer.strip())
        return answer[2:].strip()

    def create(self, rate_hz: float, most: int, *offers: str) -> int:
        """A new, activated instance; its number."""
        number = int(self.ask("create", *offers))
        self.ask("activate", rate_hz, most)
        return number

    def parameters(self) -> list[ParameterInfo]:
        """Every parameter of the current instance."""
        found = []
        for index in range(int(self.ask("count"))):
            fields = self.ask("info", index).split(" ", 5)
            found.append(
                ParameterInfo(int(fields[0]), int(fields[1]), *map(float, fields[2:5]), fields[5])
            )
        return found

    def get(self, parameter: int) -> float:
        """A parameter's value."""
        return float(self.ask("get", parameter))

    def set(self, parameter: int, value: float, frame: int = 0) -> None:
        """Queue a value for a frame of the next render."""
        self.ask("set", parameter, value, frame)

    def note(self, key: int, velocity: float = 1.0, frame: int = 0) -> None:
        """Queue a note-on."""
        self.ask("on", key, velocity, frame)

    def transport(
        self, playing: bool, bpm: float, frame: int = 0, beats: int = 4, unit: int = 4
    ) -> None:
        """Where the song is from the next block on, and whether and how fast it plays."""
        self.ask("transport", int(playing), bpm, frame, beats, unit)

    def render(
        self, frames: int, sizes: Sequence[int] = (512, 512), seed: int = 1
    ) -> npt.NDArray[np.float32]:
        """Sound `(2, frames)` made in blocks of random size within `sizes`; all of it finite."""
        self._files += 1
        path = self._folder / f"clap-{self.pid}-{self._files}.raw"
        self.ask("render", frames, *sizes, seed, path)
        samples = np.fromfile(path, np.float32).reshape(-1, 2).T
        path.unlink()
        return samples

    def run(self, frames: int, sizes: Sequence[int] = (512, 512), seed: int = 1) -> float:
        """Process without keeping the sound; its greatest magnitude."""
        return float(self.ask("run", frames, *sizes, seed))

    def save(self, path: Path, chunk: int = 65_536) -> bytes:
        """The state, written by the plugin in pieces of at most `chunk` bytes."""
        self.ask("save", path, chunk)
        return path.read_bytes()

    def load(self, path: Path, chunk: int = 65_536) -> None:
        """Load a state. Raises HostRefused when the plugin refuses it."""
        self.ask("load", path, chunk)

    def _close_streams(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._reader.join(WATCHDOG_S)
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(BrokenPipeError):
                stream.close()

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr:
            self._errors.extend(self._process.stderr)


def reach(host: ClapHost, *states: int) -> None:
    """Process until the plugin reports one of these engine states."""
    wait_for(
        lambda: host.run(64, (64, 64)) >= 0 and round(host.get(ENGINE_STATUS)) in states,
        f"engine_status {states}",
    )


def generate_on_pad_1(
    host: ClapHost, seconds: float = 0.3, rate_hz: int = 44_100, variations: int = 1
) -> None:
    """Generate sounds on pad 1, wait until the first plays, and let it end."""
    block = (64, 64)

    def sounds() -> bool:
        host.note(FIRST_PAD_NOTE)
        return host.run(rate_hz // 10, block) > 0

    host.set(ATTACK_TIME, 0.0)
    host.set(SECONDS, seconds)
    host.set(VARIATIONS, variations)
    host.set(GENERATE, 1.0)
    reach(host, READY, BUSY)
    wait_for(sounds, "a sound on pad 1")
    host.run(round((seconds + 0.1) * rate_hz), block)


def state_span(state: bytes) -> tuple[int, int]:
    """Where the plugin's own state, base64 text, stands in what a host saved."""
    start = state.index(b"state\0", state.index(b"__dpf_state_begin__\0") + 20) + 6
    return start, state.index(b"\0", start)


def state_text(state: bytes) -> str:
    """The plugin's own state as text, the same in every plugin format."""
    start, end = state_span(state)
    return state[start:end].decode("ascii")
