"""What stands behind the OSC door: the Protocol an engine implements."""

from __future__ import annotations

from typing import Protocol

from bridge import osc_requests as requests
from bridge.denoise_handler import DenoiseHandler
from bridge.library_handler import LibraryHandler
from bridge.osc_call import OscCall
from bridge.pattern_handler import PatternHandler
from bridge.stage_handler import StageHandler


class OscHandler(Protocol):
    """The engine's side of the OSC door; `OscServer` calls it on its receive thread.

    Each method returns quickly (hand slow work to another thread) and ends its call exactly
    once, now or later, from any thread: `call.done(...)` with the values that the table's
    `done` names, or `call.fail(code, message)`. Raising `OscFault`, or any exception whose
    `code` attribute is one of `bridge.osc_spec.CODES`, is the same as `call.fail`; any other
    exception is answered with `internal` and logged.

    hello, ping, version, sync, query and notify are answered by the server itself.
    """

    @property
    def library(self) -> LibraryHandler:
        """What answers the methods of `bridge.library_space`."""

    @property
    def patterns(self) -> PatternHandler:
        """What answers the methods of `bridge.pattern_space`."""

    @property
    def denoiser(self) -> DenoiseHandler:
        """What answers the method of `bridge.denoise_space`."""

    @property
    def stage(self) -> StageHandler:
        """What answers the methods of `bridge.stage_space`."""

    def status(self, call: OscCall, request: requests.Nothing) -> None:
        """Answer with `call.status(OscStatus)`."""

    def panic(self, call: OscCall, request: requests.Panic) -> None:
        """Cancel every job of every door; `call.done()`. Not called for `trigger` 0."""

    def list_voices(self, call: OscCall, request: requests.Nothing) -> None:
        """`call.voice(OscVoice)` for each, then `call.done(count)`."""

    def load_voice(self, call: OscCall, request: requests.VoiceName) -> None:
        """`call.done()` once the voice is in memory; `no_voice` when unknown or broken."""

    def unload_voice(self, call: OscCall, request: requests.VoiceName) -> None:
        """`call.done()`; `no_voice` when unknown."""

    def generate(self, call: OscCall, request: requests.GenerateCommand) -> None:
        """`call.queued`, `call.progress`…, `call.clip_added` for each, then
        `call.done(count, milliseconds, understood, unknown)`."""

    def vary(self, call: OscCall, request: requests.VaryCommand) -> None:
        """As `generate`; `not_found` for an unknown clip."""

    def inpaint(self, call: OscCall, request: requests.InpaintCommand) -> None:
        """As `vary`."""

    def continue_clip(self, call: OscCall, request: requests.ContinueCommand) -> None:
        """As `vary`."""

    def interpolate(self, call: OscCall, request: requests.InterpolateCommand) -> None:
        """As `vary`; one clip for each point."""

    def sketch(self, call: OscCall, request: requests.SketchCommand) -> None:
        """As `vary`; `bad_range` for curves that are no numbers."""

    def resynthesise(self, call: OscCall, request: requests.ResynthesiseCommand) -> None:
        """As `vary`; one clip."""

    def again(self, call: OscCall, request: requests.AgainCommand) -> None:
        """As `vary`; `no_voice` when another version of the voice is installed."""

    def cancel(self, call: OscCall, request: requests.CancelCommand) -> None:
        """Cancel `call.find(request.job)` (each `token` is what the handler put there), or
        every job of every door for -1; `call.done(count)`; `not_found` for no such job."""

    def list_clips(self, call: OscCall, request: requests.ClipList) -> None:
        """`call.clip(OscClip)` for each, then `call.done(count, total)`."""

    def get_clip(self, call: OscCall, request: requests.ClipId) -> None:
        """`call.clip(OscClip)`, then `call.done()`; `not_found`."""

    def export_clip(self, call: OscCall, request: requests.ClipExport) -> None:
        """`call.done(path)` once the file is written; `not_found`."""

    def favourite_clip(self, call: OscCall, request: requests.ClipFavourite) -> None:
        """`call.done()`; `not_found`."""

    def name_clip(self, call: OscCall, request: requests.ClipName) -> None:
        """`call.done()`; `not_found`."""

    def tag_clip(self, call: OscCall, request: requests.ClipTag) -> None:
        """`call.done()`; `not_found`."""

    def delete_clip(self, call: OscCall, request: requests.ClipId) -> None:
        """`call.done()`; `not_found`."""
