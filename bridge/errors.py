"""The exceptions of the bridge, with the code and exit status they deserve at a door."""

from __future__ import annotations

from typing import ClassVar


class BridgeError(Exception):
    """Base of what can go wrong while a door opens; the message says value and remedy."""

    code: ClassVar[str] = "internal"
    exit_code: ClassVar[int] = 4


class EngineRunning(BridgeError):
    """Another engine of this user listens already."""

    code = "busy"


class RuntimeFolderError(BridgeError):
    """The runtime folder is missing, not writable, or not safely ours."""
