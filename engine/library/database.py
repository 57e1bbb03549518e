"""The library's database for any number of threads: opened, repaired, read and written."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.errors import StorageError
from engine.library.schema import database_error, open_database, stored_version

log = logging.getLogger(__name__)

_DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
_BESIDE = ("-wal", "-shm")
_MOST_VALUES = 500
"""Values in one IN list; SQLite takes at least 999."""


class Database:
    """One connection behind a lock. Any thread may call any method.

    Attributes:
        path: the file.
        new: whether its rows must be made again from the clips' files.
        aside: the damaged database that was here, or None.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the database; a damaged one is set aside and a new one made.

        Raises StorageError when it was made by a newer Driftwave (and leaves it untouched),
        when the disk is full or the folder cannot be written.
        """
        self.path = path
        self.aside: Path | None = None
        self.new = stored_version(path) == 0
        self._lock = threading.RLock()
        self._suspect = path.with_name(f"{path.name}.suspect")
        try:
            self._connection = self._open()
        except sqlite3.Error as error:
            if _code(error) not in _DAMAGED:
                raise database_error(path, error) from error
            self.aside = _set_aside(path, error)
            self.new = True
            try:
                self._connection = open_database(path)
            except sqlite3.Error as again:
                raise database_error(path, again) from again
        self._suspect.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the connection; what was written stays."""
        with self._lock:
            self._connection.close()

    def query(self, statement: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        """Every row of a SELECT; sqlite3's errors become StorageError."""
        with self._lock:
            try:
                return self._connection.execute(statement, tuple(values)).fetchall()
            except sqlite3.Error as error:
                raise self._failed(error) from error

    def query_in(self, statement: str, values: Sequence[str]) -> Iterator[sqlite3.Row]:
        """Rows of a SELECT whose `{marks}` stands for any number of values."""
        for start in range(0, len(values), _MOST_VALUES):
            part = values[start : start + _MOST_VALUES]
            yield from self.query(statement.format(marks=",".join("?" * len(part))), part)

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, all of it or nothing; sqlite3's errors become StorageError."""
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException as error:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error):
                    raise self._failed(error) from error
                raise

    def _open(self) -> sqlite3.Connection:
        connection = open_database(self.path)
        if self._suspect.exists():
            try:
                found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
                if found != "ok":
                    error = sqlite3.DatabaseError(str(found))
                    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
                    raise error
            except BaseException:
                connection.close()
                raise
        return connection

    def _failed(self, error: sqlite3.Error) -> StorageError:
        if _code(error) in _DAMAGED:
            # The next opening looks at every page and makes a broken database again.
            with contextlib.suppress(OSError):
                self._suspect.touch()
            return StorageError(
                f"{self.path}: the library's database is damaged ({error}); start Driftwave "
                "again and it is repaired from the clips' own files (no sound is lost)"
            )
        return database_error(self.path, error)


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code, or -1."""
    return int(getattr(error, "sqlite_errorcode", -1)) & 0xFF


def _set_aside(path: Path, error: sqlite3.Error) -> Path:
    aside = path.with_name(f"{path.name}.damaged-{int(time.time())}")
    log.error("%s is damaged (%s); kept as %s and made again", path, error, aside.name)
    try:
        for suffix in _BESIDE:
            with contextlib.suppress(FileNotFoundError):
                path.with_name(path.name + suffix).replace(aside.with_name(aside.name + suffix))
        path.replace(aside)
    except OSError as failure:
        raise database_error(path, failure) from failure
    return aside


def salvaged(aside: Path) -> Iterator[tuple[str, str, bool, list[str]]]:
    """Id, name, favourite and tags of whatever rows of a damaged database can be read."""
    tags: dict[str, list[str]] = {}
    connection = sqlite3.connect(f"{aside.absolute().as_uri()}?mode=ro", uri=True)
    with contextlib.closing(connection), contextlib.suppress(sqlite3.Error):
        with contextlib.suppress(sqlite3.Error):
            for clip, tag in connection.execute("SELECT clip, tag FROM tags"):
                tags.setdefault(str(clip), []).append(str(tag))
        for clip, name, favourite in connection.execute("SELECT id, name, favourite FROM clips"):
            yield str(clip), str(name), bool(favourite), tags.pop(str(clip), [])
    for clip, its_tags in tags.items():
        yield clip, "", False, its_tags
