"""One request on its way: who asked, what for, and how the answer goes back.

A sender is known by its address; nothing is ever sent anywhere else ("listeners follow the
last client" is the fault of other servers that this avoids).
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

from bridge import address_space as space
from bridge.osc_requests import OscClip, OscStatus, OscVoice
from bridge.osc_spec import CODES, Method, Value

_log = logging.getLogger("driftwave.osc")

PROGRESS_INTERVAL_S: Final = 0.1


class OscPeer(NamedTuple):
    """The address a message came from and answers go to.

    `transport` is "udp", "tcp" or "ws" (WebSocket): each counts ports of its own.
    """

    host: str
    port: int
    transport: str = "udp"

    def __str__(self) -> str:
        """For the log and for messages."""
        return f"{self.transport}://{self.host}:{self.port}"

    @property
    def local(self) -> bool:
        """True when the sender is on this machine."""
        return self.host.startswith("127.")


class Outlet(Protocol):
    """What a call needs of the server: sending, events, and the list of open calls."""

    def send(self, peer: OscPeer, address: str, args: Sequence[Value]) -> None:
        """Send one message. [any]"""

    def broadcast(self, address: str, args: Sequence[Value], *, skip: OscPeer | None) -> None:
        """Send one event to every subscriber but `skip`. [any]"""

    def closing(self, call: OscCall) -> None:
        """A call is about to be answered for good: its job id is free again. [any]"""

    def closed(self, call: OscCall) -> None:
        """A call was answered for good. [any]"""

    def find_calls(self, peer: OscPeer, job: int) -> tuple[OscCall, ...]:
        """Open calls with this job id. [any]"""


class OscCall:
    """One request of one sender. Every method may be called from any thread.

    Attributes:
        peer: the sender.
        method: its row of the table.
        job: id of the job: the sender's, or one the server chose; -1 for methods without.
        serial: unique in a server.
        subject: first string argument (clip or voice), for events.
        due_s: when its bundle is due on the monotonic clock; None for at once. A method that the
            table calls timed is called ahead of that.
        token: free for the handler, such as the engine's job.
    """

    def __init__(
        self,
        outlet: Outlet,
        peer: OscPeer,
        method: Method,
        *,
        job: int = -1,
        serial: int = 0,
        subject: str = "",
        due_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.peer = peer
        self.due_s = due_s
        self.method = method
        self.job = job
        self.serial = serial
        self.subject = subject
        self.token: object = None
        self._outlet = outlet
        self._clock = clock
        self._lock = threading.Lock()
        self._open = True
        self._next_progress = float("-inf")

    @property
    def command(self) -> str:
        """Name of the method in `/drift/done` and `/drift/fail`."""
        return self.method.command

    @property
    def open(self) -> bool:
        """False once done or failed."""
        return self._open

    def queued(self, position: int) -> None:
        """Report `/drift/queued`: the job was accepted, `position` jobs are ahead of it."""
        self._send(space.QUEUED, self.job, position)

    def progress(self, fraction: float, step: int, steps: int, eta_s: float = -1.0) -> None:
        """Report `/drift/progress`, at most ten times a second and always at the last step."""
        now = self._clock()
        with self._lock:
            if now < self._next_progress and step < steps:
                return
            self._next_progress = now + PROGRESS_INTERVAL_S
        self._send(space.PROGRESS, self.job, fraction, step, steps, eta_s)

    def clip_added(self, clip: str, index: int, seed: int, seconds: float) -> None:
        """Report one finished variation to the sender and, as an event, to the subscribers."""
        self._send(space.CLIP_ADDED, clip, self.job, index, seed, seconds)
        event = (clip, -1, index, seed, seconds)
        self._outlet.broadcast(space.CLIP_ADDED, event, skip=self.peer)

    def clip_changed(self, clip: str) -> None:
        """Tell the other subscribers, as an event, that this command changed a clip."""
        self._outlet.broadcast(space.CLIP_CHANGED, (clip, self.command), skip=self.peer)

    def status(self, status: OscStatus) -> None:
        """Answer `/drift/status` and close the call."""
        if self._close():
            values = (
                status.state, status.device, status.voices, status.running, status.queued,
                status.clips, status.uptime_s, status.audio, status.xruns,
            )  # fmt: skip
            self._finish(space.STATUS_REPLY, values)

    def voice(self, voice: OscVoice) -> None:
        """Report one line of the list of voices."""
        self._send(
            space.VOICE_ITEM, voice.name, voice.version, voice.sample_rate, voice.channels,
            voice.max_seconds, int(voice.loaded), voice.description,
        )  # fmt: skip

    def clip(self, clip: OscClip) -> None:
        """Report one clip of the library."""
        self._send(
            space.CLIP_ITEM, clip.id, clip.name, clip.seconds, clip.sample_rate, clip.channels,
            clip.seed, clip.index, clip.steps, clip.voice, clip.prompt, int(clip.favourite),
            " ".join(clip.tags), int(clip.created),
        )  # fmt: skip

    def done(self, *values: Value) -> None:
        """Answer `/drift/done` and close the call; without effect on a closed call.

        Raises:
            TypeError: `values` are not those the table's `done` names.
        """
        expected = self.method.done
        if expected is None:
            raise TypeError(f"{self.method.address} is not answered with {space.DONE}")
        if len(values) != len(expected):
            names = ", ".join(arg.name for arg in expected) or "nothing"
            raise TypeError(f"{self.command}: done{values!r}; expected {names}")
        if not self._close():
            return
        if self.method.announces and self.subject:
            event = (self.subject, self.command)
            self._outlet.broadcast(self.method.announces, event, skip=self.peer)
        self._finish(space.DONE, (self.command, self.job, *values))

    def fail(self, code: str, message: str) -> None:
        """Answer `/drift/fail` and close the call; without effect on a closed call.

        An unknown `code` is reported as `internal`.
        """
        if self._close():
            if code not in CODES:
                _log.error("unknown fault code %r for %s", code, self.command)
                code = "internal"
            self._finish(space.FAIL, (self.command, self.job, code, message))

    def answer(self, address: str, *values: Value) -> None:
        """Send `address` as the last answer and close the call."""
        if self._close():
            self._finish(address, values)

    def item(self, address: str, *values: Value) -> None:
        """Send one list item."""
        self._send(address, *values)

    def find(self, job: int) -> tuple[OscCall, ...]:
        """Open calls that `job` names: this sender's, else the one with that server-made id."""
        return self._outlet.find_calls(self.peer, job)

    def _close(self) -> bool:
        with self._lock:
            was_open, self._open = self._open, False
        return was_open

    def _finish(self, address: str, values: Sequence[Value]) -> None:
        self._outlet.closing(self)
        try:
            self._outlet.send(self.peer, address, values)
        except (TypeError, ValueError) as error:
            _log.exception("answer %s %r cannot be sent", address, values)
            fault = (self.command, self.job, "internal", f"{self.command}: {error}")
            self._outlet.send(self.peer, space.FAIL, fault)
        finally:
            self._outlet.closed(self)

    def _send(self, address: str, *values: Value) -> None:
        if self._open:
            self._outlet.send(self.peer, address, values)
