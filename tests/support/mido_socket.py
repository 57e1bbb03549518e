"""A mido backend whose one input, "socket", hears a Unix datagram socket: MIDI without ALSA.

    MIDO_BACKEND=tests.support.mido_socket MIDO_SOCKET=/path program

Each datagram is one MIDI message.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from typing import Any

import mido

NAME = "socket"


def get_devices(**_options: Any) -> list[dict[str, Any]]:
    """mido asks a backend for this."""
    return [{"name": NAME, "is_input": True, "is_output": False}]


class Input:
    """An open port: a thread that calls `callback` with every message."""

    def __init__(
        self, name: str, callback: Callable[[mido.Message], None], **_options: Any
    ) -> None:
        self.name = name
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(os.environ["MIDO_SOCKET"])
        self._callback = callback
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while data := self._socket.recv(64):
            self._callback(mido.Message.from_bytes(data))

    def __enter__(self) -> Input:
        return self

    def __exit__(self, *_: object) -> None:
        pass
