"""`clips` with files: export in every form, import, the record read back, batch, refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine import cli
from engine.library import Library
from engine.library.file_names import write_new
from engine.library.importing import file_record
from tests.support.clips import make_clip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A library of a kick, a snare with a long record, and a tagged hat."""
    monkeypatch.setenv("DRIFTWAVE_CONFIG_DIR", str(tmp_path / "config"))
    folder = tmp_path / "library"
    with Library(folder) as library:
        for seed, prompt in enumerate(["kick", "ü" * 500, "closed hat"]):
            library.add(make_clip(seed, prompt=prompt, frames=4_410, channels=1 + seed % 2))
        library.tag(make_clip(2).id, "bright")
        library.name(make_clip(2).id, 'Tick / "Tock"')
    return folder


def run(folder: Path, *argv: str) -> int:
    return cli.main(["clips", *argv, "--library", str(folder)])


@pytest.mark.parametrize(
    ("form", "depth", "subtype"),
    [
        ("wav", "16", "PCM_16"), ("wav", "24", "PCM_24"), ("wav", "32f", "FLOAT"),
        ("aiff", "16", "PCM_16"), ("aiff", "24", "PCM_24"), ("aiff", "32f", "FLOAT"),
        ("flac", "16", "PCM_16"), ("flac", "24", "PCM_24"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("rate", [None, 8_000, 48_000, 61_700])
def test_every_form_depth_and_rate_carries_the_whole_record(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    form: str, depth: str, subtype: str, rate: int | None,
) -> None:  # fmt: skip
    clip = make_clip(1, prompt="ü" * 500, frames=4_410, channels=2)
    flags = ["--format", form, "--depth", depth, "--out", str(tmp_path / "out")]
    flags += ["--rate", str(rate)] if rate else []
    assert run(folder, "export", clip.id[:8], *flags, "--json") == 0
    (path,) = map(Path, json.loads(capsys.readouterr().out))
    with soundfile.SoundFile(path) as file:
        assert (file.subtype, file.samplerate) == (subtype, rate or 44_100)
        audio = file.read(dtype="float32", always_2d=True).T
    assert audio.shape[1] == round(4_410 * (rate or 44_100) / 44_100)
    if rate is None and depth != "16":
        assert np.array_equal(audio, clip.audio)
    elif rate is None:
        error = np.abs(audio - clip.audio)
        assert error.max() <= 1.5 / 2**15 + 1e-6, "dither of at most one step and the rounding"
        assert 0.4 < np.std(error) * 2**15 < 0.6 or error.mean() > 0
    record = file_record(path)
    assert record is not None
    assert (record.id, record.seed, record.prompt) == (clip.id, clip.seed, clip.prompt)
    assert record.words_unknown == clip.words_unknown
    before = path.read_bytes()
    assert run(folder, "export", clip.id, *flags) == 0
    assert path.read_bytes() == before, "equal sounds give equal files"
    assert len(list(path.parent.iterdir())) == 1, "the same file is not written twice"
    capsys.readouterr()
    assert run(folder, "show", str(path), "--json") == 0
    assert json.loads(capsys.readouterr().out)["voice_hash"] == clip.voice_hash


def test_a_search_is_exported_and_nothing_is_overwritten(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(folder, "export", "--all", "--out", str(out)) == 0
    names = sorted(path.name for path in out.iterdir())
    assert names == sorted(f"{stem}_{make_clip(seed).id[:8]}.wav" for seed, stem in
                           enumerate(["kick", "ü" * 60, "tick-tock"]))  # fmt: skip
    kick = out / f"kick_{make_clip(0).id[:8]}.wav"
    mine = b"something of my own"
    kick.write_bytes(mine)
    assert run(folder, "export", "--words", "kick", "--out", str(out)) == 0
    assert kick.read_bytes() == mine
    assert (out / f"{kick.stem}-2.wav").exists()
    assert run(folder, "export", "--tag", "bright", "--out", str(tmp_path / "tagged")) == 0
    assert len(list((tmp_path / "tagged").iterdir())) == 1
    assert not list(out.glob(".*")), "no temporary is left"


@pytest.mark.parametrize(
    ("argv", "status", "words"),
    [
        (["export", "--rate", "1", "--all"], 2, "expected 4000 to 768000"),
        (["export", "--rate", "768000", "--format", "flac", "--all"], 2, "at most 655350"),
        (["export", "--depth", "32f", "--format", "flac", "--all"], 2, "or the format wav"),
        (["export", "--depth", "20", "--all"], 2, "20"),
        (["export", "--all", "--out", "x.mp3"], 2, "one file for 3"),
        (["export", "--words", "kick", "--out", "x.mp3"], 2, "'.mp3'"),
        (["export", "--all", "--out", "/proc/nowhere"], 1, "disk space or choose"),
        (["export"], 2, "nothing to export"),
        (["export", "abcd1234", "--all"], 2, "both"),
        (["export", "abcd1234"], 2, "not in the library"),
        (["export", "--since", "yesterday"], 2, "2026-11-25"),
        (["import", "missing.wav"], 2, "no such file"),
        (["import", "/dev/null"], 2, "not a file"),
        (["import", "setup.py"], 2, "cannot be read as audio"),
        (["show", "missing.wav"], 2, "no such file"),
        (["undo", "--steps", "9"], 2, "nothing to undo"),
        (["redo"], 2, "nothing to redo"),
        (["lineage", "ffff"], 2, "not in the library"),
        (["list", "--sort", "loudest"], 2, "loudest"),
    ],
)
def test_what_is_wrong_is_said_with_a_remedy(
    folder: Path, capsys: pytest.CaptureFixture[str], argv: list[str], status: int, words: str
) -> None:
    assert run(folder, *argv) == status
    assert words in capsys.readouterr().err


def test_import_takes_any_rate_and_form_and_can_be_undone(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loud = np.sin(np.arange(9_600) * 0.05)[:, None] * [2.0, 1.0]
    files = []
    for name, rate, subtype in (
        ("a.wav", 96_000, "FLOAT"),
        ("b.ogg", 22_050, "VORBIS"),
        ("c.aiff", 48_000, "PCM_16"),
        ("d.flac", 8_000, "PCM_16"),
    ):
        files.append(tmp_path / name)
        scale = 1.0 if subtype == "FLOAT" else 0.4
        soundfile.write(files[-1], loud * scale, rate, subtype=subtype)
    (tmp_path / "e.wav").write_bytes(files[0].read_bytes()[:30])
    argv = [*map(str, files), str(tmp_path / "e.wav"), "--tag", "mine"]
    assert run(folder, "import", *argv) == 2, "one of five cannot be read"
    streams = capsys.readouterr()
    assert "1 of 5 files were not taken" in streams.err
    assert len(streams.out.splitlines()) == 4
    with Library(folder) as library:
        found = library.search(voice="import", tag="mine")
        assert [(record.name, record.sample_rate) for record in found[::-1]] == [
            ("a", 96_000), ("b", 22_050), ("c", 48_000), ("d", 8_000)
        ]  # fmt: skip
        first = library.get(found[-1].id)
        assert 0.999 < np.abs(first.audio).max() <= 1.0
        facts = first.conditions["import"]
        assert isinstance(facts, dict)
        assert (facts["file"], round(float(facts["gain"]), 3)) == ("a.wav", 0.5)
    for _ in range(8):
        assert run(folder, "undo") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "undone: import a.wav"
    assert run(folder, "redo") == 0
    with Library(folder) as library:
        (back,) = library.search(voice="import")
        assert np.array_equal(library.get(back.id).audio, first.audio)


def test_a_file_of_ours_comes_back_as_the_clip_it_was(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = make_clip(0, prompt="kick", frames=4_410)
    exact, coarse = tmp_path / "exact.wav", tmp_path / "coarse.wav"
    assert run(folder, "export", clip.id, "--out", str(exact)) == 0
    assert run(folder, "export", clip.id, "--out", str(coarse), "--depth", "16") == 0
    assert run(folder, "import", str(exact)) == 0
    assert "already in the library" in capsys.readouterr().err
    assert run(folder, "delete", clip.id) == 0
    assert run(folder, "import", str(exact)) == 0
    with Library(folder) as library:
        assert library.count() == 3, "it is back from the trash, once"
    assert run(folder, "import", str(coarse)) == 0
    other = tmp_path / "other"
    assert run(other, "import", str(exact)) == 0
    with Library(folder) as library, Library(other) as empty:
        (child,) = library.search(voice="import")
        assert (child.parents, child.prompt) == ((clip.id,), "kick")
        moved = empty.get(clip.id)
        assert (moved.seed, moved.conditions) == (clip.seed, library.get(clip.id).conditions)
        assert np.array_equal(moved.audio, clip.audio)
    capsys.readouterr()
    assert run(folder, "lineage", clip.id[:8]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "became",
        f"  {child.id[:8]}     0.10 s  coarse",
    ]
    assert run(folder, "lineage", child.id[:8], "--json") == 0
    tree = json.loads(capsys.readouterr().out)
    assert [parent["id"] for parent in tree["parents"]] == [clip.id]


def test_a_name_that_appears_meanwhile_is_not_taken(tmp_path: Path) -> None:
    taken = [write_new(tmp_path, "x", ".wav", bytes([n])) for n in range(3)]
    assert [path.name for path in taken] == ["x.wav", "x-2.wav", "x-3.wav"]
    assert write_new(tmp_path, "x", ".wav", bytes([1])) == taken[1]
    (tmp_path / "y.wav").symlink_to(tmp_path / "nowhere")
    assert write_new(tmp_path, "y", ".wav", b"y").name == "y-2.wav"
