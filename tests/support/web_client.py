"""A browser's part for tests of the web door: plain HTTP, and OSC over a WebSocket."""

from __future__ import annotations

import http.client
import json
from collections import deque
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.support.osc_client import WATCHDOG_S, Answer, OscClient, answers_in, message


class Got:
    """One HTTP answer."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


def get(port: int, path: str, *, method: str = "GET", **headers: str) -> Got:
    """One request; a header's name has `_` for `-`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WATCHDOG_S)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers=named)
        return Got(connection.getresponse())
    finally:
        connection.close()


class WebSocketClient(OscClient):
    """`OscClient` over a WebSocket: sends binary packets, keeps text frames in `texts`."""

    def __init__(self, port: int, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._opened = connect(
            f"ws://127.0.0.1:{port}/", additional_headers=named, compression=None, max_queue=None
        )
        self.connection: ClientConnection = self._opened.__enter__()
        self.texts: list[Any] = []
        self._waiting: deque[Answer] = deque()

    def __exit__(self, *exc: object) -> None:
        self.connection.close()

    def send(self, address: str, *args: Any, tags: str | None = None) -> None:
        """Send one message."""
        self.send_raw(message(address, *args, tags=tags))

    def send_raw(self, data: bytes) -> None:
        """Send one packet."""
        self.connection.send(data)

    def command(self, name: str, data: Any) -> None:
        """Send one of OSCQuery's commands."""
        self.connection.send(json.dumps({"COMMAND": name, "DATA": data}))

    def receive_packet(self) -> bytes:
        """The next binary frame; fails the test when none comes before the watchdog."""
        while isinstance(data := self.connection.recv(WATCHDOG_S), str):
            self.texts.append(json.loads(data))
        return data

    def receive_text(self) -> Any:
        """The next text frame, of those that came already or are still to come."""
        while not self.texts:
            data = self.connection.recv(WATCHDOG_S)
            if isinstance(data, str):
                self.texts.append(json.loads(data))
            else:
                self._waiting += answers_in(data)
        return self.texts.pop(0)
