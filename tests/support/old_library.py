"""A library as the first version of Driftwave left it, made from its own SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from engine.audio_files import encode
from engine.library.record import record_json, record_of
from engine.types import Clip

_FIRST_SCHEMA = """
    CREATE TABLE clips (
        id TEXT PRIMARY KEY,
        created REAL NOT NULL,
        voice TEXT NOT NULL,
        prompt TEXT NOT NULL,
        name TEXT NOT NULL DEFAULT '',
        favourite INTEGER NOT NULL DEFAULT 0,
        deleted REAL,
        record TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX clips_by_age ON clips (created DESC, id);
    CREATE TABLE tags (
        clip TEXT NOT NULL REFERENCES clips (id),
        tag TEXT NOT NULL,
        PRIMARY KEY (clip, tag)
    ) WITHOUT ROWID;
    CREATE INDEX tags_by_name ON tags (tag, clip);
    PRAGMA user_version = 1;
    PRAGMA application_id = 1146242644;
"""


def old_library(folder: Path, clips: Sequence[Clip]) -> None:
    """Clips with the tag "old"; the first is a favourite called "First", the last deleted."""
    folder.mkdir(parents=True)
    database = sqlite3.connect(folder / "library.sqlite3")
    database.execute("PRAGMA journal_mode = WAL")
    database.executescript(_FIRST_SCHEMA)
    for place, clip in enumerate(clips):
        line = record_json(record_of(clip))
        deleted = place == len(clips) - 1
        home = folder / "trash" if deleted else folder / "clips" / clip.id[:2]
        home.mkdir(parents=True, exist_ok=True)
        data = encode(clip.audio, clip.sample_rate, form="flac", record=line)
        (home / f"{clip.id}.flac").write_bytes(data)
        database.execute(
            "INSERT INTO clips VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (clip.id, clip.created, clip.voice, clip.prompt, "First" if place == 0 else "",
             int(place == 0), 1_650_000_000.0 if deleted else None, line),
        )  # fmt: skip
        database.execute("INSERT INTO tags VALUES (?, 'old')", (clip.id,))
    database.commit()
    database.close()
