"""What to look for in the library, and the SQL that finds it by its indexes."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass

from engine.errors import BadRange

SORTS = {
    "newest": "created DESC, id",
    "oldest": "created ASC, id",
    "longest": "seconds DESC, created DESC, id",
    "shortest": "seconds ASC, created DESC, id",
}
"""Order of the clips found -> SQL."""

MOST_CLIPS = 1_000_000
_WORD_CHARS = 3
"""Shorter words are looked for one clip after another, longer ones by the word index."""


@dataclass(frozen=True, slots=True)
class Search:
    """Conditions that a clip must all meet; the defaults let every clip through.

    Attributes:
        text: words, each of which must occur in the prompt, the name or a tag.
        voice: name of its voice; "import" for sounds that were imported.
        tags: tags it must all have.
        favourite: whether it must be a favourite.
        shortest, longest: its length in seconds.
        since, before: when it was made, in seconds since the epoch.
        sort: one of SORTS.
        limit, offset: the page of what is found.
    """

    text: str = ""
    voice: str = ""
    tags: tuple[str, ...] = ()
    favourite: bool = False
    shortest: float = 0.0
    longest: float = math.inf
    since: float = 0.0
    before: float = math.inf
    sort: str = "newest"
    limit: int = 100
    offset: int = 0

    def __post_init__(self) -> None:
        """Raises BadRange for an order or a page that does not exist."""
        if self.sort not in SORTS:
            raise BadRange(f"sort {self.sort!r}: expected one of {', '.join(SORTS)}")
        if not 0 <= self.limit <= MOST_CLIPS or not 0 <= self.offset <= MOST_CLIPS:
            raise BadRange(f"page of {self.limit} from {self.offset}: expected 0 to {MOST_CLIPS}")

    def where(self) -> tuple[str, list[object]]:
        """The WHERE clause and its values."""
        where = ["deleted IS NULL"]
        values: list[object] = []

        def need(condition: str, *more: object) -> None:
            where.append(condition)
            values.extend(more)

        words = self.text.split()
        indexed = [word for word in words if len(word) >= _WORD_CHARS]
        if indexed:
            # The plus keeps SQLite on the index that is in order, so that a page ends early.
            need("+number IN (SELECT rowid FROM clip_words WHERE clip_words MATCH ?)",
                 " AND ".join('"' + word.replace('"', '""') + '"' for word in indexed))  # fmt: skip
        for word in words:
            if len(word) < _WORD_CHARS:
                fields = ("prompt", "name", "tags")
                need(
                    "(" + " OR ".join(f"{field} LIKE ? ESCAPE '\\'" for field in fields) + ")",
                    *[_like(word)] * 3,
                )
        if self.voice:
            need("voice = ?", self.voice)
        for tag in self.tags:
            need("+id IN (SELECT clip FROM tags WHERE tag = ?)", tag)
        if self.favourite:
            need("favourite = 1")
        if self.shortest > 0.0:
            need("seconds >= ?", self.shortest)
        if self.longest < math.inf:
            need("seconds <= ?", self.longest)
        if self.since > 0.0:
            need("created >= ?", self.since)
        if self.before < math.inf:
            need("created < ?", self.before)
        return " AND ".join(where), values

    def page(self) -> tuple[str, list[object]]:
        """The SELECT of one page of whole rows and its values."""
        where, values = self.where()
        numbers = f"SELECT number FROM clips WHERE {where} ORDER BY {SORTS[self.sort]}"
        order = SORTS[self.sort]
        return (
            f"SELECT * FROM clips WHERE number IN ({numbers} LIMIT ? OFFSET ?) ORDER BY {order}",
            [*values, self.limit, self.offset],
        )

    def total(self) -> tuple[str, list[object]]:
        """The SELECT of how many there are and its values."""
        where, values = self.where()
        return f"SELECT count(*) FROM clips WHERE {where}", values


def _like(word: str) -> str:
    """A LIKE pattern (escape character backslash) that finds `word` anywhere."""
    for special in "\\%_":
        word = word.replace(special, "\\" + special)
    return f"%{word}%"


def day(text: str, name: str = "date") -> float:
    """Seconds since the epoch of a local day or time such as 2026-11-25 or 2026-11-25T20:15.

    Raises BadRange for anything else.
    """
    try:
        return datetime.datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        raise BadRange(
            f"{name} {text[:40]!r}: expected a day such as 2026-11-25 or 2026-11-25T20:15"
        ) from None
