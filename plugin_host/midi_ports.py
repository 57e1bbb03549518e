"""MIDI ports by mido: opened by part of their name, and again when a device comes back.

On Linux RtMidi takes ALSA unless $MIDO_BACKEND says otherwise: its JACK client beside PortAudio's
in one process has stopped JACK's graph.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Final

from plugin_host.errors import HostError
from plugin_host.midi_file import import_mido

_LOOK_AGAIN_S: Final = 2.0
_ALSA: Final = "mido.backends.rtmidi/LINUX_ALSA"
_OWN_NAME: Final = "RtMidi"
"""Part of the name of ports that RtMidi itself makes: they would hear themselves."""


class NoMidiPort(HostError):
    """No MIDI port has the words in its name."""

    code: ClassVar[str] = "not_found"
    exit_code = 5


class MidiPorts:
    """The MIDI ports of this machine. Any thread.

    `receive` gets the bytes of every message of every open input, on the backend's thread; `report`
    a sentence when a port is opened, lost or found again.
    """

    def __init__(self, receive: Callable[[bytes], None], report: Callable[[str], None]) -> None:
        self._receive = receive
        self._report = report
        self._lock = threading.Lock()
        self._wanted: list[str] = []
        self._refused: set[str] = set()
        self._inputs: dict[str, Any] = {}
        self._outputs: dict[str, Any] = {}
        self._why_none = ""
        self._backend = self._load()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="midi ports", daemon=True)
        self._thread.start()

    @property
    def trouble(self) -> str:
        """Why there are no ports, or ""."""
        return self._why_none

    @property
    def wanted(self) -> list[str]:
        """Parts of names that are opened whenever they appear."""
        return list(self._wanted)

    def want(self, names: Iterable[str]) -> None:
        """Open what has one of these in its name now or whenever it appears."""
        with self._lock:
            self._wanted += [name for name in names if name not in self._wanted]
            self._open_wanted(*self._names())

    def listing(self) -> list[tuple[str, str, bool]]:
        """Name, "in" or "out", and whether it is open, of every port."""
        with self._lock:
            self._retry()
            inputs, outputs = self._names()
            return [(name, "in", name in self._inputs) for name in inputs] + [
                (name, "out", name in self._outputs) for name in outputs
            ]

    def open(self, name: str, on: bool = True) -> int:
        """Open or close every port that has `name` in its name; "" stands for every input.

        What is opened is opened again whenever it comes back. Returns how many there are now.
        Raises NoMidiPort.
        """
        with self._lock:
            self._retry()
            inputs, outputs = self._names()
            found = [port for port in {*inputs, *outputs} if name.lower() in port.lower()]
            if not on:
                self._wanted = [wanted for wanted in self._wanted if wanted != name]
                for port in found:
                    self._close(port)
                return len(found)
            if name and not found:
                names = "; ".join({*inputs, *outputs}) or self._why_none or "none"
                raise NoMidiPort(f"no MIDI port has {name!r} in its name; there are: {names}")
            if name not in self._wanted:
                self._wanted.append(name)
            self._refused.clear()
            return self._open_wanted(inputs, outputs)

    def send(self, message: bytes) -> None:
        """Send to every open output."""
        if not self._outputs:
            return
        parsed = import_mido().Message.from_bytes(message)
        with self._lock:
            for port in self._outputs.values():
                with contextlib.suppress(Exception):  # of a device that is gone
                    port.send(parsed)

    def close(self) -> None:
        """Close every port."""
        self._closing.set()
        self._thread.join()
        with self._lock:
            for port in {*self._inputs, *self._outputs}:
                self._close(port)

    def _load(self) -> Any:
        try:
            mido = import_mido()
            named = os.environ.get("MIDO_BACKEND")
            on_alsa = named is None and sys.platform == "linux"
            backend = mido.Backend(_ALSA if on_alsa else named)
            backend.load()
            return backend
        except (ImportError, HostError) as error:
            self._why_none = (
                f"no MIDI here ({error}); install it with: pip install 'driftwave[midi]'"
            )
            return None

    def _retry(self) -> None:
        if self._backend is not None:
            self._why_none = ""

    def _names(self) -> tuple[list[str], list[str]]:
        if self._backend is None:
            return [], []
        try:
            inputs = [n for n in self._backend.get_input_names() if _OWN_NAME not in n]
            outputs = [n for n in self._backend.get_output_names() if _OWN_NAME not in n]
        except Exception as error:  # every backend has its own, for want of a sequencer
            self._why_none = f"no MIDI here: {error}"
            return [], []
        return list(dict.fromkeys(inputs)), list(dict.fromkeys(outputs))

    def _open_wanted(self, inputs: list[str], outputs: list[str]) -> int:
        count = 0
        for name in inputs:
            if any(wanted.lower() in name.lower() for wanted in self._wanted):
                count += name in self._inputs or self._try_open(name, self._inputs)
        for name in outputs:
            if any(wanted and wanted.lower() in name.lower() for wanted in self._wanted):
                count += name in self._outputs or self._try_open(name, self._outputs)
        return count

    def _try_open(self, name: str, ports: dict[str, Any]) -> bool:
        if name in self._refused:
            return False
        try:
            if ports is self._inputs:
                ports[name] = self._backend.open_input(
                    name, callback=lambda message: self._receive(bytes(message.bytes()))
                )
            else:
                ports[name] = self._backend.open_output(name)
        except Exception as error:  # every backend has its own
            self._refused.add(name)
            self._report(f"MIDI port {name} cannot be opened: {error}")
            return False
        self._report(f"MIDI port {name} is open")
        return True

    def _close(self, name: str) -> None:
        for ports in (self._inputs, self._outputs):
            port = ports.pop(name, None)
            if port is not None:
                with contextlib.suppress(Exception):
                    port.close()

    def _watch(self) -> None:
        while not self._closing.wait(_LOOK_AGAIN_S):
            with self._lock:
                if not self._wanted or self._why_none:
                    continue
                inputs, outputs = self._names()
                for name in {*self._inputs, *self._outputs} - {*inputs, *outputs}:
                    self._close(name)
                    self._report(f"MIDI port {name} is gone; it is opened again when it is back")
                self._refused &= {*inputs, *outputs}
                self._open_wanted(inputs, outputs)
