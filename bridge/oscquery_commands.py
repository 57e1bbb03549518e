"""The text frames of an OSCQuery WebSocket: `{"COMMAND": name, "DATA": value}`."""

from __future__ import annotations

import json
from typing import Final

from bridge.osc_spec import OscFault

COMMANDS: Final = ("LISTEN", "IGNORE")
"""What a client may send; DATA is an OSC address."""


def read_command(text: str) -> tuple[str, str]:
    """The command and the address of a client's text frame.

    Raises:
        OscFault: bad_type for anything else.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    command = value.get("COMMAND") if isinstance(value, dict) else None
    address = value.get("DATA") if isinstance(value, dict) else None
    if command not in COMMANDS or not isinstance(address, str):
        raise OscFault(
            "bad_type",
            f'{text[:60]!r}: expected {{"COMMAND": "LISTEN" or "IGNORE", '
            '"DATA": "/an/address"}; OSC packets go in binary frames',
        )
    return command, address.rstrip("/")


def command_text(command: str, data: object) -> str:
    """A text frame that the server sends: ERROR with what was wrong."""
    return json.dumps({"COMMAND": command, "DATA": data}, ensure_ascii=False)
