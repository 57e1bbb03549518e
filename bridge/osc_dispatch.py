"""From a packet to the handler and back: look-up, validation, scheduling, faults.

No socket and no thread here: `OscServer` feeds packets in and gives a function that sends.
"""

from __future__ import annotations

import difflib
import itertools
import logging
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from bridge import address_space as space
from bridge import osc_requests as requests
from bridge.denoise_handler import denoise_actions
from bridge.dirt import HANDSHAKE, PLAY
from bridge.dirt_player import DirtPlayer
from bridge.library_handler import library_actions
from bridge.osc_builtin import Builtins
from bridge.osc_call import OscCall, OscPeer
from bridge.osc_calls import CallBook
from bridge.osc_handler import OscHandler
from bridge.osc_limits import FAILS_PER_S, FailLimiter, Subscribers, Verdict
from bridge.osc_packet import (
    Group,
    Message,
    build_bundles,
    build_message,
    parse_packet,
    seconds_until,
)
from bridge.osc_pattern import is_pattern, matches
from bridge.osc_peek import NORMALIZED, has_value, peek, twin_value
from bridge.osc_schedule import MAX_FUTURE_S, Schedule
from bridge.osc_spec import CODES, Method, OscFault, Value
from bridge.osc_validate import build_request
from bridge.pattern_handler import pattern_actions
from bridge.stage_space import STAGE_METHODS

_log = logging.getLogger("driftwave.osc")

Action = Callable[[OscCall, Any], None]


class OscDispatcher:
    """Runs packets. `packet` and `run_due` belong to one thread; the rest to [any].

    Args:
        handler: the engine's side.
        transmit: sends one datagram; called from any thread; never raises.
        version: reported by hello and version.
        clock: monotonic seconds.
        wall_clock: system time in seconds, which timetags refer to.
    """

    def __init__(
        self,
        handler: OscHandler,
        transmit: Callable[[OscPeer, bytes], None],
        *,
        version: str,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._handler = handler
        self._transmit = transmit
        self._clock = clock
        self._wall_clock = wall_clock
        self._book = CallBook()
        self._subscribers = Subscribers(clock)
        self._limiter = FailLimiter(clock)
        self._schedule = Schedule()
        self._serials = itertools.count()
        self.port = 0
        self._builtins = Builtins(version, self._book, self._subscribers)
        self._actions = self._bind(handler, self._builtins)

    @property
    def open_calls(self) -> int:
        """Requests that have no final answer yet."""
        return len(self._book)

    @property
    def pending(self) -> int:
        """Messages that wait for their timetag."""
        return len(self._schedule)

    def packet(self, data: bytes, peer: OscPeer) -> None:
        """Run one packet or keep it until its time. Never raises."""
        try:
            self._subscribers.renew(peer)
            for group in parse_packet(data):
                self._accept(group, peer, len(data))
        except OscFault as fault:
            self._refuse(peer, "", -1, fault)
        except Exception:
            _log.exception("packet of %d bytes from %s", len(data), peer)

    def run_due(self) -> float | None:
        """Run every bundle whose time has come; return seconds until the next, or None."""
        while (due := self._schedule.pop_due(self._clock())) is not None:
            self._run(due.messages, due.peer, due.at_s)
        next_s = self._schedule.next_s()
        return None if next_s is None else max(0.0, next_s - self._clock())

    def send(self, peer: OscPeer, address: str, args: Sequence[Value]) -> None:
        """Build and send one message. [any]"""
        self._transmit(peer, build_message(address, args))

    def broadcast(self, address: str, args: Sequence[Value], *, skip: OscPeer | None) -> None:
        """Send one event to everyone who hears of it but `skip`. [any]

        The value of a parameter is sent at its own address, and at its twin's from 0 to 1.
        """
        self._announce(address, args, skip)
        method = space.BY_ADDRESS.get(address)
        if method is not None and address + NORMALIZED in space.BY_ADDRESS:
            part = twin_value(method, args)
            if part is not None:
                self._announce(address + NORMALIZED, part, skip)

    def peek(self, address: str) -> tuple[Value, ...] | None:
        """The present value of a method that has one, else None. [receive thread]"""
        method = space.BY_ADDRESS.get(address)
        if method is None or not has_value(method):
            return None
        try:
            return peek(method, self._actions[address])
        except Exception as error:
            # A method may refuse to tell, such as when there is no sound output.
            _log.debug("no value of %s: %s", address, error)
            return None

    def send_value(self, peer: OscPeer, address: str) -> None:
        """Send `peer` the present value of a parameter, if `address` is one. [receive thread]"""
        method = space.BY_ADDRESS.get(address)
        value = self.peek(address) if method is not None and method.parameter else None
        if value is not None:
            self.send(peer, address, value)

    def dump(self, peer: OscPeer) -> None:
        """Send `peer` the value of every parameter. [receive thread]"""
        messages = []
        for method in space.METHODS:
            value = self.peek(method.address) if method.parameter else None
            if value is not None:
                messages.append(build_message(method.address, value))
        for bundle in build_bundles(messages):
            self._transmit(peer, bundle)

    def listen(self, peer: OscPeer, address: str, *, on: bool) -> None:
        """Begin or end sending `peer` what happens at `address`. [any]

        Raises:
            OscFault: bad_address for one that is neither method nor reply, busy.
        """
        if not on:
            self._subscribers.ignore(peer, address)
        elif address in space.BY_ADDRESS or address in space.REPLY_ADDRESSES:
            self._subscribers.listen(peer, address)
        else:
            raise OscFault("bad_address", f"{address[:60]} is no method; {_hint(address)}")

    def closing(self, call: OscCall) -> None:
        """A call is about to be answered for good. [any]"""
        self._book.free_job(call)

    def closed(self, call: OscCall) -> None:
        """A call was answered for good. [any]"""
        self._book.leave(call)

    def find_calls(self, peer: OscPeer, job: int) -> tuple[OscCall, ...]:
        """Open calls with this job id. [any]"""
        return self._book.find(peer, job)

    def forget(self, peer: OscPeer) -> None:
        """`peer` is gone: end its subscription. [any]"""
        self._subscribers.forget(peer)

    def _bind(self, handler: OscHandler, builtins: Builtins) -> dict[str, Action]:
        actions: dict[str, Action] = {}
        dirt = DirtPlayer(space.BY_ADDRESS, actions, lambda: self.port)
        actions |= {
            PLAY: dirt.play,
            HANDSHAKE: dirt.handshake,
            "/drift/hello": builtins.hello,
            "/drift/ping": builtins.ping,
            "/drift/status": handler.status,
            "/drift/version": builtins.version,
            "/drift/sync": builtins.sync,
            "/drift/query": builtins.query,
            "/drift/notify": self._notify,
            "/drift/panic": self._panic,
            "/drift/voice/list": handler.list_voices,
            "/drift/voice/load": handler.load_voice,
            "/drift/voice/unload": handler.unload_voice,
            "/drift/generate": handler.generate,
            "/drift/vary": handler.vary,
            "/drift/inpaint": handler.inpaint,
            "/drift/continue": handler.continue_clip,
            "/drift/interpolate": handler.interpolate,
            "/drift/sketch": handler.sketch,
            "/drift/resynthesise": handler.resynthesise,
            "/drift/again": handler.again,
            "/drift/cancel": handler.cancel,
            "/drift/clip/list": handler.list_clips,
            "/drift/clip/get": handler.get_clip,
            "/drift/clip/export": handler.export_clip,
            "/drift/clip/favourite": handler.favourite_clip,
            "/drift/clip/name": handler.name_clip,
            "/drift/clip/tag": handler.tag_clip,
            "/drift/clip/delete": handler.delete_clip,
            **library_actions(handler.library),
            **pattern_actions(handler.patterns),
            **denoise_actions(handler.denoiser),
            **{row.address: getattr(handler.stage, row.action) for row in STAGE_METHODS},
        }
        return actions

    def _announce(self, address: str, args: Sequence[Value], skip: OscPeer | None) -> None:
        peers = [peer for peer in self._subscribers.audience(address) if peer != skip]
        if peers:
            data = build_message(address, args)
            for peer in peers:
                self._transmit(peer, data)

    def _notify(self, call: OscCall, request: requests.Notify) -> None:
        self._builtins.notify(call, request)
        if request.on:
            self.dump(call.peer)

    def _panic(self, call: OscCall, request: requests.Panic) -> None:
        if request.trigger:
            self._schedule.clear()
            self._handler.panic(call, request)
        else:
            call.done()

    def _accept(self, group: Group, peer: OscPeer, size_bytes: int) -> None:
        delay_s = seconds_until(group.timetag, self._wall_clock())
        if delay_s <= 0.0:
            self._run(group.messages, peer)
        elif delay_s > MAX_FUTURE_S:
            raise OscFault(
                "bad_range",
                f"a bundle is stamped {delay_s:.1f} s ahead; expected {MAX_FUTURE_S:g} s at most; "
                "send it later, or check the clocks",
            )
        elif group.messages:
            timed = all(_is_timed(message) for message in group.messages)
            at_s = self._clock() + delay_s
            self._schedule.add(at_s, peer, group.messages, size_bytes, timed=timed)

    def _run(
        self, messages: tuple[Message, ...], peer: OscPeer, due_s: float | None = None
    ) -> None:
        for message in messages:
            try:
                self._run_message(message, peer, due_s)
            except OscFault as fault:
                self._refuse(peer, _command(message.address), -1, fault)
            except Exception:
                _log.exception("message %s from %s", message.address[:60], peer)

    def _run_message(self, message: Message, peer: OscPeer, due_s: float | None) -> None:
        address = message.address
        if address in space.REPLY_ADDRESSES:
            return  # An answer to an answer would never end.
        method = space.BY_ADDRESS.get(address)
        if method is not None:
            self._call(method, message, peer, due_s)
        elif is_pattern(address):
            for match in _match(address):
                self._call(match, message, peer, due_s)
        elif message.fault is not None and message.fault.code == "bad_address":
            raise message.fault
        else:
            self._refuse_address(peer, address)

    def _call(self, method: Method, message: Message, peer: OscPeer, due_s: float | None) -> None:
        try:
            if message.fault is not None:
                raise message.fault
            request = build_request(method, message.tags, message.values, local=peer.local)
            job = getattr(request, "job", -1)
            subject = message.values[0] if method.announces and message.values else ""
            call = OscCall(
                self, peer, method, job=job, serial=next(self._serials), subject=str(subject),
                due_s=due_s, clock=self._clock,
            )  # fmt: skip
            self._book.enter(call)
        except OscFault as fault:
            self._refuse(peer, method.command, _job_of(method, message), fault)
            return
        try:
            self._actions[method.address](call, request)
        except Exception as error:
            code = getattr(error, "code", None)
            if isinstance(code, str) and code in CODES and code != "internal":
                call.fail(code, str(error))
            else:
                _log.exception("%s from %s", method.command, peer)
                call.fail("internal", f"{method.command}: {error or type(error).__name__}")

    def _refuse_address(self, peer: OscPeer, address: str) -> None:
        def fault() -> OscFault:
            return OscFault("bad_address", f"{address[:60]} is no method; {_hint(address)}")

        self._refuse(peer, _command(address), -1, fault)

    def _refuse(
        self, peer: OscPeer, command: str, job: int, fault: OscFault | Callable[[], OscFault]
    ) -> None:
        verdict = self._limiter.judge(peer)
        if verdict is Verdict.SEND:
            made = fault if isinstance(fault, OscFault) else fault()
            self.send(peer, space.FAIL, (command, job, made.code, made.message))
        elif verdict is Verdict.TELL:
            text = (
                f"too many wrong messages from {peer}; "
                f"{FAILS_PER_S:g} a second are answered, the others dropped"
            )
            self.send(peer, space.FAIL, (command, job, "rate_limited", text))


def _is_timed(message: Message) -> bool:
    """Whether a message is for a method that does things at the moment of their bundle."""
    method = space.BY_ADDRESS.get(message.address)
    return method is not None and method.timed


@lru_cache(maxsize=256)
def _match(pattern: str) -> tuple[Method, ...]:
    found = [method for method in space.METHODS if matches(pattern, method.address)]
    reached = tuple(method for method in found if method.by_pattern)
    if not reached:
        reason = "needs its exact address" if found else "is no method"
        raise OscFault(
            "bad_address", f"what {pattern[:60]} matches {reason}; send /drift/query for a list"
        )
    return reached


@lru_cache(maxsize=256)
def _hint(address: str) -> str:
    """What the sender of an unknown address may have meant."""
    command = _command(address).strip("/")
    rows = [method.command for method in space.METHODS if method.number <= 1]
    heads = sorted({row.partition("/")[0] for row in rows})
    head = difflib.get_close_matches(command.partition("/")[0], heads, n=1)
    rows = [row for row in rows if head and row.partition("/")[0] == head[0]]
    near = difflib.get_close_matches(command, rows, n=1)
    return f"did you mean /drift/{near[0]}?" if near else "send /drift/query for a list"


def _command(address: str) -> str:
    return address.removeprefix("/drift/")[:60]


def _job_of(method: Method, message: Message) -> int:
    place = next((i for i, arg in enumerate(method.args) if arg.name == "job"), len(message.values))
    sent = message.values[place] if method.job and place < len(message.values) else -1
    return int(sent) if isinstance(sent, int) and -1 <= sent < 2**31 else -1
