"""OSC bytes made by hand, of every type in the specification, also those that are refused."""

from __future__ import annotations

import struct

from bridge.osc_spec import Value

DROPPED_BY_PYTHON_OSC = ("c", "I", "S")
OTHER_TAGS = ("N", "b", "r", "m", "t", "[i]")


def padded(data: bytes) -> bytes:
    """Ended by zeros up to a multiple of four bytes."""
    return data + b"\0" * (4 - len(data) % 4)


def encode(tag: str, value: Value) -> bytes:
    """One value as raw OSC bytes, of any type in the specification."""
    if tag in ("s", "S"):
        return padded(str(value).encode())
    if tag in ("T", "F", "N", "I"):
        return b""
    if tag in ("f", "d"):
        return struct.pack(f">{tag}", 1.0 if isinstance(value, str) else value)
    if tag == "h":
        return struct.pack(">q", int(value) if isinstance(value, int | float) else 1)
    if tag == "t":
        return struct.pack(">Q", 1)
    if tag == "b":
        return struct.pack(">i", 0)
    number = int(value) if isinstance(value, int | float) else 1
    return struct.pack(">i", max(-(2**31), min(2**31 - 1, number)))
