"""Sounds in memory behind the web door, to test it without an engine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge.net_access import AccessList
from bridge.osc import OscServer
from bridge.osc_spec import OscFault
from bridge.web import WebServer
from bridge.web_files import PageFiles
from bridge.web_handler import ClipPeaks
from tests.support.osc_memory import MemoryHandler

SOUND = bytes(range(256)) * 40
CLIP = "0" * 31 + "1"


class MemorySounds:
    """Implements `WebHandler` with one clip.

    Attributes:
        gate: cleared by a test to hold whoever asks for a sound.
        asked: how often a sound was made.
    """

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.asked = 0

    def clip_audio(self, clip: str, form: str) -> bytes:
        self.gate.wait()
        self._check(clip)
        self.asked += 1
        return form.encode() + SOUND

    def clip_peaks(self, clip: str, count: int) -> ClipPeaks:
        self._check(clip)
        part = [n / count for n in range(count)]
        return ClipPeaks(8_000, 4_000, [[-value for value in part]], [part])

    def _check(self, clip: str) -> None:
        if clip == "broken":
            raise ZeroDivisionError("a fault of the engine")
        if clip != CLIP:
            raise OscFault("not_found", f"clip {clip}: not in the library")


@contextmanager
def serving(
    folder: Path, *, page: Path | None = None, access: AccessList | None = None
) -> Iterator[tuple[OscServer, WebServer, MemoryHandler, MemorySounds]]:
    """An OSC server and a web server on free ports."""
    handler, sounds = MemoryHandler(folder), MemorySounds()
    osc = OscServer("127.0.0.1", 0, handler, version="1.2.3", access=access)
    osc.start()
    web = WebServer("127.0.0.1", 0, osc, sounds, files=PageFiles(page) if page else None)
    web.start()
    try:
        yield osc, web, handler, sounds
    finally:
        sounds.gate.set()
        web.stop()
        osc.stop()
        handler.close()
