"""The drum loops behind the OSC door: the Protocol an engine implements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from bridge import pattern_requests as requests
from bridge.osc_call import OscCall


class PatternHandler(Protocol):
    """The methods of `bridge.pattern_space`, under the rules of `bridge.osc_handler`."""

    def pattern(self, call: OscCall, request: requests.PatternCommand) -> None:
        """`call.queued`, `call.progress`…, `call.clip_added` for the loop, then
        `call.done(clip, milliseconds, midi, unknown)`."""

    def clip_midi(self, call: OscCall, request: requests.ClipMidi) -> None:
        """`call.done(path)` once the file is written; `not_found` for a clip without pattern."""


def pattern_actions(handler: PatternHandler) -> dict[str, Callable[[OscCall, Any], None]]:
    """The handler's method for each address of the table."""
    return {"/drift/pattern": handler.pattern, "/drift/clip/midi": handler.clip_midi}
