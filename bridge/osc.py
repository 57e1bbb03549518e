"""The OSC door: UDP and TCP on one port, one receive thread, answers by the way a message came.

For whoever writes the engine's side: implement `OscHandler` (bridge/osc_handler.py), give it to
`OscServer`, and answer each `OscCall` (bridge/osc_call.py) from any thread. Requests are the
dataclasses of bridge/osc_requests.py; the table is bridge/address_space.py.

    server = OscServer("127.0.0.1", 9630, handler, version=__version__)
    server.start()          # raises OscPortError
    server.announce_clip(clip.id, clip.index, clip.seed, clip.seconds)   # made by another door
    server.stop()

Other transports (bridge/web.py) hand packets in by `submit` and get the answers by the function
that they gave to `add_route`: one dispatcher, one thread and one set of rules for all of them.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import logging
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from bridge import address_space as space
from bridge.net_access import AccessList
from bridge.osc_backlog import Backlog
from bridge.osc_call import OscCall, OscPeer
from bridge.osc_dispatch import OscDispatcher
from bridge.osc_handler import OscHandler
from bridge.osc_spec import OscFault, Value
from bridge.osc_tcp import TcpDoor
from bridge.osc_udp import UdpDoor

Transmit = Callable[[OscPeer, bytes], bool]
"""Sends one packet to a peer; False when it is lost. Called from any thread, never blocks long."""

__all__ = ["OscCall", "OscFault", "OscHandler", "OscPeer", "OscPortError", "OscServer", "OscStats"]

_log = logging.getLogger("driftwave.osc")

_PACKETS_PER_TURN: Final = 16
"""Packets run between two looks at the sockets and the schedule."""
_FREE_PORT_TRIES: Final = 20
_VALUES_PER_TURN: Final = 16
_VALUES_TIMEOUT_S: Final = 5.0


class OscPortError(Exception):
    """The port cannot be opened; the message names it and the flag that changes it."""

    code = "busy"


@dataclass(slots=True)
class OscStats:
    """Counters since start: packets run and refused (not local), messages sent and lost."""

    received: int = 0
    refused: int = 0
    sent: int = 0
    send_lost: int = 0


class OscServer:
    """Listens on `host`:`port` and calls `handler` on its receive thread.

    Args:
        host: IPv4 address to listen on; with `lan` False only a loopback address.
        port: UDP port; 0 takes any free one (`port` then tells which).
        handler: the engine's side.
        version: reported by `/drift/hello` and `/drift/version`.
        access: which senders are let in; this machine alone when left out.
    """

    def __init__(
        self,
        host: str,
        port: int,
        handler: OscHandler,
        *,
        version: str = "0",
        access: AccessList | None = None,
    ) -> None:
        self.host = "127.0.0.1" if host == "localhost" else host
        self.port = port
        self.access = access or AccessList()
        self.stats = OscStats()
        self.dispatcher = OscDispatcher(handler, self._transmit, version=version)
        self._backlog = Backlog()
        self._routes: dict[str, Transmit] = {}
        self._errands: deque[Callable[[], None]] = deque()
        self._woken = False
        self._udp: UdpDoor | None = None
        self._tcp: TcpDoor | None = None
        self._waker: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._stats_lock = threading.Lock()

    def start(self) -> None:
        """Open the port and begin to answer.

        Raises:
            OscPortError: port in use or not allowed, or a host that is not ours to listen on.
            RuntimeError: started twice.
        """
        if self._thread is not None:
            raise RuntimeError("this OscServer is already started; make another one")
        self._check_host()
        udp, tcp = self._open_doors()
        self._udp, self._tcp = udp, tcp
        self.port = self.dispatcher.port = udp.port
        self._routes |= {"udp": udp.transmit, "tcp": tcp.transmit}
        _log.info("receive buffer of %d bytes", udp.receive_buffer_bytes)
        listener, self._waker = socket.socketpair()
        listener.setblocking(False)
        self._waker.setblocking(False)
        self._thread = threading.Thread(
            target=self._receive, args=(udp, tcp, listener), name="osc-receive", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Close the port and wait for the receive thread; answers sent later go nowhere."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._stopping.set()
        if self._waker is not None:
            self._waker.close()
        if thread is not threading.current_thread():
            thread.join()

    def announce_clip(self, clip: str, index: int, seed: int, seconds: float) -> None:
        """Tell every subscriber of a clip that came by another door. [any]"""
        args = (clip, -1, index, seed, seconds)
        self.dispatcher.broadcast(space.CLIP_ADDED, args, skip=None)

    def announce_change(self, address: str, subject: str, command: str) -> None:
        """Tell every subscriber that another door changed a clip or a voice. [any]

        Args:
            address: `address_space.CLIP_CHANGED` or `VOICE_CHANGED`.
            subject: clip id or voice name.
            command: what happened, named as the OSC command that would have done it.
        """
        self.dispatcher.broadcast(address, (subject, command), skip=None)

    def add_route(self, transport: str, transmit: Transmit) -> None:
        """Send what goes to peers of `transport` by `transmit`. Before anything is submitted."""
        self._routes[transport] = transmit

    def submit(self, data: bytes, peer: OscPeer) -> bool:
        """Hand in one packet of another transport. [any]

        Returns False when too many packets wait; the transport then has to try again later.
        """
        if self._backlog.full_for_streams:
            return False
        self._backlog.push(data, peer)
        self._wake()
        return True

    def forget(self, peer: OscPeer) -> None:
        """The connection of `peer` is gone: send it no more events. [any]"""
        self.dispatcher.forget(peer)

    def listen(self, peer: OscPeer, address: str, *, on: bool) -> None:
        """Begin (with the present value, if there is one) or end telling `peer` of `address`. [any]

        Raises:
            OscFault: bad_address, busy.
        """
        self.dispatcher.listen(peer, address, on=on)
        if on:
            self._do_soon(lambda: self.dispatcher.send_value(peer, address))

    def values(self, addresses: Sequence[str]) -> dict[str, tuple[Value, ...]]:
        """Present values of the methods at `addresses` that have one. [any but receive thread]

        They are asked for on the receive thread, a few a turn, so that no message waits long.
        """
        found: dict[str, tuple[Value, ...]] = {}

        def ask(some: Sequence[str], done: threading.Event) -> None:
            values = {address: self.dispatcher.peek(address) for address in some}
            found.update({address: value for address, value in values.items() if value is not None})
            done.set()

        for start in range(0, len(addresses), _VALUES_PER_TURN):
            done = threading.Event()
            self._do_soon(partial(ask, addresses[start : start + _VALUES_PER_TURN], done))
            if not done.wait(_VALUES_TIMEOUT_S):
                break
        return found

    def _do_soon(self, errand: Callable[[], None]) -> None:
        """Run `errand` on the receive thread. [any]"""
        self._errands.append(errand)
        self._wake()

    def _wake(self) -> None:
        if not self._woken and self._waker is not None:
            self._woken = True
            # Full or closed: the receive thread wakes, or is gone.
            with contextlib.suppress(OSError):
                self._waker.send(b"\0")

    def _check_host(self) -> None:
        try:
            address = ipaddress.IPv4Address(self.host)
        except ValueError as error:
            raise OscPortError(
                f"OSC host {self.host!r} is not an IPv4 address; use 127.0.0.1, "
                "or 0.0.0.0 with --lan"
            ) from error
        if not address.is_loopback and not self.access.lan:
            raise OscPortError(
                f"OSC host {self.host} can be reached from other machines; "
                "add --lan to allow that, or use 127.0.0.1"
            )

    def _open_doors(self) -> tuple[UdpDoor, TcpDoor]:
        """Both sockets on the same port; when any will do, on one that is free for both."""
        for attempt in range(_FREE_PORT_TRIES):
            udp: UdpDoor | None = None
            try:
                udp = UdpDoor(self.host, self.port, self.access)
                tcp = TcpDoor(
                    self.host, udp.port, self.access, wake=self._wake, forget=self.forget
                )  # fmt: skip
                return udp, tcp
            except (OSError, OverflowError) as error:
                if udp is not None:
                    udp.close()
                in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
                if in_use and self.port == 0 and attempt + 1 < _FREE_PORT_TRIES:
                    continue
                reason = "is already in use" if in_use else f"cannot be opened ({error})"
                transport = "UDP" if udp is None else "TCP"
                raise OscPortError(
                    f"OSC port {self.port} on {self.host} {reason} ({transport}); stop the "
                    "program that holds it or choose another with --osc-port"
                ) from error
        raise AssertionError("unreachable")

    def _receive(self, udp: UdpDoor, tcp: TcpDoor, listener: socket.socket) -> None:
        with (
            contextlib.closing(udp),
            listener,
            selectors.DefaultSelector() as selector,
            contextlib.closing(tcp),
        ):
            selector.register(udp.socket, selectors.EVENT_READ)
            selector.register(listener, selectors.EVENT_READ)
            tcp.register(selector)
            backlog = self._backlog
            while not self._stopping.is_set():
                try:
                    wait_s = self.dispatcher.run_due()
                    ready = selector.select(0.0 if backlog or self._errands else wait_s)
                    if self._woken or any(key.fileobj is listener for key, _ in ready):
                        self._hear_wake(listener)
                    if self._errands:
                        self._errands.popleft()()
                    udp.drain(backlog)
                    tcp.turn(ready, backlog)
                    for _ in range(min(len(backlog), _PACKETS_PER_TURN)):
                        self._run_packet(tcp, *backlog.pop())
                    self.stats.refused = udp.refused
                except Exception:
                    _log.exception("OSC receive thread")
                    self._stopping.wait(0.01)

    def _run_packet(self, tcp: TcpDoor, data: bytes, peer: OscPeer) -> None:
        if data or peer.transport != "tcp":
            self.stats.received += 1
            self.dispatcher.packet(data, peer)
        else:
            tcp.end(peer)

    def _hear_wake(self, listener: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            listener.recv(64)
        # Whatever is submitted from here on wakes again; what was before is in the backlog.
        self._woken = False

    def _transmit(self, peer: OscPeer, data: bytes) -> None:
        """Send one packet by the transport of `peer`. [any]"""
        route = self._routes.get(peer.transport)
        sent = route is not None and route(peer, data)
        with self._stats_lock:
            self.stats.sent += sent
            self.stats.send_lost += not sent
