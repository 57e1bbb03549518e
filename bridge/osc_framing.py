"""Where a packet ends in a stream: SLIP (OSC 1.1) or a length before each packet (OSC 1.0).

The first byte of a connection tells which: a packet shorter than 16 MiB has a zero as first byte
of its length, SLIP begins with END or with the packet itself. Sources: RFC 1055; Open Sound
Control 1.0, "OSC Packets"; OSC 1.1 (Freed and Schmeder, NIME 2009): END before and after.
"""

from __future__ import annotations

import re
import struct
from typing import Final, Protocol

MAX_FRAME_BYTES: Final = 65_536

_END: Final = b"\xc0"
_ESCAPE: Final = b"\xdb"
_ESCAPED_END: Final = b"\xdb\xdc"
_ESCAPED_ESCAPE: Final = b"\xdb\xdd"
_BROKEN_ESCAPE: Final = re.compile(rb"\xdb(?![\xdc\xdd])")
_SLIP_STARTS: Final = b"\xc0/#"


class FramingError(Exception):
    """The stream cannot be followed any more; it has to be closed."""


class Framing(Protocol):
    """One connection's way to mark packets."""

    def feed(self, data: bytes) -> list[bytes]:
        """The packets that are complete once `data` has come.

        Raises:
            FramingError: for what can't be the beginning of a packet, or too long a one.
        """

    def frame(self, packet: bytes) -> bytes:
        """A packet as it is sent."""


class Slip:
    """Double-ended SLIP."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Packets between END bytes; one with a broken escape comes out as it is."""
        *frames, self._rest = (self._rest + data).split(_END)
        if len(self._rest) > 2 * MAX_FRAME_BYTES:
            raise FramingError(f"no SLIP END in {len(self._rest)} bytes")
        packets = [self._unescape(frame) for frame in frames if frame]
        if any(len(packet) > MAX_FRAME_BYTES for packet in packets):
            raise FramingError(f"a SLIP packet is longer than {MAX_FRAME_BYTES} bytes")
        return packets

    def frame(self, packet: bytes) -> bytes:
        """END, the packet escaped, END."""
        escaped = packet.replace(_ESCAPE, _ESCAPED_ESCAPE).replace(_END, _ESCAPED_END)
        return _END + escaped + _END

    def _unescape(self, frame: bytes) -> bytes:
        if _ESCAPE not in frame:
            return frame
        if _BROKEN_ESCAPE.search(frame):
            return b"\xdb" + frame  # no OSC packet: it is answered with bad_type
        return frame.replace(_ESCAPED_END, _END).replace(_ESCAPED_ESCAPE, _ESCAPE)


class LengthPrefix:
    """A 32-bit big-endian length before each packet."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Packets of the lengths that stand before them."""
        buffer = self._rest + data
        packets: list[bytes] = []
        index = 0
        while index + 4 <= len(buffer):
            (size,) = struct.unpack_from(">I", buffer, index)
            if size > MAX_FRAME_BYTES:
                raise FramingError(
                    f"a packet of {size} bytes is announced; expected {MAX_FRAME_BYTES} at most"
                )
            if index + 4 + size > len(buffer):
                break
            if size:
                packets.append(buffer[index + 4 : index + 4 + size])
            index += 4 + size
        self._rest = buffer[index:]
        return packets

    def frame(self, packet: bytes) -> bytes:
        """The length and the packet."""
        return struct.pack(">I", len(packet)) + packet


def recognise(first: int) -> Framing:
    """The framing of a stream that begins with this byte.

    Raises:
        FramingError: when it is neither.
    """
    if first == 0:
        return LengthPrefix()
    if first in _SLIP_STARTS:
        return Slip()
    raise FramingError(
        f"the stream begins with {bytes([first])!r}; expected SLIP (OSC 1.1) or the length "
        "of a packet in 4 bytes (OSC 1.0)"
    )
