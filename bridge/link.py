"""The engine's link server: one thread serves the shared memory of every plugin.

The thread sleeps in `select` while nobody asks anything, except for a heartbeat while plugins are
connected. A plugin that is corrupt, hung or flooding costs the others nothing: each gets at most
`_BUDGET` requests a turn, each has its own segment, and what breaks the rules is dropped.
"""

from __future__ import annotations

import logging
import selectors
import socket
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bridge import _native
from bridge.errors import BridgeError, EngineRunning, RuntimeFolderError
from bridge.link_peer import LinkPeer
from bridge.link_requests import (
    ALL_JOBS,
    LinkCancel,
    LinkGenerate,
    LinkQueryStatus,
    LinkRequest,
    parse_generate,
)
from bridge.rendezvous import Rendezvous, socket_path

__all__ = [
    "ALL_JOBS",
    "BridgeError",
    "EngineRunning",
    "LinkCancel",
    "LinkGenerate",
    "LinkHandler",
    "LinkPeer",
    "LinkQueryStatus",
    "LinkRequest",
    "LinkServer",
    "RuntimeFolderError",
    "socket_path",
]

log = logging.getLogger("driftwave.link")

_BUDGET = 64
_MAX_LINKS = 128
_HELLO_WAIT_S = 2.0
_BACKLOG_WAIT_S = 0.005
_BEAT_S = _native.HEARTBEAT_MS / 1000


class LinkHandler(Protocol):
    """What answers the plugins. Called on the link thread, so it must return at once."""

    def link_request(self, peer: LinkPeer, request: LinkRequest) -> None:
        """Start what is asked; answer through `peer.send_*`, now or later, from any thread."""

    def link_closed(self, peer: LinkPeer) -> None:
        """The plugin is gone: cancel its jobs. Sends to `peer` are ignored from now on."""


@dataclass(slots=True)
class _Caller:
    """A connection that has not finished its Hello."""

    socket: socket.socket
    deadline: float
    received: bytearray = field(default_factory=bytearray)


class LinkServer:
    """Listens for plugins until `close()`.

    Args:
        handler: gets every request.
        path: socket to listen on; None for the user's own (`socket_path()`).

    Raises:
        EngineRunning: another engine has the socket.
        RuntimeFolderError: the runtime folder cannot be used.
    """

    def __init__(self, handler: LinkHandler, path: Path | None = None) -> None:
        self._handler = handler
        self._rendezvous = Rendezvous(path)
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._rendezvous.socket, selectors.EVENT_READ, None)
        self._selector.register(self._wake_read, selectors.EVENT_READ, None)
        self._callers: dict[socket.socket, _Caller] = {}
        self._peers: dict[socket.socket, LinkPeer] = {}
        self._unfinished: set[socket.socket] = set()
        self._next_beat = 0.0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="driftwave-link", daemon=True)
        self._thread.start()

    @property
    def path(self) -> Path:
        """The socket that plugins connect to."""
        return self._rendezvous.path

    @property
    def peers(self) -> tuple[LinkPeer, ...]:
        """The plugins connected now."""
        return tuple(self._peers.values())

    def publish(self, jobs_done: int, p50_us: int, p99_us: int) -> None:
        """Tell every plugin how the engine keeps up (times of one inference, microseconds)."""
        for peer in self.peers:
            peer.publish(jobs_done, p50_us, p99_us)

    def close(self) -> None:
        """Hang up on every plugin, stop the thread, remove the socket. May be called twice."""
        if self._stopping:
            return
        self._stopping = True
        self._wake_write.send(b"\x01")
        self._thread.join()
        for caller in list(self._callers.values()):
            self._drop_caller(caller)
        for peer_socket in list(self._peers):
            self._drop_peer(peer_socket, "the engine stops")
        self._selector.close()
        self._rendezvous.close()
        self._wake_read.close()
        self._wake_write.close()

    # ---- the thread ----------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._turn()
            except Exception:
                log.exception("the link thread goes on after an unexpected error")
                time.sleep(0.05)

    def _turn(self) -> None:
        for key, _ in self._selector.select(self._timeout()):
            ready = key.fileobj
            if ready is self._rendezvous.socket:
                self._accept()
            elif ready in self._callers:
                self._read_hello(self._callers[ready])
            elif ready in self._peers and self._answer_doorbell(ready):
                self._unfinished.add(ready)
        for peer_socket in list(self._unfinished):
            self._serve(peer_socket)
        self._tick()

    def _timeout(self) -> float | None:
        if self._unfinished:
            return 0.0
        if any(peer.backlog or peer.fault for peer in self._peers.values()):
            return _BACKLOG_WAIT_S
        now = time.monotonic()
        deadlines = [caller.deadline for caller in self._callers.values()]
        if self._peers:
            deadlines.append(self._next_beat)
        return max(0.0, min(deadlines) - now) if deadlines else None

    def _tick(self) -> None:
        now = time.monotonic()
        beat = now >= self._next_beat
        if beat:
            self._next_beat = now + _BEAT_S
        for caller in list(self._callers.values()):
            if now > caller.deadline:
                self._drop_caller(caller)
        for peer_socket, peer in list(self._peers.items()):
            if beat or peer.backlog:
                peer.tick(beat=beat)
            if peer.fault:
                log.warning("dropped %r: %s", peer, peer.fault)
                self._drop_peer(peer_socket, peer.fault)

    # ---- newcomers -----------------------------------------------------------------------

    def _accept(self) -> None:
        try:
            connection, _ = self._rendezvous.socket.accept()
        except OSError as error:  # the caller left, or no descriptors are left
            log.warning("a plugin could not connect: %s", error)
            time.sleep(0.01)
            return
        if len(self._callers) >= _MAX_LINKS:
            log.warning("hung up on a caller: %d others have not said Hello", _MAX_LINKS)
            connection.close()
            return
        connection.setblocking(False)
        self._callers[connection] = _Caller(connection, time.monotonic() + _HELLO_WAIT_S)
        self._selector.register(connection, selectors.EVENT_READ)

    def _read_hello(self, caller: _Caller) -> None:
        try:
            data = caller.socket.recv(_native.HELLO_BYTES - len(caller.received))
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop_caller(caller)
            return
        caller.received += data
        if len(caller.received) == _native.HELLO_BYTES:
            self._welcome(caller, bytes(caller.received))

    def _welcome(self, caller: _Caller, hello: bytes) -> None:
        answer = _native.judge_hello(hello)
        if answer is not _native.Answer.ACCEPTED:
            self._refuse(caller, answer, _refusal_text(answer, hello))
            return
        if len(self._peers) >= _MAX_LINKS:
            text = f"{_MAX_LINKS} plugins are linked to this engine; close some."
            self._refuse(caller, _native.Answer.REFUSED, text)
            return
        try:
            native = _native.EngineLink(hello)
        except OSError as error:
            self._refuse(caller, _native.Answer.REFUSED, f"The engine has no memory: {error}.")
            return
        native.beat()
        peer = LinkPeer(native, caller.socket)
        try:
            socket.send_fds(caller.socket, [native.welcome], [native.memory_fd])
        except OSError:
            self._drop_caller(caller)
            return
        finally:
            native.close_memory_fd()
        del self._callers[caller.socket]
        self._peers[caller.socket] = peer
        log.info("linked %r, %g Hz, blocks up to %d", peer, peer.sample_rate, peer.max_block_frames)

    def _refuse(self, caller: _Caller, answer: _native.Answer, message: str) -> None:
        log.warning("refused a plugin: %s", message)
        try:
            caller.socket.send(_native.refusal(answer, message))
        except OSError as error:
            log.debug("the refused plugin is gone: %s", error)
        self._drop_caller(caller)

    def _drop_caller(self, caller: _Caller) -> None:
        self._callers.pop(caller.socket, None)
        self._selector.unregister(caller.socket)
        caller.socket.close()

    # ---- plugins -------------------------------------------------------------------------

    def _answer_doorbell(self, peer_socket: socket.socket) -> bool:
        """Swallow doorbells; False when the plugin hung up."""
        try:
            if peer_socket.recv(4096):
                return True
        except BlockingIOError:
            return True
        except OSError as error:
            log.debug("socket of %r: %s", self._peers[peer_socket], error)
        self._drop_peer(peer_socket, "it hung up")
        return False

    def _serve(self, peer_socket: socket.socket) -> None:
        """Handle at most `_BUDGET` requests of one plugin, then let the others have their turn."""
        peer = self._peers[peer_socket]
        for _ in range(_BUDGET):
            raw = peer.next_request()
            if raw is None:
                self._unfinished.discard(peer_socket)
                break
            self._handle(peer, raw)
        peer.tick(beat=False)

    def _handle(self, peer: LinkPeer, raw: _native.Request) -> None:
        kind = raw.kind
        if kind is _native.RequestKind.RELEASE_CLIP:
            return  # the flush that follows every turn looks at the slots
        job = ALL_JOBS if raw.job == _native.ALL_JOBS else raw.job
        request: LinkRequest
        if kind is _native.RequestKind.GENERATE:
            code = peer.open_job(raw.job)
            if code:
                peer.send_fail_unopened(raw.job, code, _JOB_FAULTS[code])
                return
            try:
                request = parse_generate(raw)
            except ValueError as error:
                peer.send_fail(job, "bad_range", str(error))
                return
        elif kind is _native.RequestKind.CANCEL:
            request = LinkCancel(job)
        else:
            request = LinkQueryStatus()
        try:
            self._handler.link_request(peer, request)
        except Exception as error:
            log.exception("request of %r failed", peer)
            if isinstance(request, LinkGenerate):
                peer.send_fail(job, "internal", f"The engine failed: {error}")

    def _drop_peer(self, peer_socket: socket.socket, reason: str) -> None:
        peer = self._peers.pop(peer_socket)
        self._unfinished.discard(peer_socket)
        self._selector.unregister(peer_socket)
        peer.close()
        log.info("unlinked %r: %s", peer, reason)
        try:
            self._handler.link_closed(peer)
        except Exception:
            log.exception("closing %r failed", peer)


_JOB_FAULTS = {
    "bad_range": "A job number is in use or beyond 2**63; choose another.",
    "rate_limited": "Too many jobs of this plugin are open; wait for some to end.",
}


def _refusal_text(answer: _native.Answer, hello: bytes) -> str:
    if answer is _native.Answer.INCOMPATIBLE:
        major, minor = _native.hello_abi(hello)
        return (
            f"The plugin speaks link version {major}.{minor}, this engine "
            f"{_native.ABI_MAJOR}.{_native.ABI_MINOR}. Run `driftwave install` to match them."
        )
    return "The plugin's greeting is malformed: wrong magic, rate, block length or channels."
