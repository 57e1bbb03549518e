"""What opening a library repairs: files without rows, rows without a database, old trash."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from engine.audio_files import decode
from engine.errors import AudioFileError, NotFound, StorageError
from engine.library.database import Database, salvaged
from engine.library.files import ClipFiles
from engine.library.history import FAVOURITE, NAME, OFF, ON, TAG, set_field
from engine.library.record import record_from_json
from engine.library.rows import check_id, insert

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recovery:
    """What opening the library had to repair.

    Attributes:
        clips: clips whose file was complete but whose row was missing; they are back.
        temporaries: half-written files that were removed.
        damaged: unreadable files moved to `damaged/`.
        rebuilt: whether the database was lost and made again from the files.
        curated: names, tags and favourites read back from a damaged database, in clips.
    """

    clips: int = 0
    temporaries: int = 0
    damaged: int = 0
    rebuilt: bool = False
    curated: int = 0

    def __bool__(self) -> bool:
        return bool(self.clips or self.temporaries or self.damaged or self.rebuilt)


def recover(database: Database, files: ClipFiles) -> Recovery:
    """Complete what a crash interrupted; raises StorageError when the disk refuses."""
    temporaries = files.drop_temporaries()
    found = list(files.everything()) if database.new else files.waiting()
    clips = damaged = 0
    for clip_id in found:
        if not _has_row(database, clip_id):
            try:
                _adopt(database, files, clip_id)
            except (StorageError, AudioFileError, NotFound) as error:
                log.warning("library file %s.flac set aside: %s", clip_id, error)
                files.set_aside(clip_id)
                damaged += 1
                continue
            clips += 1
        files.settle(clip_id)
    for clip_id in files.discarded():
        rows = database.query("SELECT deleted FROM clips WHERE id = ?", (clip_id,))
        if rows and rows[0]["deleted"] is None:
            files.settle(clip_id)
        elif not rows:
            _adopt_deleted(database, files, clip_id)
    curated = _read_back(database)
    return Recovery(clips, temporaries, damaged, database.new and bool(found), curated)


def _has_row(database: Database, clip_id: str) -> bool:
    return bool(database.query("SELECT 1 FROM clips WHERE id = ?", (clip_id,)))


def _adopt(database: Database, files: ClipFiles, clip_id: str) -> None:
    """Insert the row of a complete file that has none."""
    path = files.find(clip_id)
    if path is None:
        raise StorageError(f"{clip_id}.flac vanished while it was read")
    audio, sample_rate, comment = decode(path.read_bytes())
    record = record_from_json(comment)
    check_id(clip_id)
    shape = (clip_id, sample_rate, audio.shape[0], audio.shape[1])
    if shape != (record.id, record.sample_rate, record.channels, record.frames):
        raise StorageError("its record describes another sound")
    with database.writing() as rows:
        insert(rows, record, comment)


def _adopt_deleted(database: Database, files: ClipFiles, clip_id: str) -> None:
    """Make the row of a file in the trash again after the database was lost."""
    try:
        _adopt(database, files, clip_id)
    except (StorageError, AudioFileError, NotFound) as error:
        log.warning("trash file %s.flac left alone: %s", clip_id, error)
        return
    with database.writing() as rows:
        rows.execute("UPDATE clips SET deleted = ? WHERE id = ?", (time.time(), clip_id))


def _read_back(database: Database) -> int:
    """Names, favourites and tags of a damaged database; returns of how many clips."""
    if database.aside is None:
        return 0
    found = [row for row in salvaged(database.aside) if row[1] or row[2] or row[3]]
    with database.writing() as rows:
        for clip_id, name, favourite, tags in found:
            if rows.execute("SELECT 1 FROM clips WHERE id = ?", (clip_id,)).fetchone() is None:
                continue
            set_field(rows, clip_id, NAME, name)
            set_field(rows, clip_id, FAVOURITE, ON if favourite else OFF)
            for tag in tags:
                set_field(rows, clip_id, TAG + tag, ON)
    return len(found)
