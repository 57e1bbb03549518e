"""The library behind the OSC door: find, import, export, lineage, undo and redo."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

from bridge import library_requests as requests
from bridge.library_space import CLIP_FILE, CLIP_RELATIVE, HISTORY_ITEM, TAG_ITEM
from bridge.osc_call import OscCall
from bridge.osc_requests import ClipId, Nothing, OscClip
from engine.doors.slow_work import SlowWork
from engine.errors import NotFound
from engine.library import ClipRecord, Library, Relative, Search, Step, Wanted
from engine.library.importing import file_record
from engine.library.library import TRASH_DAYS
from engine.library.search import MOST_CLIPS, day

_LONGEST_S = 3600.0


class LibraryDoor:
    """Implements `bridge.library_handler.LibraryHandler`. [OSC receive thread]

    `slow` is the thread of everything that changes clips, so that changes keep their order;
    `exports` is the folder for files; `settle` waits until every clip that was announced is in
    the library.
    """

    def __init__(
        self, library: Library, slow: SlowWork, *, exports: Path, settle: Callable[[], None]
    ) -> None:
        self._library = library
        self._settle = settle
        self._slow = slow
        self._exports = exports
        self._exporting = SlowWork("osc export")

    def close(self) -> None:
        """End an export after its present file."""
        self._exporting.close()

    def find_clips(self, call: OscCall, request: requests.ClipFind) -> None:
        """Report a page of the clips that meet every condition."""
        what = _search(request, request.sort, request.offset, request.limit)

        def work() -> None:
            self._settle()
            found = self._library.find(what)
            for record in found:
                call.clip(osc_clip(record))
            call.done(len(found), self._library.count(what))

        self._slow.later(call, work)

    def export_clips(self, call: OscCall, request: requests.ClipExportAll) -> None:
        """Write every clip that meets the conditions; a full disk ends it, files stay."""
        what = _search(request, "newest", 0, MOST_CLIPS)
        folder = self._exports if not request.folder else self._exports / request.folder
        wanted = Wanted(request.format, request.rate, request.depth)

        def work() -> None:
            found = self._library.find(what)
            for record in found:
                path = self._library.export_beside(record.id, folder.expanduser(), wanted)
                call.item(CLIP_FILE, record.id, str(path))
            call.done(len(found), str(folder))

        self._exporting.later(call, work)

    def import_file(self, call: OscCall, request: requests.FileImport) -> None:
        """Take a sound file into the library."""

        def work() -> None:
            record, new = self._library.import_file(Path(request.path), name=request.name)
            if new:
                call.clip_added(record.id, record.index, record.seed, record.seconds)
            call.done(record.id, int(new))

        self._slow.later(call, work)

    def show_file(self, call: OscCall, request: requests.FileShow) -> None:
        """Report the record inside a sound file."""

        def work() -> None:
            record = file_record(Path(request.path).expanduser())
            if record is None:
                raise NotFound(
                    f"{request.path}: holds no record of Driftwave; clip/import takes it"
                )
            call.clip(osc_clip(record))
            call.done()

        self._slow.later(call, work)

    def restore_clip(self, call: OscCall, request: ClipId) -> None:
        """Take a clip out of the trash."""

        def work() -> None:
            self._library.restore(request.clip)
            call.done()

        self._slow.later(call, work)

    def list_trash(self, call: OscCall, request: Nothing) -> None:
        """Report the deleted clips."""

        def work() -> None:
            found = self._library.trashed()
            for record, _ in found:
                call.clip(osc_clip(record))
            call.done(len(found), TRASH_DAYS)

        self._slow.later(call, work)

    def list_tags(self, call: OscCall, request: Nothing) -> None:
        """Report the tags in use."""

        def work() -> None:
            found = self._library.tags()
            for tag, clips in found:
                call.item(TAG_ITEM, tag, clips)
            call.done(len(found))

        self._slow.later(call, work)

    def lineage(self, call: OscCall, request: requests.ClipLineage) -> None:
        """Report parents with their parents, then children with theirs."""

        def work() -> None:
            family = self._library.lineage(request.clip, depth=request.depth)
            count = 0
            for direction, branch in ((-1, family.parents), (1, family.children)):
                for generation, of, one in _walk(branch, request.clip, direction):
                    record = one.record
                    call.item(
                        CLIP_RELATIVE, one.id, generation, of, one.state,
                        record.name if record else "", record.prompt if record else "",
                    )  # fmt: skip
                    count += 1
            call.done(count)

        self._slow.later(call, work)

    def undo(self, call: OscCall, request: requests.UndoCommand) -> None:
        """Take back the last change."""
        self._step(call, request, back=True)

    def redo(self, call: OscCall, request: requests.UndoCommand) -> None:
        """Make the change again that was undone last."""
        self._step(call, request, back=False)

    def history(self, call: OscCall, request: requests.HistoryList) -> None:
        """Report the changes that can be undone."""

        def work() -> None:
            found = self._library.history.steps(request.limit)
            for step in found:
                call.item(
                    HISTORY_ITEM, step.label, int(step.undone), len(step.clips), int(step.made)
                )
            call.done(len(found))

        self._slow.later(call, work)

    def _step(self, call: OscCall, request: requests.UndoCommand, *, back: bool) -> None:
        if not request.trigger:
            call.done("", 0)
            return

        def work() -> None:
            step: Step = self._library.undo() if back else self._library.redo()
            for clip in step.clips:
                call.clip_changed(clip)
            call.done(step.label, len(step.clips))

        self._slow.later(call, work)


def _search(request: requests.ClipConditions, sort: str, offset: int, limit: int) -> Search:
    return Search(
        text=request.text,
        voice=request.voice,
        tags=tuple(request.tags.split()),
        favourite=request.favourite,
        shortest=request.shortest,
        longest=math.inf if request.longest >= _LONGEST_S else request.longest,
        since=day(request.since, "since") if request.since else 0.0,
        before=day(request.before, "before") if request.before else math.inf,
        sort=sort,
        offset=offset,
        limit=limit,
    )


def _walk(
    relatives: tuple[Relative, ...], of: str, generation: int
) -> Iterator[tuple[int, str, Relative]]:
    """Generation, the clip it hangs on, and the relative, depth first."""
    for one in relatives:
        yield generation, of, one
        yield from _walk(one.relatives, one.id, generation + (1 if generation > 0 else -1))


def osc_clip(record: ClipRecord) -> OscClip:
    """A record as OSC reports it."""
    return OscClip(
        id=record.id,
        name=record.name,
        seconds=record.seconds,
        sample_rate=record.sample_rate,
        channels=record.channels,
        seed=record.seed,
        index=record.index,
        steps=record.steps,
        voice=record.voice,
        prompt=record.prompt,
        favourite=record.favourite,
        tags=record.tags,
        created=record.created,
    )
