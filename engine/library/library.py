"""The library: every finished clip on disk, as FLAC-24 files and one SQLite database.

Safe against kill -9 at any moment, against a full disk, and against several processes
using it at once. The record inside each file can rebuild a lost database.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from engine.audio_files import decode, encode, storage_error
from engine.errors import AudioFileError, BadRange, NotFound, StorageError
from engine.library.export import export_clip
from engine.library.files import ClipFiles
from engine.library.record import (
    ClipRecord,
    clip_of,
    record_from_json,
    record_json,
    record_of,
)
from engine.library.schema import database_error, like_pattern, open_or_set_aside
from engine.types import Clip

log = logging.getLogger(__name__)

_ID = re.compile(r"[0-9a-f]{32}")
_SHORTEST_PREFIX = 4
MAX_NAME = 200
MAX_TAG = 60


@dataclass(frozen=True, slots=True)
class Recovery:
    """What opening the library had to repair.

    Attributes:
        clips: clips whose file was complete but whose row was missing; they are back.
        temporaries: half-written files that were removed.
        damaged: unreadable files moved to `damaged/`.
        rebuilt: whether the database was lost and made again from the files.
    """

    clips: int = 0
    temporaries: int = 0
    damaged: int = 0
    rebuilt: bool = False

    def __bool__(self) -> bool:
        return bool(self.clips or self.temporaries or self.damaged or self.rebuilt)


class Library:
    """A folder of clips. Any thread may call any method; use it as a context manager."""

    def __init__(self, folder: Path) -> None:
        """Open or make the library in `folder` and repair what a crash left.

        `recovery` says what was repaired. Raises StorageError when the folder cannot be
        used or was made by a newer Driftwave (it is then left as it is).
        """
        self.folder = Path(folder)
        self._lock = threading.RLock()
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(self.folder, error) from error
        self._database, rebuilt = open_or_set_aside(self.folder / "library.sqlite3")
        try:
            self._files = ClipFiles(self.folder)
            self.recovery = self._recover(rebuilt)
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
        with self._lock:
            self._database.close()

    def add(self, clip: Clip) -> ClipRecord:
        """Store a clip; when this returns it survives a power cut. Raises StorageError."""
        check_id(clip.id)
        record = record_of(clip)
        comment = record_json(record)
        self._files.write(
            clip.id, encode(clip.audio, clip.sample_rate, form="flac", record=comment)
        )
        self._insert(record, comment)
        self._files.settle(clip.id)
        return record

    def get(self, clip_id: str) -> Clip:
        """A clip with its audio. Raises NotFound, or StorageError when its file is damaged."""
        record = self.record(clip_id)
        path = self._files.find(clip_id)
        if path is None:
            raise StorageError(
                f"clip {clip_id}: its file is gone from {self.folder}; restore it from a backup "
                "or make it again from its seed"
            )
        try:
            audio, _, _ = decode(path.read_bytes())
        except (AudioFileError, OSError) as error:
            raise StorageError(f"clip {clip_id}: {path} cannot be read ({error})") from None
        return clip_of(record, audio)

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
        rows = self._query("SELECT * FROM clips WHERE id = ? AND deleted IS NULL", (clip_id,))
        records = self._records(rows)
        if not records:
            raise NotFound(f"clip {clip_id}: not in the library; see `driftwave clips list`")
        return records[0]

    def resolve(self, prefix: str) -> str:
        """The full id of the only clip whose id begins with `prefix` (4 digits or more)."""
        prefix = prefix.lower()
        if not re.fullmatch(rf"[0-9a-f]{{{_SHORTEST_PREFIX},32}}", prefix):
            raise NotFound(f"clip {prefix!r}: expected 4 to 32 hexadecimal digits")
        rows = self._query(
            "SELECT id FROM clips WHERE id >= ? AND id < ? AND deleted IS NULL LIMIT 2",
            (prefix, prefix + "g"),
        )
        if len(rows) != 1:
            problem = "several clips begin with it" if rows else "not in the library"
            raise NotFound(f"clip {prefix}: {problem}; see `driftwave clips list`")
        return str(rows[0]["id"])

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
        """Clips, newest first, that match every condition given.

        Every word of `text` must occur in the prompt, the name or a tag.
        """
        where, values = _conditions(text, voice, tag, favourite)
        rows = self._query(
            f"SELECT * FROM clips WHERE {where} ORDER BY created DESC, id LIMIT ? OFFSET ?",
            (*values, limit, offset),
        )
        return self._records(rows)

    def count(
        self, *, text: str = "", voice: str = "", tag: str = "", favourite: bool = False
    ) -> int:
        """How many clips match, as `search` would find them."""
        where, values = _conditions(text, voice, tag, favourite)
        return int(self._query(f"SELECT count(*) FROM clips WHERE {where}", values)[0][0])

    def favourite(self, clip_id: str, on: bool) -> None:
        """Mark or unmark a clip. Raises NotFound."""
        self._change(clip_id, "UPDATE clips SET favourite = ? WHERE id = ?", (int(on), clip_id))

    def name(self, clip_id: str, name: str) -> None:
        """Name a clip (at most 200 characters; empty = no name). Raises NotFound, BadRange."""
        if len(name) > MAX_NAME:
            raise BadRange(f"name of {len(name)} characters: expected at most {MAX_NAME}")
        self._change(clip_id, "UPDATE clips SET name = ? WHERE id = ?", (name, clip_id))

    def tag(self, clip_id: str, tag: str, on: bool = True) -> None:
        """Put a tag on a clip or take it off. Raises NotFound, BadRange."""
        if not 1 <= len(tag) <= MAX_TAG:
            raise BadRange(f"tag {tag[:20]!r}: expected 1 to {MAX_TAG} characters")
        statement = (
            "INSERT OR IGNORE INTO tags (clip, tag) VALUES (?, ?)"
            if on
            else "DELETE FROM tags WHERE clip = ? AND tag = ?"
        )
        self._change(clip_id, statement, (clip_id, tag))

    def delete(self, clip_id: str) -> None:
        """Move a clip to the trash, from which `restore` brings it back. Raises NotFound."""
        self._change(clip_id, "UPDATE clips SET deleted = ? WHERE id = ?", (time.time(), clip_id))
        self._files.discard(clip_id)

    def restore(self, clip_id: str) -> ClipRecord:
        """Take a clip out of the trash. Raises NotFound when it is not there."""
        check_id(clip_id)
        with self._writing() as database:
            changed = database.execute(
                "UPDATE clips SET deleted = NULL WHERE id = ? AND deleted IS NOT NULL", (clip_id,)
            ).rowcount
        if not changed or self._files.find(clip_id) is None:
            raise NotFound(f"clip {clip_id}: not in the trash")
        self._files.settle(clip_id)
        return self.record(clip_id)

    def trash(self) -> list[str]:
        """Ids of deleted clips, the last deleted first."""
        rows = self._query("SELECT id FROM clips WHERE deleted IS NOT NULL ORDER BY deleted DESC")
        return [str(row["id"]) for row in rows]

    def empty_trash(self) -> int:
        """Remove deleted clips for good; returns how many."""
        gone = self.trash()
        for clip_id in gone:
            self._files.erase(clip_id)
            with self._writing() as database:
                database.execute("DELETE FROM tags WHERE clip = ?", (clip_id,))
                database.execute("DELETE FROM clips WHERE id = ?", (clip_id,))
        return len(gone)

    def export(self, clip_id: str, path: Path, *, sample_rate: int | None = None) -> Path:
        """Write a clip to `path` (.wav or .flac, 24 bit) at any rate, its record inside.

        An existing file is replaced. Raises NotFound, BadRange and StorageError.
        """
        return export_clip(self.get(clip_id), path, sample_rate=sample_rate)

    def _recover(self, rebuilt: bool) -> Recovery:
        temporaries = self._files.drop_temporaries()
        found = list(self._files.everything()) if rebuilt else self._files.waiting()
        clips = damaged = 0
        for clip_id in found:
            if not self._query("SELECT 1 FROM clips WHERE id = ?", (clip_id,)):
                try:
                    self._adopt(clip_id)
                except (StorageError, AudioFileError, NotFound) as error:
                    log.warning("library file %s.flac set aside: %s", clip_id, error)
                    self._files.set_aside(clip_id)
                    damaged += 1
                    continue
                clips += 1
            self._files.settle(clip_id)
        for clip_id in self._files.discarded():
            rows = self._query("SELECT deleted FROM clips WHERE id = ?", (clip_id,))
            if rows and rows[0]["deleted"] is None:
                self._files.settle(clip_id)
            elif not rows:
                self._adopt_deleted(clip_id)
        return Recovery(clips, temporaries, damaged, rebuilt and bool(found))

    def _adopt_deleted(self, clip_id: str) -> None:
        """Make the row of a file in the trash again after the database was lost."""
        try:
            self._adopt(clip_id)
        except (StorageError, AudioFileError, NotFound) as error:
            log.warning("trash file %s.flac left alone: %s", clip_id, error)
            return
        with self._writing() as database:
            database.execute("UPDATE clips SET deleted = ? WHERE id = ?", (time.time(), clip_id))

    def _adopt(self, clip_id: str) -> None:
        """Insert the row of a complete file that has none."""
        path = self._files.find(clip_id)
        if path is None:
            raise StorageError(f"{clip_id}.flac vanished while it was read")
        audio, sample_rate, comment = decode(path.read_bytes())
        record = record_from_json(comment)
        check_id(clip_id)
        shape = (clip_id, sample_rate, audio.shape[0], audio.shape[1])
        if shape != (record.id, record.sample_rate, record.channels, record.frames):
            raise StorageError("its record describes another sound")
        self._insert(record, comment)

    def _insert(self, record: ClipRecord, comment: str) -> None:
        with self._writing() as database:
            database.execute(
                "INSERT OR IGNORE INTO clips (id, created, voice, prompt, record) "
                "VALUES (?, ?, ?, ?, ?)",
                (record.id, record.created, record.voice, record.prompt, comment),
            )

    def _change(self, clip_id: str, statement: str, values: tuple[object, ...]) -> None:
        self.record(clip_id)
        with self._writing() as database:
            database.execute(statement, values)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction; sqlite3's errors become StorageError."""
        with self._lock:
            try:
                self._database.execute("BEGIN IMMEDIATE")
                yield self._database
                self._database.execute("COMMIT")
            except BaseException as error:
                with contextlib.suppress(sqlite3.Error):
                    self._database.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise database_error(self.folder, error) from error
                raise

    def _query(self, statement: str, values: tuple[object, ...] = ()) -> list[sqlite3.Row]:
        with self._lock:
            try:
                return self._database.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                raise database_error(self.folder, error) from error

    def _records(self, rows: list[sqlite3.Row]) -> list[ClipRecord]:
        tags: dict[str, list[str]] = {}
        for start in range(0, len(rows), 500):
            ids = [row["id"] for row in rows[start : start + 500]]
            marks = ",".join("?" * len(ids))
            for row in self._query(
                f"SELECT clip, tag FROM tags WHERE clip IN ({marks}) ORDER BY tag", tuple(ids)
            ):
                tags.setdefault(row["clip"], []).append(row["tag"])
        records = []
        for row in rows:
            try:
                record = record_from_json(row["record"])
            except StorageError as error:
                log.warning("clip %s is passed over: %s", row["id"], error)
                continue
            marks_of = tuple(tags.get(row["id"], ()))
            favourite = bool(row["favourite"])
            records.append(replace(record, name=row["name"], favourite=favourite, tags=marks_of))
        return records


def _conditions(text: str, voice: str, tag: str, favourite: bool) -> tuple[str, tuple[object, ...]]:
    """The WHERE clause of a search and its values."""
    where = ["deleted IS NULL"]
    values: list[object] = []
    for word in text.split():
        where.append(
            "(prompt LIKE ? ESCAPE '\\' OR name LIKE ? ESCAPE '\\' OR "
            "EXISTS (SELECT 1 FROM tags WHERE clip = id AND tag LIKE ? ESCAPE '\\'))"
        )
        values += [like_pattern(word)] * 3
    if voice:
        where.append("voice = ?")
        values.append(voice)
    if tag:
        where.append("EXISTS (SELECT 1 FROM tags WHERE clip = id AND tag = ?)")
        values.append(tag)
    if favourite:
        where.append("favourite = 1")
    return " AND ".join(where), tuple(values)


def check_id(clip_id: str) -> None:
    """Raise NotFound unless `clip_id` is 32 hexadecimal digits, so safe in a file name."""
    if not _ID.fullmatch(clip_id):
        raise NotFound(f"clip {clip_id[:40]!r}: expected an id of 32 hexadecimal digits")
