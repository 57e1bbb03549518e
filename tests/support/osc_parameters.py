"""Three parameters beside the table's methods, to test what every parameter has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from bridge import address_space as space
from bridge.osc_call import OscCall
from bridge.osc_dispatch import OscDispatcher
from bridge.osc_spec import VALUE_REPLY, Access, Arg, Kind, Method, Reply

GAIN = "/drift/test/gain"
NORMALIZED = "/drift/test/gain/normalized"
WORDS = "/drift/test/words"
ON = "/drift/test/on"


@dataclass(frozen=True, slots=True)
class Put:
    """Set or, with None, ask."""

    value: Any


def _row(address: str, arg: Arg) -> Method:
    return Method(
        address, Put, f"Parameter {address}", args=(arg,), replies=(VALUE_REPLY, space.DONE),
        access=Access.BOTH,
    )  # fmt: skip


ROWS = (
    _row(GAIN, Arg("value", Kind.FLOAT, "level", "dB", minimum=-60, maximum=12, optional=True)),
    _row(NORMALIZED, Arg("value", Kind.FLOAT, "place", minimum=0, maximum=1, optional=True)),
    _row(WORDS, Arg("value", Kind.STRING, "words", optional=True)),
    _row(ON, Arg("value", Kind.BOOL, "switch", optional=True)),
)
REPLY = Reply(VALUE_REPLY, (Arg("address", Kind.STRING, "address"),), "A value", rest="its value")


class Parameters:
    """Keeps their values and tells the others, as an engine does."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {GAIN: -6.0, WORDS: "deep kick", ON: 1}
        self.dispatcher: OscDispatcher | None = None

    def act(self, call: OscCall, request: Put) -> None:
        """Set or tell one."""
        address = call.method.address
        if request.value is None:
            call.item(VALUE_REPLY, address, self.tell(address))
        elif address == NORMALIZED:
            self.put(GAIN, request.value * 72 - 60, call)
        else:
            self.put(address, request.value, call)
        call.done()

    def tell(self, address: str) -> Any:
        """The present value."""
        return (self.values[GAIN] + 60) / 72 if address == NORMALIZED else self.values[address]

    def put(self, address: str, value: Any, call: OscCall | None = None) -> None:
        """Set one, by whoever made the call."""
        self.values[address] = value
        assert self.dispatcher is not None
        self.dispatcher.broadcast(address, (value,), skip=call.peer if call else None)


def install(monkeypatch: pytest.MonkeyPatch) -> Parameters:
    """Put the rows into the table for servers that are made from now on."""
    parameters = Parameters()
    monkeypatch.setattr(space, "METHODS", (*space.METHODS, *ROWS))
    monkeypatch.setattr(space, "BY_ADDRESS", {m.address: m for m in space.METHODS})
    if VALUE_REPLY not in space.REPLY_ADDRESSES:
        monkeypatch.setattr(space, "REPLIES", (*space.REPLIES, REPLY))
        monkeypatch.setattr(space, "REPLY_ADDRESSES", space.REPLY_ADDRESSES | {VALUE_REPLY})
    bind = OscDispatcher._bind

    def bind_all(self: OscDispatcher, *args: Any) -> Any:
        parameters.dispatcher = self
        return {**bind(self, *args), **dict.fromkeys((row.address for row in ROWS), parameters.act)}

    monkeypatch.setattr(OscDispatcher, "_bind", bind_all)
    return parameters
