"""Undo and redo: every change to the library is a step, stored with the change itself.

A step and what it changes are one transaction, so that no crash can part them; both survive
a restart, and every process that uses the library sees the same steps. Making a sound is no
step: undo never takes a generated sound away.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.errors import NotFound
from engine.library.database import Database

MOST_STEPS = 1_000
"""Older steps are forgotten, and cannot be undone then."""

NAME, FAVOURITE, DELETED = "name", "favourite", "deleted"
TAG = "tag "
"""Fields of a clip that a step can change; TAG is followed by the tag itself."""

ON, OFF = "1", ""


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one clip, before and after; switches are ON or OFF."""

    clip: str
    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done to the library.

    Attributes:
        number: rises with every step.
        made: when, in seconds since the epoch.
        label: what was done, in words.
        undone: whether it has been taken back.
        clips: ids of the clips it touches.
    """

    number: int
    made: float
    label: str
    undone: bool
    clips: tuple[str, ...]


class History:
    """The steps of one library. Any thread, any number of processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def do(self, label: str, wanted: Iterable[tuple[str, str, str]]) -> tuple[str, ...]:
        """Set fields of clips, given as (clip, field, value), as one step.

        What is so already is left out; without any change no step is made. A new step
        forgets the steps undone before it. Returns the ids of the clips changed.
        """
        with self._database.writing() as database:
            changes = [
                Change(clip, field, before, after)
                for clip, field, after in wanted
                if (before := _value(database, clip, field)) is not None and before != after
            ]
            if not changes:
                return ()
            self._record(database, label, changes)
            for change in changes:
                set_field(database, change.clip, change.field, change.after)
        return _clips(changes)

    def made(self, database: sqlite3.Connection, label: str, clips: Sequence[str]) -> None:
        """Record, inside a transaction, that clips were put into the library."""
        self._record(database, label, [Change(clip, DELETED, ON, OFF) for clip in clips])

    def undo(self) -> Step:
        """Take the last step back. Raises NotFound when there is none."""
        return self._move(back=True)

    def redo(self) -> Step:
        """Do again what was undone last. Raises NotFound when there is nothing."""
        return self._move(back=False)

    def steps(self, limit: int = 20) -> list[Step]:
        """The last steps, newest first; those undone stand at the top."""
        rows = self._database.query("SELECT * FROM steps ORDER BY number DESC LIMIT ?", (limit,))
        return [self._step(row) for row in rows]

    @staticmethod
    def forget(database: sqlite3.Connection, clips: Sequence[str]) -> None:
        """Inside a transaction: clips are gone for good, so nothing of them can be undone."""
        for clip in clips:
            database.execute("DELETE FROM changes WHERE clip = ?", (clip,))
        database.execute("DELETE FROM steps WHERE number NOT IN (SELECT step FROM changes)")

    def _record(self, database: sqlite3.Connection, label: str, changes: Sequence[Change]) -> None:
        database.execute("DELETE FROM steps WHERE undone = 1")
        step = database.execute(
            "INSERT INTO steps (made, label) VALUES (?, ?)", (time.time(), label)
        ).lastrowid
        database.executemany(
            "INSERT INTO changes (step, place, clip, field, before, after) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            [
                (step, place, change.clip, change.field, change.before, change.after)
                for place, change in enumerate(changes)
            ],
        )
        assert step is not None
        database.execute("DELETE FROM steps WHERE number <= ?", (step - MOST_STEPS,))

    def _move(self, *, back: bool) -> Step:
        order = "DESC" if back else "ASC"
        with self._database.writing() as database:
            row = database.execute(
                f"SELECT * FROM steps WHERE undone = ? ORDER BY number {order} LIMIT 1",
                (int(not back),),
            ).fetchone()
            if row is None:
                what, remedy = ("undo", "nothing was changed") if back else ("redo", "undo first")
                raise NotFound(f"nothing to {what}: {remedy}; `driftwave clips history` lists it")
            for change in database.execute(
                f"SELECT * FROM changes WHERE step = ? ORDER BY place {order}", (row["number"],)
            ).fetchall():
                value = change["before"] if back else change["after"]
                set_field(database, change["clip"], change["field"], value)
            database.execute(
                "UPDATE steps SET undone = ? WHERE number = ?", (int(back), row["number"])
            )
        return self._step(row, undone=back)

    def _step(self, row: sqlite3.Row, undone: bool | None = None) -> Step:
        touched = self._database.query(
            "SELECT DISTINCT clip FROM changes WHERE step = ? ORDER BY place", (row["number"],)
        )
        return Step(
            number=int(row["number"]),
            made=float(row["made"]),
            label=str(row["label"]),
            undone=bool(row["undone"]) if undone is None else undone,
            clips=tuple(str(one["clip"]) for one in touched),
        )


def _clips(changes: Sequence[Change]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(change.clip for change in changes))


def _value(database: sqlite3.Connection, clip: str, field: str) -> str | None:
    """What a field holds now, or None for a clip that is not there."""
    row = database.execute(
        "SELECT name, favourite, deleted FROM clips WHERE id = ?", (clip,)
    ).fetchone()
    if row is None:
        return None
    if field == NAME:
        return str(row["name"])
    if field == FAVOURITE:
        return ON if row["favourite"] else OFF
    if field == DELETED:
        return OFF if row["deleted"] is None else ON
    found = database.execute(
        "SELECT 1 FROM tags WHERE clip = ? AND tag = ?", (clip, field.removeprefix(TAG))
    ).fetchone()
    return OFF if found is None else ON


def set_field(database: sqlite3.Connection, clip: str, field: str, value: str) -> None:
    """Set a field of a clip inside a transaction, without a step."""
    if field == NAME:
        database.execute("UPDATE clips SET name = ? WHERE id = ?", (value, clip))
    elif field == FAVOURITE:
        database.execute("UPDATE clips SET favourite = ? WHERE id = ?", (int(value == ON), clip))
    elif field == DELETED:
        when = time.time() if value == ON else None
        database.execute("UPDATE clips SET deleted = ? WHERE id = ?", (when, clip))
    elif value == ON:
        database.execute(
            "INSERT OR IGNORE INTO tags (clip, tag) VALUES (?, ?)", (clip, field.removeprefix(TAG))
        )
    else:
        database.execute(
            "DELETE FROM tags WHERE clip = ? AND tag = ?", (clip, field.removeprefix(TAG))
        )
