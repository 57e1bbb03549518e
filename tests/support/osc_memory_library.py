"""The library of `MemoryHandler`: answers every method of `bridge.library_space`."""

from __future__ import annotations

from bridge import library_requests as requests
from bridge.library_space import CLIP_FILE, CLIP_RELATIVE, HISTORY_ITEM, TAG_ITEM
from bridge.osc import OscCall
from bridge.osc_requests import ClipId, Nothing, OscClip


class MemoryLibrary:
    """Implements `LibraryHandler` over the clips of a `MemoryHandler`; keeps no trash."""

    def __init__(self, seen: list[tuple[str, object]], clips: dict[str, OscClip]) -> None:
        self._seen = seen
        self._clips = clips

    def find_clips(self, call: OscCall, request: requests.ClipFind) -> None:
        self._seen.append((call.command, request))
        found = [clip for clip in tuple(self._clips.values()) if request.text in clip.prompt]
        for clip in found[: request.limit]:
            call.clip(clip)
        call.done(len(found[: request.limit]), len(found))

    def export_clips(self, call: OscCall, request: requests.ClipExportAll) -> None:
        self._seen.append((call.command, request))
        for clip in tuple(self._clips):
            call.item(CLIP_FILE, clip, f"{clip}.{request.format}")
        call.done(len(self._clips), request.folder or "exports")

    def import_file(self, call: OscCall, request: requests.FileImport) -> None:
        self._seen.append((call.command, request))
        call.done(next(iter(self._clips), ""), 0)

    def show_file(self, call: OscCall, request: requests.FileShow) -> None:
        self._seen.append((call.command, request))
        for clip in tuple(self._clips.values()):
            call.clip(clip)
            break
        call.done()

    def restore_clip(self, call: OscCall, request: ClipId) -> None:
        self._seen.append((call.command, request))
        call.done()

    def list_trash(self, call: OscCall, request: Nothing) -> None:
        self._seen.append((call.command, request))
        call.done(0, 30)

    def list_tags(self, call: OscCall, request: Nothing) -> None:
        self._seen.append((call.command, request))
        call.item(TAG_ITEM, "low", 1)
        call.done(1)

    def lineage(self, call: OscCall, request: requests.ClipLineage) -> None:
        self._seen.append((call.command, request))
        call.item(CLIP_RELATIVE, "0" * 32, -1, request.clip, "gone", "", "")
        call.done(1)

    def undo(self, call: OscCall, request: requests.UndoCommand) -> None:
        self._seen.append((call.command, request))
        for clip in tuple(self._clips):
            call.clip_changed(clip)
        call.done("name", len(self._clips))

    redo = undo

    def history(self, call: OscCall, request: requests.HistoryList) -> None:
        self._seen.append((call.command, request))
        call.item(HISTORY_ITEM, "name", 0, 1, 1_700_000_000)
        call.done(1)
