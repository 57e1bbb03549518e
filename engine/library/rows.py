"""Rows of clips: how one is written, and read as a record."""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Iterable
from dataclasses import replace

from engine.errors import NotFound, StorageError
from engine.library.record import ClipRecord, record_from_json

log = logging.getLogger(__name__)

_ID = re.compile(r"[0-9a-f]{32}")


def check_id(clip_id: str) -> None:
    """Raise NotFound unless `clip_id` is 32 hexadecimal digits, so safe in a file name."""
    if not _ID.fullmatch(clip_id):
        raise NotFound(f"clip {clip_id[:40]!r}: expected an id of 32 hexadecimal digits")


def insert(database: sqlite3.Connection, record: ClipRecord, comment: str) -> None:
    """Write the row of a clip, and whose child it is, inside a transaction."""
    database.execute(
        "INSERT OR IGNORE INTO clips (id, created, voice, prompt, seconds, record) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (record.id, record.created, record.voice, record.prompt, record.seconds, comment),
    )
    database.executemany(
        "INSERT OR IGNORE INTO parents (child, place, parent) VALUES (?, ?, ?)",
        [(record.id, place, parent) for place, parent in enumerate(record.parents)],
    )


def records(rows: Iterable[sqlite3.Row]) -> list[ClipRecord]:
    """The records of rows; one of a newer Driftwave is passed over, with a warning."""
    found = []
    for row in rows:
        try:
            record = record_from_json(row["record"])
        except StorageError as error:
            log.warning("clip %s is passed over: %s", row["id"], error)
            continue
        tags = tuple(sorted(str(row["tags"]).split("\n"))) if row["tags"] else ()
        favourite = bool(row["favourite"])
        found.append(replace(record, name=row["name"], favourite=favourite, tags=tags))
    return found
