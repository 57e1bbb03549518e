"""The library's database: its tables, its version and how it is opened."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from pathlib import Path

from engine.errors import StorageError

log = logging.getLogger(__name__)

APPLICATION_ID = 0x44524654
"""'DRFT': marks the file as a Driftwave library for tools that identify SQLite files."""

BUSY_TIMEOUT_S = 10.0
"""How long one process waits for another one's write to finish."""

MIGRATIONS = (
    """
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
    """,
)
"""Step k takes a database from version k to k + 1; the last one gives SCHEMA_VERSION."""

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
                for statement in MIGRATIONS[version].split(";"):
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


def open_or_set_aside(path: Path) -> tuple[sqlite3.Connection, bool]:
    """Open the database; a damaged one is renamed and a new one made.

    Returns the connection and whether the database is new, so that its rows must be made
    again from the files. Raises StorageError as `open_database` does and when the disk is
    full or refuses.
    """
    new = stored_version(path) == 0
    try:
        return open_database(path), new
    except sqlite3.Error as error:
        if error.sqlite_errorcode not in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            raise database_error(path, error) from error
        aside = path.with_name(f"{path.name}.damaged-{int(time.time())}")
        log.error("%s is damaged (%s); kept as %s and made again", path, error, aside.name)
    for suffix in ("-wal", "-shm"):
        with contextlib.suppress(OSError):
            path.with_name(path.name + suffix).unlink()
    try:
        path.replace(aside)
        return open_database(path), True
    except (sqlite3.Error, OSError) as error:
        raise database_error(path, error) from error


def database_error(path: Path, error: Exception) -> StorageError:
    """What a failed database call means to the musician, with the remedy."""
    return StorageError(
        f"{path}: the library's database failed ({error}); free disk space, check that the "
        "folder may be written, then try again (nothing stored earlier is lost)"
    )


def like_pattern(word: str) -> str:
    """A LIKE pattern (escape character backslash) that finds `word` anywhere."""
    for special in "\\%_":
        word = word.replace(special, "\\" + special)
    return f"%{word}%"
