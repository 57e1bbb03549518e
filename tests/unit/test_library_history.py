"""Undo and redo, old libraries, damaged databases, the limit of the trash, search, lineage."""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import BadRange, NotFound, StorageError
from engine.library import ClipRecord, Library, Search
from engine.library.library import TRASH_DAYS
from tests.support.clips import make_clip
from tests.support.old_library import old_library


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "library") as library:
        for seed in range(4):
            library.add(make_clip(seed, frames=100))
        yield library


IDS = [make_clip(seed, frames=1).id for seed in range(4)]


def state(library: Library) -> tuple[list[ClipRecord], list[str]]:
    return library.search(), sorted(library.trash())


def test_every_change_is_undone_and_done_again(library: Library) -> None:
    states = [state(library)]
    library.name(IDS[0], "Boom")
    states.append(state(library))
    library.tag(IDS[1], "low end")
    states.append(state(library))
    library.tag(IDS[1], "low end", on=False)
    states.append(state(library))
    library.favourite(IDS[2], True)
    states.append(state(library))
    library.delete(IDS[0], IDS[3])
    states.append(state(library))
    library.restore(IDS[3])
    states.append(state(library))
    for before in states[-2::-1]:
        library.undo()
        assert state(library) == before
    with pytest.raises(NotFound, match="nothing to undo"):
        library.undo()
    for after in states[1:]:
        library.redo()
        assert state(library) == after
    with pytest.raises(NotFound, match="nothing to redo"):
        library.redo()
    assert np.array_equal(library.get(IDS[3]).audio, make_clip(3, frames=100).audio)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3), st.booleans()), max_size=25))
def test_any_sequence_comes_back_step_by_step(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[int, int, bool]]
) -> None:
    with Library(tmp_path_factory.mktemp("any")) as library:
        for seed in range(4):
            library.add(make_clip(seed, frames=10))
        past, future = [state(library)], []
        for action, clip, on in moves:
            try:
                if action == 0:
                    library.name(IDS[clip], "x" if on else "y")
                elif action == 1:
                    library.tag(IDS[clip], "t", on)
                elif action == 2:
                    library.favourite(IDS[clip], on)
                elif action == 3:
                    library.delete(IDS[clip])
                elif action == 4:
                    library.restore(IDS[clip])
                elif action == 5 and len(past) > 1:
                    library.undo()
                    future.append(past.pop())
                    assert state(library) == past[-1]
                    continue
                elif action == 6 and future:
                    library.redo()
                    past.append(future.pop())
                    assert state(library) == past[-1]
                    continue
            except NotFound:
                continue
            if state(library) != past[-1]:
                past.append(state(library))
                future = []
        while len(past) > 1:
            past.pop()
            library.undo()
            assert state(library) == past[-1]


def test_undo_survives_closing_and_a_second_process_sees_it(tmp_path: Path) -> None:
    with Library(tmp_path) as library, Library(tmp_path) as other:
        library.add(make_clip(1))
        library.name(make_clip(1).id, "Boom")
        assert other.undo().label.endswith("'Boom'")
        library.redo()
        library.delete(make_clip(1).id)
    with Library(tmp_path) as library:
        assert [step.undone for step in library.history.steps()] == [False, False]
        assert library.undo().clips == (make_clip(1).id,)
        assert library.search()[0].name == "Boom"
        assert library.undo().clips == (make_clip(1).id,)
        library.tag(make_clip(1).id, "new")
        with pytest.raises(NotFound):
            library.redo()


def test_what_changes_nothing_is_no_step(library: Library) -> None:
    library.name(IDS[0], "")
    library.favourite(IDS[0], False)
    library.tag(IDS[0], "x", on=False)
    assert library.history.steps() == []
    with pytest.raises(NotFound):
        library.delete(IDS[0], "0" * 32)
    assert library.count() == 4, "one unknown clip, and none is deleted"
    with pytest.raises(BadRange, match="printable"):
        library.tag(IDS[0], "two\nlines")


def test_history_has_an_end_and_forgets_what_is_gone_for_good(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.library.history.MOST_STEPS", 30)
    for number in range(40):
        library.name(IDS[0], str(number))
    assert len(library.history.steps(100)) == 30
    library.delete(IDS[0], IDS[1])
    library.name(IDS[2], "kept")
    library.empty_trash()
    assert [step.label for step in library.history.steps()] == [f"name {IDS[2][:8]} 'kept'"]
    library.undo()
    assert library.record(IDS[2]).name == ""
    with pytest.raises(NotFound):
        library.undo()


def test_deleted_clips_are_kept_for_the_stated_days(tmp_path: Path) -> None:
    with Library(tmp_path) as library:
        for seed in range(3):
            library.add(make_clip(seed))
        library.delete(*IDS[:3])
        now = time.time()
        for clip, age in ((IDS[0], TRASH_DAYS + 0.1), (IDS[1], TRASH_DAYS - 0.1)):
            with library._database.writing() as database:
                database.execute(
                    "UPDATE clips SET deleted = ? WHERE id = ?", (now - age * 86_400, clip)
                )
        with library._database.writing() as database:  # a clock that was never set
            database.execute("UPDATE clips SET deleted = 7 WHERE id = ?", (IDS[2],))
    with Library(tmp_path) as library:
        left = {record.id: days for record, days in library.trashed()}
        assert set(left) == {IDS[1], IDS[2]}
        assert left[IDS[1]] == pytest.approx(0.1, abs=0.01)
        assert left[IDS[2]] == pytest.approx(TRASH_DAYS, abs=0.01)
        assert not list(tmp_path.rglob(f"{IDS[0]}*"))


def test_a_library_of_the_first_version_opens_with_everything(tmp_path: Path) -> None:
    clips = [
        replace(make_clip(seed, frames=44_100 * (seed + 1), prompt=f"kick {seed}"), parents=parents)
        for seed, parents in enumerate([(), (IDS[0],), (IDS[0], IDS[1])])
    ]
    old_library(tmp_path / "old", clips)
    with Library(tmp_path / "old") as library:
        assert not library.recovery
        first, second = library.search()[::-1]
        assert (first.name, first.favourite, first.tags) == ("First", True, ("old",))
        assert [r.id for r in library.find(Search(text="fir old"))] == [first.id]
        assert [r.id for r in library.find(Search(shortest=1.5))] == [second.id]
        assert np.array_equal(library.get(second.id).audio, clips[1].audio)
        (grandchild,) = library.lineage(second.id).children
        assert (grandchild.id, grandchild.state) == (IDS[2], "deleted")
        assert library.trash() == [IDS[2]]
        library.restore(IDS[2])
        library.undo()
        assert library.trash() == [IDS[2]]


def test_names_tags_and_favourites_outlive_a_damaged_database(tmp_path: Path) -> None:
    with Library(tmp_path) as library:
        for seed in range(80):
            library.add(make_clip(seed, frames=10))
        for record in library.search(limit=80):
            library.name(record.id, f"name of {record.seed}")
            library.tag(record.id, "kept")
        with library._database.writing() as database:
            page = database.execute("PRAGMA page_size").fetchone()[0]
            tables = database.execute(
                "SELECT rootpage FROM sqlite_master WHERE name = 'clips_by_age'"
            ).fetchone()
    path = tmp_path / "library.sqlite3"
    database = sqlite3.connect(path)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    data = bytearray(path.read_bytes())
    at = (tables[0] - 1) * page
    data[at : at + page] = bytes(page)
    path.write_bytes(data)
    with Library(tmp_path) as library, pytest.raises(StorageError, match="start Driftwave again"):
        library.search(limit=80)
    with Library(tmp_path) as library:
        assert library.recovery.rebuilt
        found = library.search(limit=80)
        assert len(found) == 80
        assert all(r.name == f"name of {r.seed}" and r.tags == ("kept",) for r in found)
    with Library(tmp_path) as library:
        assert not library.recovery


def test_search_by_every_condition(tmp_path: Path) -> None:
    with Library(tmp_path) as library:
        rows = [
            ("dark snare", 1.0, "drums"),
            ("Bright Über-Kick", 0.5, "mine"),
            ("kick 8", 3.0, "drums"),
        ]
        for seed, (prompt, seconds, voice) in enumerate(rows):
            clip = make_clip(seed, prompt=prompt, frames=int(44_100 * seconds))
            library.add(replace(clip, voice=voice))
        library.tag(IDS[2], "verse 2")
        library.tag(IDS[2], "live")

        def found(**conditions: object) -> list[int]:
            what = replace(Search(), **conditions)  # type: ignore[arg-type]
            records = library.find(what)
            assert library.count(what) >= len(records)
            return [IDS.index(record.id) for record in records]

        assert found() == [2, 1, 0]
        assert found(text="KICK") == [2, 1]
        assert found(text="kick 8") == [2]
        assert found(text="über") == [1]
        assert found(text='"') == found(text="zz zz") == found(text="%") == []
        assert found(text='kick" OR "snare') == []
        assert found(text="vers live") == [2]
        assert found(tags=("verse 2", "live")) == [2]
        assert found(tags=("verse",)) == []
        assert found(voice="mine") == [1]
        assert found(shortest=0.9, longest=1.0) == [0]
        assert found(sort="longest") == [2, 0, 1]
        assert found(sort="shortest") == [1, 0, 2]
        assert found(sort="oldest", limit=1, offset=1) == [1]
        assert found(since=1_700_000_001.0, before=1_700_000_002.0) == [1]
        assert found(longest=math.inf, favourite=True) == []
        assert library.tags() == [("live", 1), ("verse 2", 1)]
        for wrong in ({"sort": "loudest"}, {"limit": -1}, {"offset": 10**9}):
            with pytest.raises(BadRange, match="expected"):
                found(**wrong)


def test_lineage_is_a_tree_each_way_and_bounded(tmp_path: Path) -> None:
    with Library(tmp_path) as library:
        a, b, c, d = (make_clip(seed, frames=10) for seed in range(4))
        gone = "f" * 32
        for clip in (a, replace(b, parents=(a.id, gone)), replace(c, parents=(b.id, a.id)),
                     replace(d, parents=(c.id,))):  # fmt: skip
            library.add(clip)
        family = library.lineage(c.id)
        told = [(generation, r.id, r.state) for up in family.parents for generation, r in up.walk()]
        assert told == [
            (1, b.id, "here"), (2, a.id, "here"), (2, gone, "gone"), (1, a.id, "here"),
        ]  # fmt: skip
        assert [r.id for r in family.children] == [d.id]
        assert [r.id for r in library.lineage(a.id, depth=1).children] == sorted((b.id, c.id))
        library.delete(b.id)
        assert library.lineage(c.id).parents[0].state == "deleted"
        library.add(replace(make_clip(9, frames=10), parents=(make_clip(9).id,)))
        (itself,) = library.lineage(make_clip(9).id).parents
        assert itself.relatives == ()
