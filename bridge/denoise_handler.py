"""The denoiser behind the OSC door: the Protocol an engine implements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from bridge import denoise_requests as requests
from bridge.osc_call import OscCall


class DenoiseHandler(Protocol):
    """The methods of `bridge.denoise_space`, under the rules of `bridge.osc_handler`."""

    def denoise(self, call: OscCall, request: requests.DenoiseCommand) -> None:
        """`call.queued`, `call.progress`…, `call.clip_added`, then
        `call.done(clip, milliseconds, reduction)`; `not_found` for an unknown clip."""


def denoise_actions(handler: DenoiseHandler) -> dict[str, Callable[[OscCall, Any], None]]:
    """The handler's method for each address of the table."""
    return {"/drift/denoise": handler.denoise}
