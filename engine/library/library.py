"""The library: every finished clip on disk, as FLAC-24 files and one SQLite database.

Safe against kill -9 at any moment, against a full disk, and against several processes
using it at once. The record inside each file can rebuild a lost database.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.audio_files import decode, encode, storage_error
from engine.errors import AudioFileError, BadRange, NotFound, StorageError
from engine.library.database import Database
from engine.library.export import Wanted, export_beside, export_clip
from engine.library.files import ClipFiles
from engine.library.history import DELETED, FAVOURITE, NAME, OFF, ON, TAG, History, Step, set_field
from engine.library.importing import read_import
from engine.library.lineage import DELETED as IN_TRASH
from engine.library.lineage import HERE, Family, family
from engine.library.record import ClipRecord, clip_of, record_json, record_of
from engine.library.recovery import recover
from engine.library.rows import check_id, insert, records
from engine.library.search import Search
from engine.types import Clip

log = logging.getLogger(__name__)

_SHORTEST_PREFIX = 4
MAX_NAME = 200
MAX_TAG = 60

TRASH_DAYS = 30
"""A deleted clip can be restored for so long; after that it goes when the library is opened."""

_DAY_S = 86_400.0
_EARLIEST = 1_600_000_000.0
"""Before Driftwave was: a clip deleted then was deleted by a clock that had not been set."""


class Library:
    """A folder of clips. Any thread may call any method; use it as a context manager.

    Attributes:
        folder: where it is.
        recovery: what opening it repaired.
        history: the steps that can be undone.
    """

    def __init__(self, folder: Path) -> None:
        """Open or make the library in `folder` and repair what a crash left.

        Raises StorageError when the folder cannot be used or was made by a newer Driftwave
        (it is then left as it is).
        """
        self.folder = Path(folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(self.folder, error) from error
        self._database = Database(self.folder / "library.sqlite3")
        try:
            self.history = History(self._database)
            self._files = ClipFiles(self.folder)
            self.recovery = recover(self._database, self._files)
            self._empty_old_trash()
        except BaseException:
            self._database.close()
            raise
        if self.recovery:
            log.warning("library %s repaired: %s", self.folder, self.recovery)

    def __enter__(self) -> Library:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database; what was added stays."""
        self._database.close()

    def add(self, clip: Clip) -> ClipRecord:
        """Store a clip; when this returns it survives a power cut. Raises StorageError."""
        return self._add(clip)

    def _add(self, clip: Clip, *, step: str = "", name: str = "") -> ClipRecord:
        """Store a clip and, with a label, the step that put it here and its name."""
        check_id(clip.id)
        record = record_of(clip)
        comment = record_json(record)
        self._files.write(
            clip.id, encode(clip.audio, clip.sample_rate, form="flac", record=comment)
        )
        with self._database.writing() as database:
            insert(database, record, comment)
            if step:
                self.history.made(database, step, [clip.id])
                set_field(database, clip.id, NAME, name)
        self._files.settle(clip.id)
        return record

    def import_file(self, path: Path, *, name: str = "") -> tuple[ClipRecord, bool]:
        """Take a sound file as a clip; the second value says whether it is new here.

        The clip is called `name`, or as the file is. Raises AudioFileError, BadRange and
        StorageError.
        """
        _check_name(name)
        found = read_import(path)
        clip = found.clip
        if found.known and self._knows(clip.id):
            if np.array_equal(self._audio(clip.id), clip.audio):
                self._change(f"restore {clip.id[:8]}", [(clip.id, DELETED, OFF)])
                return self.record(clip.id), False
            clip = replace(clip, id=uuid.uuid4().hex, parents=(clip.id,), created=time.time())
        label = f"import {Path(path).name[:MAX_NAME]}"
        self._add(clip, step=label, name=name or found.name[:MAX_NAME])
        return self.record(clip.id), True

    def get(self, clip_id: str) -> Clip:
        """A clip with its audio. Raises NotFound, or StorageError when its file is damaged."""
        record = self.record(clip_id)
        return clip_of(record, self._audio(clip_id))

    def path(self, clip_id: str) -> Path:
        """The FLAC file of a clip. Raises NotFound."""
        self.record(clip_id)
        path = self._files.find(clip_id)
        if path is None:
            raise NotFound(f"clip {clip_id}: its file is gone from {self.folder}")
        return path

    def record(self, clip_id: str) -> ClipRecord:
        """What is known about a clip, without its audio. Raises NotFound."""
        check_id(clip_id)
        found = records(
            self._database.query("SELECT * FROM clips WHERE id = ? AND deleted IS NULL", (clip_id,))
        )
        if not found:
            raise NotFound(f"clip {clip_id}: not in the library; see `driftwave clips list`")
        return found[0]

    def resolve(self, prefix: str, *, deleted: bool = False) -> str:
        """The full id of the only clip whose id begins with `prefix` (4 digits or more).

        With `deleted` it is looked for in the trash. Raises NotFound.
        """
        prefix = prefix.lower()
        if not re.fullmatch(rf"[0-9a-f]{{{_SHORTEST_PREFIX},32}}", prefix):
            raise NotFound(f"clip {prefix!r}: expected 4 to 32 hexadecimal digits")
        rows = self._database.query(
            "SELECT id FROM clips WHERE id >= ? AND id < ? "
            f"AND deleted IS {'NOT ' if deleted else ''}NULL LIMIT 2",
            (prefix, prefix + "g"),
        )
        if len(rows) != 1:
            where = "trash" if deleted else "library"
            problem = "several clips begin with it" if rows else f"not in the {where}"
            hint = "driftwave clips list --trash" if deleted else "driftwave clips list"
            raise NotFound(f"clip {prefix}: {problem}; see `{hint}`")
        return str(rows[0]["id"])

    def find(self, what: Search) -> list[ClipRecord]:
        """One page of the clips that meet every condition."""
        statement, values = what.page()
        return records(self._database.query(statement, values))

    def search(
        self,
        *,
        text: str = "",
        voice: str = "",
        tag: str = "",
        favourite: bool = False,
        limit: int = 100,
        offset: int = 0,
    ) -> list[ClipRecord]:
        """Clips, newest first, that match every condition given; see `Search`."""
        tags = (tag,) if tag else ()
        return self.find(Search(text, voice, tags, favourite, limit=limit, offset=offset))

    def count(self, what: Search | None = None) -> int:
        """How many clips there are, or meet the conditions, on all pages."""
        statement, values = (what or Search()).total()
        return int(self._database.query(statement, values)[0][0])

    def favourite(self, clip_id: str, on: bool) -> None:
        """Mark or unmark a clip. Raises NotFound."""
        self.record(clip_id)
        label = f"{'' if on else 'no '}favourite {clip_id[:8]}"
        self._change(label, [(clip_id, FAVOURITE, ON if on else OFF)])

    def name(self, clip_id: str, name: str) -> None:
        """Name a clip (at most 200 characters; empty = no name). Raises NotFound, BadRange."""
        _check_name(name)
        self.record(clip_id)
        self._change(f"name {clip_id[:8]} {name!r}", [(clip_id, NAME, name)])

    def tag(self, clip_id: str, tag: str, on: bool = True) -> None:
        """Put a tag on a clip or take it off. Raises NotFound, BadRange."""
        if not 1 <= len(tag) <= MAX_TAG or not tag.isprintable():
            raise BadRange(f"tag {tag[:20]!r}: expected 1 to {MAX_TAG} printable characters")
        self.record(clip_id)
        label = f"{'tag' if on else 'untag'} {clip_id[:8]} {tag}"
        self._change(label, [(clip_id, TAG + tag, ON if on else OFF)])

    def tags(self) -> list[tuple[str, int]]:
        """Every tag in use and on how many clips it is, by name."""
        rows = self._database.query(
            "SELECT tag, count(*) AS clips FROM tags JOIN clips ON clips.id = tags.clip "
            "WHERE deleted IS NULL GROUP BY tag ORDER BY tag"
        )
        return [(str(row["tag"]), int(row["clips"])) for row in rows]

    def delete(self, *clip_ids: str) -> None:
        """Move clips to the trash as one step; `undo` or `restore` brings them back.

        They stay there for TRASH_DAYS. Raises NotFound, and then deletes none.
        """
        for clip_id in clip_ids:
            self.record(clip_id)
        label = f"delete {clip_ids[0][:8]}" if len(clip_ids) == 1 else f"delete {len(clip_ids)}"
        self._change(label, [(clip_id, DELETED, ON) for clip_id in clip_ids])

    def restore(self, clip_id: str) -> ClipRecord:
        """Take a clip out of the trash. Raises NotFound when it is not there."""
        check_id(clip_id)
        if self._deleted_at(clip_id) is None or self._files.find(clip_id) is None:
            raise NotFound(f"clip {clip_id}: not in the trash")
        self._change(f"restore {clip_id[:8]}", [(clip_id, DELETED, OFF)])
        return self.record(clip_id)

    def undo(self) -> Step:
        """Take back the last change of the library by anybody. Raises NotFound."""
        return self._moved(self.history.undo())

    def redo(self) -> Step:
        """Make the change again that was undone last. Raises NotFound."""
        return self._moved(self.history.redo())

    def trash(self) -> list[str]:
        """Ids of deleted clips, the last deleted first."""
        rows = self._database.query(
            "SELECT id FROM clips WHERE deleted IS NOT NULL ORDER BY deleted DESC, id"
        )
        return [str(row["id"]) for row in rows]

    def trashed(self) -> list[tuple[ClipRecord, float]]:
        """Deleted clips, the last deleted first, and the days for which each is still kept."""
        now = time.time()
        rows = self._database.query(
            "SELECT * FROM clips WHERE deleted IS NOT NULL ORDER BY deleted DESC, id"
        )
        left = {row["id"]: TRASH_DAYS - (now - row["deleted"]) / _DAY_S for row in rows}
        return [(record, max(0.0, left[record.id])) for record in records(rows)]

    def empty_trash(self) -> int:
        """Remove deleted clips for good; returns how many."""
        gone = self.trash()
        self._erase(gone)
        return len(gone)

    def lineage(self, clip_id: str, *, depth: int = 20) -> Family:
        """The trees of a clip's parents and children. Raises NotFound."""
        return family(self._database, self.record(clip_id), self._describe, depth=depth)

    def export(
        self, clip_id: str, path: Path, *, sample_rate: int | None = None, depth: str = "24"
    ) -> Path:
        """Write a clip to `path` (.wav, .flac or .aiff), its record inside.

        An existing file is replaced. Raises NotFound, BadRange and StorageError.
        """
        return export_clip(self.get(clip_id), path, sample_rate=sample_rate, depth=depth)

    def export_beside(self, clip_id: str, folder: Path, wanted: Wanted) -> Path:
        """Write a clip into a folder under its own name, never over another sound.

        Raises NotFound, BadRange and StorageError.
        """
        return export_beside(self.get(clip_id), self.record(clip_id), folder, wanted)

    def _audio(self, clip_id: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        path = self._files.find(clip_id)
        if path is None:
            raise StorageError(
                f"clip {clip_id}: its file is gone from {self.folder}; restore it from a backup "
                "or make it again from its seed"
            )
        try:
            return decode(path.read_bytes())[0]
        except (AudioFileError, OSError) as error:
            raise StorageError(f"clip {clip_id}: {path} cannot be read ({error})") from None

    def _deleted_at(self, clip_id: str) -> float | None:
        rows = self._database.query("SELECT deleted FROM clips WHERE id = ?", (clip_id,))
        return None if not rows else rows[0]["deleted"]

    def _knows(self, clip_id: str) -> bool:
        return bool(self._database.query("SELECT 1 FROM clips WHERE id = ?", (clip_id,)))

    def _describe(self, clip_ids: list[str]) -> dict[str, tuple[str, ClipRecord | None]]:
        rows = list(self._database.query_in("SELECT * FROM clips WHERE id IN ({marks})", clip_ids))
        states = {row["id"]: HERE if row["deleted"] is None else IN_TRASH for row in rows}
        return {record.id: (states[record.id], record) for record in records(rows)}

    def _change(self, label: str, wanted: list[tuple[str, str, str]]) -> None:
        self._place(self.history.do(label, wanted))

    def _moved(self, step: Step) -> Step:
        self._place(step.clips)
        return step

    def _place(self, clip_ids: Sequence[str]) -> None:
        """Put the files of clips that were changed where their rows say; any crash before
        this is repaired at the next opening."""
        for row in self._database.query_in(
            "SELECT id, deleted FROM clips WHERE id IN ({marks})", clip_ids
        ):
            if row["deleted"] is None:
                self._files.settle(row["id"])
            else:
                self._files.discard(row["id"])

    def _empty_old_trash(self) -> None:
        now = time.time()
        oldest = now - TRASH_DAYS * _DAY_S
        unset = "deleted < ?"
        if self._database.query(f"SELECT 1 FROM clips WHERE {unset} LIMIT 1", (_EARLIEST,)):
            with self._database.writing() as database:
                database.execute(f"UPDATE clips SET deleted = ? WHERE {unset}", (now, _EARLIEST))
        rows = self._database.query("SELECT id FROM clips WHERE deleted < ?", (oldest,))
        if rows:
            self._erase([str(row["id"]) for row in rows])
            log.info("%d clips deleted %d days ago are gone for good", len(rows), TRASH_DAYS)

    def _erase(self, clip_ids: Sequence[str]) -> None:
        for clip_id in clip_ids:
            self._files.erase(clip_id)
        with self._database.writing() as database:
            for clip_id in clip_ids:
                database.execute("DELETE FROM tags WHERE clip = ?", (clip_id,))
                database.execute("DELETE FROM parents WHERE child = ?", (clip_id,))
                database.execute("DELETE FROM clips WHERE id = ?", (clip_id,))
            self.history.forget(database, clip_ids)


def _check_name(name: str) -> None:
    if len(name) > MAX_NAME:
        raise BadRange(f"name of {len(name)} characters: expected at most {MAX_NAME}")
