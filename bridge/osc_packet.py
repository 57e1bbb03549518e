"""OSC packets to messages and back; python-osc reads and writes the values.

What python-osc 1.10 gets wrong is kept away from it: bundles are framed here (a negative
element size makes its parser loop for ever, deep nesting ends in RecursionError), type tags
are checked first (it drops I, S and c, so that later values shift, and it reads i by copying
the rest of the packet), and values are made plain before it builds (numpy scalars raise).

Source: Open Sound Control 1.0, "OSC Packets", "OSC Bundles", "Temporal Semantics".
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from bridge.osc_spec import OscFault, Value

IMMEDIATELY: Final = 1
MAX_TAGS: Final = 128
_DAY_S: Final = 86_400
MAX_DEPTH: Final = 8
MAX_REPLY_BYTES: Final = 1399

_BUNDLE: Final = b"#bundle\0"
_ACCEPTED_TAGS: Final = frozenset("ifdhsTF")
_FLOAT32_MAX: Final = 3.4028234e38
_NTP_EPOCH_S: Final = 2_208_988_800
"""Seconds from 1900 (OSC timetags) to 1970 (system time)."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message: `values` has one value for each type tag in `tags`.

    With a `fault` the address stands but the arguments could not be read.
    """

    address: str
    tags: str
    values: tuple[Value, ...]
    fault: OscFault | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Messages that run together, in order, at `timetag` (NTP, 64 bit; 0 and 1: at once)."""

    timetag: int
    messages: tuple[Message, ...]


def parse_packet(data: bytes) -> list[Group]:
    """Read one packet. A bundle inside a bundle that is not later than it runs in its place.

    Raises:
        OscFault: bad_type when the framing is broken; nothing of such a packet is run.
    """
    if data.startswith(b"/"):
        return [Group(IMMEDIATELY, (_parse_message(data),))]
    if not data.startswith(_BUNDLE):
        raise OscFault(
            "bad_type",
            f"a packet of {len(data)} bytes begins with {data[:8]!r}; "
            "expected an OSC address or #bundle",
        )
    groups: list[Group] = []
    timetag, messages = _parse_bundle(data, 0, groups, depth=1)
    return [Group(timetag, tuple(messages)), *groups]


def _parse_bundle(
    data: bytes, outer: int, later: list[Group], depth: int
) -> tuple[int, list[Message]]:
    if depth > MAX_DEPTH:
        raise OscFault("bad_type", f"bundles nest deeper than {MAX_DEPTH}; send them flat")
    if len(data) < 16:
        raise OscFault("bad_type", f"a bundle of {len(data)} bytes has no timetag")
    timetag = max(outer, int(struct.unpack_from(">Q", data, 8)[0]))
    messages: list[Message] = []
    index = 16
    while index < len(data):
        if index + 4 > len(data):
            raise OscFault("bad_type", "a bundle ends inside the size of an element")
        (size,) = struct.unpack_from(">i", data, index)
        index += 4
        if size < 4 or size % 4 or index + size > len(data):
            raise OscFault(
                "bad_type",
                f"a bundle element says {size} bytes; expected a multiple of 4 within "
                f"the {len(data) - index} that are left",
            )
        element = data[index : index + size]
        index += size
        if element.startswith(b"/"):
            messages.append(_parse_message(element))
        elif element.startswith(_BUNDLE):
            inner, found = _parse_bundle(element, timetag, later, depth + 1)
            if inner > max(timetag, IMMEDIATELY):
                later.append(Group(inner, tuple(found)))
            else:
                messages.extend(found)
        else:
            raise OscFault(
                "bad_type", f"a bundle element begins with {element[:8]!r}; "
                "expected an OSC address or #bundle",
            )  # fmt: skip
    return timetag, messages


def _parse_message(data: bytes) -> Message:
    end = data.find(b"\0")
    address = (data if end < 0 else data[:end]).decode("ascii", "replace")
    if end < 0 or not address.isprintable() or "\ufffd" in address:
        return _faulty(address, "bad_address", "an address is printable ASCII that ends in zeros")
    index = (end // 4 + 1) * 4
    if index >= len(data):
        return Message(address, "", ())
    end = data.find(b"\0", index)
    if data[index : index + 1] != b"," or end < 0:
        return _faulty(
            address, "bad_type", "the type tags are missing; expected a string that begins with ','"
        )
    tags = data[index + 1 : end].decode("ascii", "replace")
    unknown = next((tag for tag in tags if tag not in _ACCEPTED_TAGS), "")
    if unknown:
        return _faulty(
            address, "bad_type",
            f"argument {tags.index(unknown) + 1} has type tag {unknown!r}; "
            "expected i f d h T F for numbers and s for text",
        )  # fmt: skip
    if len(tags) > MAX_TAGS:
        return _faulty(address, "bad_type", f"{len(tags)} arguments; expected {MAX_TAGS} at most")
    if not tags:
        return Message(address, "", ())
    try:
        values = tuple(OscMessage(data))
    except Exception:
        # ParseError for short data, UnicodeDecodeError for text that is not UTF-8.
        return _faulty(
            address, "bad_type", f"the arguments do not fit their type tags ,{tags}; "
            "expected complete values and UTF-8 text",
        )  # fmt: skip
    return Message(address, tags, values)


def _faulty(address: str, code: str, message: str) -> Message:
    return Message(address, "", (), OscFault(code, f"{address[:60]}: {message}"))


def seconds_until(timetag: int, now_s: float) -> float:
    """Seconds from `now_s` (system time) to an NTP timetag; 0 for at once, negative: past.

    The 32 bits of seconds begin again in February 2036; a timetag within a day of now is
    understood across that, any other is counted from 1900.
    """
    if timetag <= IMMEDIATELY:
        return 0.0
    ahead = timetag - int((now_s + _NTP_EPOCH_S) * 2**32)
    near = (ahead + 2**63) % 2**64 - 2**63
    return (near if abs(near) < _DAY_S << 32 else ahead) / 2**32


def build_message(address: str, args: Sequence[object]) -> bytes:
    """Build one message of at most `MAX_REPLY_BYTES`; the longest texts are cut to fit.

    bool becomes int 0 or 1, since many controllers ignore T and F; int outside 32 bits
    becomes h, float outside float32 d; numpy scalars become plain numbers.

    Raises:
        TypeError: for any other type.
        ValueError: for an integer outside 64 bits.
    """
    values = [_plain(arg) for arg in args]
    while True:
        builder = OscMessageBuilder(address=address)
        for value in values:
            wide = isinstance(value, float) and _FLOAT32_MAX < abs(value) < math.inf
            builder.add_arg(value, "d" if wide else None)
        data: bytes = builder.build().dgram
        excess = len(data) - MAX_REPLY_BYTES
        if excess <= 0:
            return data
        texts = [(len(v.encode()), i) for i, v in enumerate(values) if isinstance(v, str)]
        if not texts:
            raise ValueError(f"{address}: {len(data)} bytes of numbers; split the message")
        size, longest = max(texts)
        values[longest] = _cut(str(values[longest]), max(0, size - excess - 4))


def build_bundles(messages: Sequence[bytes]) -> list[bytes]:
    """Pack messages into bundles that run at once, each as small as a single message may be.

    A message that leaves no room for a bundle around it stays alone.
    """
    bundles: list[bytes] = []
    head = _BUNDLE + struct.pack(">Q", IMMEDIATELY)
    bundle = head
    for message in messages:
        element = struct.pack(">i", len(message)) + message
        if len(head) + len(element) > MAX_REPLY_BYTES:
            bundles.append(message)
            continue
        if len(bundle) > len(head) and len(bundle) + len(element) > MAX_REPLY_BYTES:
            bundles.append(bundle)
            bundle = head
        bundle += element
    return [*bundles, bundle] if len(bundle) > len(head) else bundles


def _cut(text: str, size_bytes: int) -> str:
    return text.encode()[:size_bytes].decode("utf-8", "ignore") + ("…" if size_bytes else "")


def _plain(arg: object) -> int | float | str:
    item = getattr(arg, "item", None)
    value = item() if callable(item) else arg
    if isinstance(value, str):
        return value.replace("\0", " ").encode("utf-8", "replace").decode()
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise ValueError(f"{value} does not fit 64 bits")
        return value
    if isinstance(value, float):
        return value
    raise TypeError(f"{value!r} of type {type(value).__name__}; expected a number or a string")
