"""The methods that the OSC door answers itself, without the engine."""

from __future__ import annotations

from bridge import address_space as space
from bridge import osc_requests as requests
from bridge.osc_call import OscCall
from bridge.osc_calls import CallBook
from bridge.osc_limits import LEASE_S, Subscribers
from bridge.osc_pattern import is_pattern, matches
from bridge.osc_spec import Arg, Kind, Method, OscFault


class Builtins:
    """hello, ping, version, sync, query and notify; `version` is the engine's. [receive thread]"""

    def __init__(self, version: str, book: CallBook, subscribers: Subscribers) -> None:
        self._version = version
        self._book = book
        self._subscribers = subscribers

    def hello(self, call: OscCall, request: requests.Hello) -> None:
        """Say who answers."""
        call.answer(space.HELLO_REPLY, "driftwave", self._version, space.PROTOCOL)

    def ping(self, call: OscCall, request: requests.Ping) -> None:
        """Send the number back."""
        call.answer(space.PONG, request.number)

    def version(self, call: OscCall, request: requests.Nothing) -> None:
        """Say the version."""
        call.answer(space.VERSION_REPLY, self._version, space.PROTOCOL)

    def sync(self, call: OscCall, request: requests.Sync) -> None:
        """Answer when the sender's earlier requests are answered."""
        self._book.sync(call, lambda: call.answer(space.SYNCED, request.number))

    def notify(self, call: OscCall, request: requests.Notify) -> None:
        """Begin or end the sender's lease."""
        if request.on:
            self._subscribers.add(call.peer)
        else:
            self._subscribers.remove(call.peer)
        call.done(int(request.on), LEASE_S if request.on else 0.0)

    def query(self, call: OscCall, request: requests.Query) -> None:
        """List methods and their arguments; of a family only the first that matches.

        Raises:
            OscFault: not_found when none matches, bad_address for a broken pattern.
        """
        found = [method for method in space.METHODS if _wanted(request.pattern, method.address)]
        if not found:
            raise OscFault(
                "not_found",
                f"query: no method matches {request.pattern[:60]!r}; send /drift/query for all",
            )
        found = _first_of_families(found)
        for method in found:
            family = f" ({method.family})" if method.family else ""
            call.item(
                space.QUERY_METHOD, method.address, method.type_tags, int(method.access),
                method.description + family,
            )  # fmt: skip
            for arg in method.args:
                _describe(call, method, arg, key=False)
            for arg in method.keys:
                _describe(call, method, arg, key=True)
        call.done(len(found))


def _wanted(pattern: str, address: str) -> bool:
    if is_pattern(pattern):
        return matches(pattern, address)
    folder = pattern.rstrip("/")
    return not folder or address == folder or address.startswith(folder + "/")


def _first_of_families(methods: list[Method]) -> list[Method]:
    seen: set[str] = set()
    first: list[Method] = []
    for method in methods:
        if method.family not in seen:
            first.append(method)
        if method.family:
            seen.add(method.family)
    return first


def _describe(call: OscCall, method: Method, arg: Arg, *, key: bool) -> None:
    call.item(
        space.QUERY_ARGUMENT, method.address, arg.name, int(key), arg.accepts, arg.unit,
        arg.range_text, default_text(arg), arg.description,
    )  # fmt: skip


def default_text(arg: Arg) -> str:
    """What leaving the argument out means: "-" when it must be sent, "" when nothing is set."""
    if not arg.optional:
        return "-"
    if arg.default is None:
        return ""
    if arg.kind is Kind.BOOL:
        return str(int(bool(arg.default)))
    return str(arg.default)
