"""One WebSocket client: OSC packets both ways, and a bounded queue towards it.

A client that reads too slowly is dropped with a reason; it never makes the engine or another
client wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import deque
from typing import Final, Protocol

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from bridge.osc_call import OscPeer
from bridge.osc_spec import OscFault
from bridge.oscquery_commands import command_text, read_command

_log = logging.getLogger("driftwave.web")

MAX_QUEUED_BYTES: Final = 1 << 20
MAX_QUEUED: Final = 8192
_RETRY_S: Final = 0.002
_DROP_S: Final = 1.0


class PacketSink(Protocol):
    """Where packets of clients go: `bridge.osc.OscServer`."""

    def submit(self, data: bytes, peer: OscPeer) -> bool:
        """Hand in one packet; False when it has to be handed in again later. [any]"""

    def forget(self, peer: OscPeer) -> None:
        """The peer is gone. [any]"""

    def listen(self, peer: OscPeer, address: str, *, on: bool) -> None:
        """Begin or end telling the peer what happens at an address; raises OscFault. [any]"""


class SocketClient:
    """A connected client.

    Args:
        connection: its WebSocket.
        peer: its address, by which the OSC dispatcher knows it.
        loop: the web thread's.
    """

    def __init__(
        self, connection: ServerConnection, peer: OscPeer, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.peer = peer
        self._connection = connection
        self._loop = loop
        self._lock = threading.Lock()
        self._queue: deque[bytes | str] = deque()
        self._queued_bytes = 0
        self._ready = asyncio.Event()
        self._closed = False
        self._dropping: asyncio.Task[None] | None = None

    def post(self, message: bytes | str) -> bool:
        """Send a message when the client is ready for it; False when it is dropped. [any]"""
        with self._lock:
            if self._closed:
                return False
            full = (
                len(self._queue) >= MAX_QUEUED
                or self._queued_bytes + len(message) > MAX_QUEUED_BYTES
            )
            if full:
                self._closed = True
                self._queue.clear()
            else:
                self._queue.append(message)
                self._queued_bytes += len(message)
            first = len(self._queue) == 1
        # RuntimeError: the loop has ended.
        with contextlib.suppress(RuntimeError):
            if full:
                _log.warning("%s reads too slowly and is disconnected", self.peer)
                self._loop.call_soon_threadsafe(self._drop)
            elif first:
                self._loop.call_soon_threadsafe(self._ready.set)
        return not full

    async def run(self, sink: PacketSink) -> None:
        """Serve the client until it is gone. [web thread]"""
        writer = asyncio.create_task(self._write())
        try:
            async for message in self._connection:
                if isinstance(message, bytes):
                    while not sink.submit(message, self.peer):
                        await asyncio.sleep(_RETRY_S)
                else:
                    self._command(message, sink)
        except ConnectionClosed:
            pass
        finally:
            with self._lock:
                self._closed = True
            writer.cancel()
            sink.forget(self.peer)

    def _command(self, text: str, sink: PacketSink) -> None:
        """One of OSCQuery's commands; what is wrong with it is answered as text too."""
        try:
            command, address = read_command(text)
            sink.listen(self.peer, address, on=command == "LISTEN")
        except OscFault as fault:
            self.post(command_text("ERROR", str(fault)))

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await self._ready.wait()
                self._ready.clear()
                while (message := self._take()) is not None:
                    await self._connection.send(message)

    def _take(self) -> bytes | str | None:
        with self._lock:
            if not self._queue:
                return None
            message = self._queue.popleft()
            self._queued_bytes -= len(message)
            return message

    def _drop(self) -> None:
        """End a client that does not read. [web thread]"""
        self._dropping = self._loop.create_task(self._close())

    async def _close(self) -> None:
        # It may still read what is on its way, and then the reason.
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            async with asyncio.timeout(_DROP_S):
                await self._connection.close(CloseCode.TRY_AGAIN_LATER, "you read too slowly")
        self._connection.transport.abort()
