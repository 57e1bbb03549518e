"""The library behind the OSC door: the Protocol an engine implements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from bridge import library_requests as requests
from bridge.osc_call import OscCall
from bridge.osc_requests import ClipId, Nothing


class LibraryHandler(Protocol):
    """The methods of `bridge.library_space`, under the rules of `bridge.osc_handler`."""

    def find_clips(self, call: OscCall, request: requests.ClipFind) -> None:
        """`call.clip(OscClip)` for each, then `call.done(count, total)`."""

    def export_clips(self, call: OscCall, request: requests.ClipExportAll) -> None:
        """An item (clip, path) for each file, then `call.done(count, folder)`."""

    def import_file(self, call: OscCall, request: requests.FileImport) -> None:
        """`call.done(clip, new)`; `not_found` when it cannot be read."""

    def show_file(self, call: OscCall, request: requests.FileShow) -> None:
        """`call.clip(OscClip)`, then `call.done()`; `not_found` without a record."""

    def restore_clip(self, call: OscCall, request: ClipId) -> None:
        """`call.done()`; `not_found` when it is not in the trash."""

    def list_trash(self, call: OscCall, request: Nothing) -> None:
        """`call.clip(OscClip)` for each, then `call.done(count, days)`."""

    def list_tags(self, call: OscCall, request: Nothing) -> None:
        """An item (tag, clips) for each, then `call.done(count)`."""

    def lineage(self, call: OscCall, request: requests.ClipLineage) -> None:
        """An item for each relative, then `call.done(count)`; `not_found`."""

    def undo(self, call: OscCall, request: requests.UndoCommand) -> None:
        """`call.clip_changed` for each clip, then `call.done(label, clips)`; `not_found`."""

    def redo(self, call: OscCall, request: requests.UndoCommand) -> None:
        """As `undo`."""

    def history(self, call: OscCall, request: requests.HistoryList) -> None:
        """An item (label, undone, clips, made) for each, then `call.done(count)`."""


def library_actions(handler: LibraryHandler) -> dict[str, Callable[[OscCall, Any], None]]:
    """The handler's method for each address of the library's table."""
    return {
        "/drift/clip/find": handler.find_clips,
        "/drift/clip/exportall": handler.export_clips,
        "/drift/clip/import": handler.import_file,
        "/drift/clip/show": handler.show_file,
        "/drift/clip/restore": handler.restore_clip,
        "/drift/clip/trash": handler.list_trash,
        "/drift/clip/tags": handler.list_tags,
        "/drift/clip/lineage": handler.lineage,
        "/drift/undo": handler.undo,
        "/drift/redo": handler.redo,
        "/drift/history": handler.history,
    }
