"""Where a clip comes from and what came of it, as a tree in each direction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from engine.library.database import Database
from engine.library.record import ClipRecord

MOST_RELATIVES = 2_000
"""Relatives told of one clip, each way; a tree larger than this is cut."""

HERE, DELETED, GONE = "here", "deleted", "gone"
"""A relative is in the library, in the trash, or no longer known."""


@dataclass(frozen=True, slots=True)
class Relative:
    """A clip in the tree, with its own parents (or children) below it.

    Attributes:
        id: of the clip.
        state: HERE, DELETED or GONE.
        record: what is known about it; None when it is GONE.
        relatives: the next generation in the same direction.
    """

    id: str
    state: str
    record: ClipRecord | None
    relatives: tuple[Relative, ...]

    def walk(self, generation: int = 1) -> Iterator[tuple[int, Relative]]:
        """Every relative of this branch with its generation, depth first."""
        yield generation, self
        for relative in self.relatives:
            yield from relative.walk(generation + 1)


@dataclass(frozen=True, slots=True)
class Family:
    """A clip, the trees of its parents and of its children."""

    clip: ClipRecord
    parents: tuple[Relative, ...]
    children: tuple[Relative, ...]


Describe = Callable[[list[str]], dict[str, tuple[str, ClipRecord | None]]]
"""Ids -> state and record of those that are known."""


def family(database: Database, clip: ClipRecord, describe: Describe, *, depth: int) -> Family:
    """The relatives of a clip, `depth` generations each way."""
    statements = (
        "SELECT child AS one, parent AS other FROM parents WHERE child IN ({marks}) "
        "ORDER BY child, place",
        "SELECT parent AS one, child AS other FROM parents WHERE parent IN ({marks}) "
        "ORDER BY parent, child",
    )
    up, down = (_tree(database, clip.id, describe, one, depth) for one in statements)
    return Family(clip, up, down)


def _tree(
    database: Database, clip_id: str, describe: Describe, statement: str, depth: int
) -> tuple[Relative, ...]:
    """Generation by generation; a clip that was met already is not followed again."""
    links: dict[str, list[str]] = {}
    met = {clip_id: None}
    generation = [clip_id]
    for _ in range(depth):
        following: dict[str, None] = {}
        for row in database.query_in(statement, generation):
            if len(met) + len(following) > MOST_RELATIVES:
                break
            other = str(row["other"])
            links.setdefault(str(row["one"]), []).append(other)
            if other not in met:
                following[other] = None
        met.update(following)
        generation = list(following)
        if not generation:
            break
    known = describe(list(met))
    told: set[str] = set()

    def below(one: str, left: int) -> tuple[Relative, ...]:
        found = []
        for other in dict.fromkeys(links.get(one, ())):
            state, record = known.get(other, (GONE, None))
            new = other not in told and other != clip_id
            told.add(other)
            deeper = below(other, left - 1) if new and left > 1 else ()
            found.append(Relative(other, state, record, deeper))
        return tuple(found)

    return below(clip_id, depth)
