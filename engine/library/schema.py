"""The library's tables, version by version, and how a database gets to the newest."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from engine.errors import StorageError

APPLICATION_ID = 0x44524654
"""'DRFT': marks the file as a Driftwave library for tools that identify SQLite files."""

BUSY_TIMEOUT_S = 10.0
"""How long one process waits for another one's write to finish."""

_FIRST = (
    """CREATE TABLE clips (
        id TEXT PRIMARY KEY,
        created REAL NOT NULL,
        voice TEXT NOT NULL,
        prompt TEXT NOT NULL,
        name TEXT NOT NULL DEFAULT '',
        favourite INTEGER NOT NULL DEFAULT 0,
        deleted REAL,
        record TEXT NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX clips_by_age ON clips (created DESC, id)",
    """CREATE TABLE tags (
        clip TEXT NOT NULL REFERENCES clips (id),
        tag TEXT NOT NULL,
        PRIMARY KEY (clip, tag)
    ) WITHOUT ROWID""",
    "CREATE INDEX tags_by_name ON tags (tag, clip)",
)

_RECORD = "CASE WHEN json_valid(record) THEN record ELSE '{}' END"
"""A record that JSON functions can read, whatever stands in the column."""

_SECONDS = (
    f"coalesce(json_extract({_RECORD}, '$.frames') * 1.0 "
    f"/ nullif(json_extract({_RECORD}, '$.sample_rate'), 0), 0)"
)

_NOW = "strftime('%s', 'now') * 1.0"
"""The first version kept deleted clips for ever; the days of the trash begin with the second."""

_SEARCH_AND_HISTORY = (
    # Rows get a number, which the word index needs; `tags` repeats the table of tags.
    """CREATE TABLE clips_2 (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        created REAL NOT NULL,
        voice TEXT NOT NULL,
        prompt TEXT NOT NULL,
        name TEXT NOT NULL DEFAULT '',
        tags TEXT NOT NULL DEFAULT '',
        favourite INTEGER NOT NULL DEFAULT 0,
        deleted REAL,
        seconds REAL NOT NULL DEFAULT 0,
        record TEXT NOT NULL
    )""",
    f"""INSERT INTO clips_2 (id, created, voice, prompt, name, tags, favourite, deleted, seconds,
                              record)
        SELECT id, created, voice, prompt, name,
               coalesce((SELECT group_concat(tag, char(10)) FROM tags WHERE clip = id), ''),
               favourite, CASE WHEN deleted IS NOT NULL THEN {_NOW} END, {_SECONDS}, record
        FROM clips ORDER BY created""",
    "DROP TABLE clips",
    "ALTER TABLE clips_2 RENAME TO clips",
    # A search by anything but words reads these and never the long rows.
    """CREATE INDEX clips_by_age ON clips
        (created DESC, id, voice, favourite, seconds, prompt, name, tags) WHERE deleted IS NULL""",
    """CREATE INDEX clips_by_length ON clips
        (seconds, created DESC, id, voice, favourite) WHERE deleted IS NULL""",
    """CREATE INDEX favourite_clips ON clips (created DESC, id)
        WHERE deleted IS NULL AND favourite = 1""",
    "CREATE INDEX deleted_clips ON clips (deleted) WHERE deleted IS NOT NULL",
    """CREATE VIRTUAL TABLE clip_words USING fts5
        (prompt, name, tags, content='clips', content_rowid='number', tokenize='trigram')""",
    "INSERT INTO clip_words (clip_words) VALUES ('rebuild')",
    """CREATE TRIGGER clip_added AFTER INSERT ON clips BEGIN
        INSERT INTO clip_words (rowid, prompt, name, tags)
        VALUES (new.number, new.prompt, new.name, new.tags);
    END""",
    """CREATE TRIGGER clip_removed AFTER DELETE ON clips BEGIN
        INSERT INTO clip_words (clip_words, rowid, prompt, name, tags)
        VALUES ('delete', old.number, old.prompt, old.name, old.tags);
    END""",
    """CREATE TRIGGER clip_reworded AFTER UPDATE OF prompt, name, tags ON clips BEGIN
        INSERT INTO clip_words (clip_words, rowid, prompt, name, tags)
        VALUES ('delete', old.number, old.prompt, old.name, old.tags);
        INSERT INTO clip_words (rowid, prompt, name, tags)
        VALUES (new.number, new.prompt, new.name, new.tags);
    END""",
    """CREATE TRIGGER tag_added AFTER INSERT ON tags BEGIN
        UPDATE clips SET tags = (SELECT group_concat(tag, char(10)) FROM tags
                                 WHERE clip = new.clip) WHERE id = new.clip;
    END""",
    """CREATE TRIGGER tag_removed AFTER DELETE ON tags BEGIN
        UPDATE clips SET tags = coalesce((SELECT group_concat(tag, char(10)) FROM tags
                                 WHERE clip = old.clip), '') WHERE id = old.clip;
    END""",
    """CREATE TABLE parents (
        child TEXT NOT NULL,
        place INTEGER NOT NULL,
        parent TEXT NOT NULL,
        PRIMARY KEY (child, place)
    ) WITHOUT ROWID""",
    "CREATE INDEX children ON parents (parent, child)",
    f"""INSERT INTO parents (child, place, parent)
        SELECT clips.id, each.key, each.value
        FROM clips, json_each({_RECORD}, '$.parents') AS each WHERE each.type = 'text'""",
    # What was changed, step by step, so that it can be taken back after any restart.
    """CREATE TABLE steps (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        made REAL NOT NULL,
        label TEXT NOT NULL,
        undone INTEGER NOT NULL DEFAULT 0
    )""",
    """CREATE TABLE changes (
        step INTEGER NOT NULL REFERENCES steps (number) ON DELETE CASCADE,
        place INTEGER NOT NULL,
        clip TEXT NOT NULL,
        field TEXT NOT NULL,
        before TEXT NOT NULL,
        after TEXT NOT NULL,
        PRIMARY KEY (step, place)
    ) WITHOUT ROWID""",
    "CREATE INDEX changes_of_clip ON changes (clip, step)",
)

MIGRATIONS = (_FIRST, _SEARCH_AND_HISTORY)
"""Statements that take a database from version k to k + 1; the last give SCHEMA_VERSION."""

SCHEMA_VERSION = len(MIGRATIONS)

_HEADER = b"SQLite format 3\x00"
_USER_VERSION_AT = 60


def open_database(path: Path) -> sqlite3.Connection:
    """Open (or make) the library's database and bring it to SCHEMA_VERSION.

    Several processes may have it open. Raises StorageError when the file was made by a
    newer Driftwave, and then leaves it untouched; sqlite3.DatabaseError when it is damaged.
    """
    refuse_newer(path, stored_version(path))
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    try:
        connection.row_factory = sqlite3.Row
        _migrate(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def stored_version(path: Path) -> int:
    """The schema version in the file's header, read without opening it as a database."""
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        return 0
    if len(header) < 100 or not header.startswith(_HEADER):
        return 0
    return int.from_bytes(header[_USER_VERSION_AT : _USER_VERSION_AT + 4], "big")


def refuse_newer(path: Path, version: int) -> None:
    """Raise StorageError when `version` is one this Driftwave does not know."""
    if version > SCHEMA_VERSION:
        raise StorageError(
            f"{path}: library version {version}, this Driftwave reads up to {SCHEMA_VERSION}; "
            "update Driftwave, or use another folder with --library"
        )


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    version = _version(connection)
    refuse_newer(path, version)
    while version < SCHEMA_VERSION:
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = _version(connection)
            if version < SCHEMA_VERSION:
                for statement in MIGRATIONS[version]:
                    connection.execute(statement)
                version += 1
                connection.execute(f"PRAGMA user_version = {version}")
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def database_error(path: Path, error: Exception) -> StorageError:
    """What a failed database call means to the musician, with the remedy."""
    return StorageError(
        f"{path}: the library's database failed ({error}); free disk space, check that the "
        "folder may be written, then try again (nothing stored earlier is lost)"
    )
