"""What a method has as its value: the method is asked as a sender would ask, inside the door.

A parameter (a method that can be set and asked for) answers a message without arguments with
`/drift/value`; a read-only method answers with its one reply. So OSCQuery's VALUE, the dump for a
new subscriber and `/drift/value` can never disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from bridge.osc_call import OscCall, OscPeer
from bridge.osc_spec import Access, Arg, Kind, Method, OscFault, Value
from bridge.osc_validate import build_request

ASKER: Final = OscPeer("127.0.0.1", 0, "inside")
"""Stands for the door itself; never sent to."""
NORMALIZED: Final = "/normalized"
_FAIL: Final = "/drift/fail"


class _Heard:
    """An `Outlet` that keeps what a call answers."""

    def __init__(self) -> None:
        self.answers: list[tuple[str, Sequence[Value]]] = []

    def send(self, peer: OscPeer, address: str, args: Sequence[Value]) -> None:
        """Keep the answer."""
        self.answers.append((address, args))

    def broadcast(self, address: str, args: Sequence[Value], *, skip: OscPeer | None) -> None:
        """Asking changes nothing that anybody should hear of."""

    def closing(self, call: OscCall) -> None:
        """Nothing to free."""

    def closed(self, call: OscCall) -> None:
        """Nothing to free."""

    def find_calls(self, peer: OscPeer, job: int) -> tuple[OscCall, ...]:
        """None is its own."""
        return ()


def has_value(method: Method) -> bool:
    """True for what `peek` can ask: parameters, and methods that only read one answer."""
    reads = method.access is Access.READ and method.done is None and not method.args
    return method.parameter or (reads and len(method.replies) == 1)


def run_inside(
    method: Method, action: Callable[[OscCall, Any], None], values: Sequence[float] = ()
) -> list[tuple[str, Sequence[Value]]]:
    """Do what a message with these numbers does; returns what it answers at once.

    Belongs to the receive thread.

    Raises:
        OscFault: when it fails at once.
    """
    heard = _Heard()
    request = build_request(method, "f" * len(values), values, local=True)
    action(OscCall(heard, ASKER, method), request)
    for address, args in heard.answers:
        if address == _FAIL:
            raise OscFault(str(args[2]), str(args[3]))
    return heard.answers


def peek(method: Method, action: Callable[[OscCall, Any], None]) -> tuple[Value, ...] | None:
    """The present value of a method, None when it cannot be told at once.

    Runs the method's action, so it belongs to the receive thread. What the action raises is
    raised.
    """
    for address, args in run_inside(method, action):
        if address == method.replies[0]:
            return tuple(args[1:] if method.parameter else args)
    return None


def twin_value(method: Method, args: Sequence[Value]) -> tuple[Value, ...] | None:
    """A parameter's value as its place in its range, 0..1; None when it has no such place."""
    if len(args) != 1 or not method.args:
        return None
    arg, value = method.args[0], args[0]
    if not _is_ranged(arg) or isinstance(value, str) or value is None:
        return None
    assert arg.minimum is not None
    assert arg.maximum is not None
    part = (value - arg.minimum) / (arg.maximum - arg.minimum)
    return (min(max(part, 0.0), 1.0),)


def _is_ranged(arg: Arg) -> bool:
    ranged = arg.minimum is not None and arg.maximum is not None
    return arg.kind in (Kind.INT, Kind.FLOAT) and ranged and arg.maximum != arg.minimum
