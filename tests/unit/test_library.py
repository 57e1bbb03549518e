"""The library: exact storage, search, trash, versions, damage, and more than one process."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.errors import BadRange, NotFound, StorageError
from engine.library import Library
from engine.library.record import record_from_json, record_json, record_of
from engine.library.schema import SCHEMA_VERSION
from tests.support.clips import make_clip


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "library") as library:
        yield library


def write(library: Library, statement: str, values: tuple[object, ...] = ()) -> None:
    """Change a row behind the library's back."""
    with library._database.writing() as database:
        database.execute(statement, values)


@pytest.mark.parametrize("channels", [1, 2])
def test_what_is_added_comes_back_bit_for_bit(library: Library, channels: int) -> None:
    clip = make_clip(1, channels=channels)
    library.add(clip)
    back = library.get(clip.id)
    assert np.array_equal(back.audio, clip.audio)
    assert back.conditions == {"category": "snare", "brightness": 0.25, "depth": None}
    assert (back.seed, back.words_unknown, back.created) == (
        clip.seed,
        clip.words_unknown,
        clip.created,
    )


def test_search_finds_words_in_prompt_name_and_tags(library: Library) -> None:
    for seed, prompt in enumerate(["dark snare", "100% loud kick", "dark kick"]):
        library.add(make_clip(seed, prompt=prompt))
    kick, loud = (record.id for record in library.search(text="kick"))
    library.name(kick, "Boom")
    library.tag(loud, "chorus")
    library.favourite(kick, True)
    assert [record.prompt for record in library.search()] == [
        "dark kick",
        "100% loud kick",
        "dark snare",
    ]
    assert [record.id for record in library.search(text="boom dark")] == [kick]
    assert [record.id for record in library.search(text="chor")] == [loud]
    assert [record.id for record in library.search(text="100%")] == [loud]
    assert library.search(text="_") == []
    assert [record.id for record in library.search(favourite=True)] == [kick]
    assert [record.id for record in library.search(tag="chorus")] == [loud]
    assert library.search(voice="other") == []
    assert [record.prompt for record in library.search(limit=1, offset=1)] == ["100% loud kick"]
    assert library.record(loud).tags == ("chorus",)
    library.tag(loud, "chorus", on=False)
    assert library.record(loud).tags == ()


def test_delete_is_undoable_until_the_trash_is_emptied(library: Library) -> None:
    clip = make_clip()
    library.add(clip)
    library.delete(clip.id)
    assert library.count() == 0
    assert library.trash() == [clip.id]
    with pytest.raises(NotFound):
        library.get(clip.id)
    library.restore(clip.id)
    assert np.array_equal(library.get(clip.id).audio, clip.audio)
    library.delete(clip.id)
    assert library.empty_trash() == 1
    with pytest.raises(NotFound, match="trash"):
        library.restore(clip.id)


def test_prefixes_name_a_clip_when_they_are_unique(library: Library) -> None:
    first, second = make_clip(1), make_clip(2)
    library.add(first)
    library.add(second)
    assert library.resolve(first.id[:8].upper()) == first.id
    for bad in ("abc", "zzzz", "../../etc/passwd", "00000"):
        with pytest.raises(NotFound):
            library.resolve(bad)


@pytest.mark.parametrize("bad", ["", "../x", "A" * 32, "0" * 31, "0" * 33])
def test_an_id_that_is_not_one_is_not_found(library: Library, bad: str) -> None:
    for method in (library.get, library.delete, library.restore, library.record, library.path):
        with pytest.raises(NotFound):
            method(bad)


def test_names_and_tags_have_limits(library: Library) -> None:
    clip = make_clip()
    library.add(clip)
    with pytest.raises(BadRange):
        library.name(clip.id, "x" * 201)
    with pytest.raises(BadRange):
        library.tag(clip.id, "")


@pytest.mark.parametrize("form", ["wav", "flac"])
@pytest.mark.parametrize("rate", [None, 48_000, 22_050])
def test_export_carries_the_record(
    library: Library, tmp_path: Path, form: str, rate: int | None
) -> None:
    clip = make_clip(3, frames=4_410)
    library.add(clip)
    path = library.export(clip.id, tmp_path / f"out.{form}", sample_rate=rate)
    with soundfile.SoundFile(path) as file:
        assert file.subtype == "PCM_24"
        assert file.samplerate == (rate or 44_100)
        assert record_from_json(file.comment).seed == clip.seed
        audio = file.read(dtype="float32", always_2d=True).T
    if rate is None:
        assert np.array_equal(audio, clip.audio)
    else:
        assert audio.shape[1] == round(4_410 * rate / 44_100)
    with pytest.raises(BadRange, match="mp3"):
        library.export(clip.id, tmp_path / "out.mp3")
    with pytest.raises(StorageError, match="disk space"):
        library.export(clip.id, tmp_path / "no" / "folder.wav")


def test_the_longest_record_fits_into_a_wav() -> None:
    clip = make_clip(prompt="ü" * 500)
    line = record_json(record_of(clip), max_bytes=2_000)
    assert len(line.encode()) <= 2_000
    assert '"seed":' in line


def test_a_newer_library_is_refused_and_left_alone(tmp_path: Path) -> None:
    Library(tmp_path).close()
    database = sqlite3.connect(tmp_path / "library.sqlite3")
    database.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(StorageError, match="update Driftwave"):
        Library(tmp_path)
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before


@pytest.mark.parametrize("how", ["text", "overwritten", "removed", "empty"])
def test_a_lost_database_is_made_again_from_the_files(tmp_path: Path, how: str) -> None:
    with Library(tmp_path) as library:
        clips = [make_clip(seed) for seed in range(5)]
        for clip in clips:
            library.add(clip)
        library.delete(clips[4].id)
    path = tmp_path / "library.sqlite3"
    for extra in tmp_path.glob("library.sqlite3-*"):
        extra.unlink()
    if how == "text":
        path.write_text("this is not a database" * 100)
    elif how == "overwritten":
        data = bytearray(path.read_bytes())
        data[100:4_000] = bytes(3_900)
        path.write_bytes(data)
    elif how == "empty":
        path.write_bytes(b"")
    else:
        path.unlink()
    with Library(tmp_path) as library:
        assert library.recovery.rebuilt
        assert library.count() == 4
        assert np.array_equal(library.get(clips[0].id).audio, clips[0].audio)
        library.restore(clips[4].id)
        assert library.count() == 5


def test_damaged_files_are_reported_and_set_aside(tmp_path: Path) -> None:
    with Library(tmp_path) as library:
        clip, other = make_clip(1), make_clip(2)
        library.add(clip)
        library.add(other)
        path = library.path(clip.id)
        path.write_bytes(path.read_bytes()[:300])
        with pytest.raises(StorageError, match="cannot be read"):
            library.get(clip.id)
        library.path(other.id).unlink()
        with pytest.raises(StorageError, match="gone"):
            library.get(other.id)
    (tmp_path / "incoming" / f"{'a' * 32}.flac").write_bytes(b"fLaC but not really")
    (tmp_path / "incoming" / f"{'b' * 32}.999999999.tmp").write_bytes(b"half a file")
    with Library(tmp_path) as library:
        assert library.recovery.damaged == 1
        assert library.recovery.temporaries == 1
        assert (tmp_path / "damaged" / f"{'a' * 32}.flac").exists()
    with Library(tmp_path) as library:
        assert not library.recovery


@pytest.mark.parametrize("stage", ["file", "row", "delete", "restore"])
def test_every_interrupted_stage_is_completed_at_the_next_opening(
    tmp_path: Path, stage: str
) -> None:
    clip = make_clip(9)
    with Library(tmp_path) as library:
        library.add(clip)
        incoming = tmp_path / "incoming" / f"{clip.id}.flac"
        if stage in ("file", "row"):
            library.path(clip.id).rename(incoming)
        if stage == "file":
            write(library, "DELETE FROM clips")
        if stage == "delete":
            write(library, "UPDATE clips SET deleted = 1")
        if stage == "restore":
            library.delete(clip.id)
            write(library, "UPDATE clips SET deleted = NULL")
    with Library(tmp_path) as library:
        if stage == "delete":
            assert library.count() == 0
            library.restore(clip.id)
        assert np.array_equal(library.get(clip.id).audio, clip.audio)
        assert "clips" in library.path(clip.id).parts


def test_two_processes_and_many_threads_share_a_library(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom engine.library import Library\n"
        "from tests.support.clips import make_clip\n"
        "with Library(Path(sys.argv[1])) as library:\n"
        "    for seed in range(1000, 1040):\n        library.add(make_clip(seed))\n"
    )
    with Library(tmp_path) as library:
        other = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)])
        threads = [
            threading.Thread(
                target=lambda k=k: [library.add(make_clip(k * 100 + n)) for n in range(10)]
            )
            for k in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert other.wait(120) == 0
        assert library.count() == 80
        assert len(list((tmp_path / "clips").glob("*/*.flac"))) == 80


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="disk space or choose"):
        Library(tmp_path / "file" / "library")


def test_a_row_of_a_newer_driftwave_is_passed_over(
    library: Library, caplog: pytest.LogCaptureFixture
) -> None:
    known, unknown = make_clip(1), make_clip(2)
    library.add(known)
    library.add(unknown)
    write(library, "UPDATE clips SET record = ? WHERE id = ?", ('{"driftwave":99}', unknown.id))
    assert [record.id for record in library.search()] == [known.id]
    assert "update Driftwave" in caplog.text
    with pytest.raises(NotFound):
        library.get(unknown.id)
