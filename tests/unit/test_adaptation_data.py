"""What an adaptation makes of a folder: words of names, held-out sounds, few, many and none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
soundfile = pytest.importorskip("soundfile")

from engine.adaptation.folder import FEW_SOUNDS, Folder, held_out, mixed, read_folder  # noqa: E402
from engine.adaptation.prepare import slightly_changed  # noqa: E402
from engine.adaptation.tags import tagged  # noqa: E402
from engine.errors import DataError  # noqa: E402
from engine.training.categories import CATEGORIES  # noqa: E402

RATE = 44_100


def quiet(_done: int, _of: int) -> None:
    pass


def burst(hertz: float, seed: int) -> np.ndarray:
    t = np.arange(int(0.12 * RATE)) / RATE
    noise = np.random.default_rng(seed).standard_normal(t.size)
    tone = np.sin(2 * np.pi * hertz * t) + 0.3 * noise
    return (0.3 * tone * np.exp(-t * 30)).astype(np.float32)


def write_folder(folder: Path, count: int) -> Path:
    folder.mkdir()
    for k in range(count):
        name = f"{('wood', 'metal')[k % 2]}_{'abcdefghijklmnopqrstuvwxyz'[k // 2 % 26]}x_{k}.wav"
        soundfile.write(folder / name, burst(120.0 * 1.2 ** (k % 20), k), RATE)
    return folder


def read(folder: Path, seconds: float = 60.0, most: int = 3000) -> Folder:
    return read_folder(folder, seconds, quiet, most)


# ---- names --------------------------------------------------------------------------------


def test_words_that_some_sounds_share_become_words_of_the_voice() -> None:
    names = [f"Kitchen Pots/pot_{kind}_vl1_rr{k}.wav" for kind in ("lid", "rim") for k in range(4)]
    tags = tagged(names, "my-pots", CATEGORIES)
    new = tags.categories[len(CATEGORIES) :]
    assert new[0] == "my_pots"
    assert "lid" in new
    assert "kitchen" not in new  # every sound has it: it tells nothing apart
    lid, rim = tags.rows[0], tags.rows[4]
    assert lid[0] == rim[0] == tags.style
    assert tags.categories.index("lid") in lid
    assert CATEGORIES.index("rim") in rim  # a word that the base voice knows stays what it is


def test_words_for_qualities_and_takes_are_no_tags() -> None:
    names = [f"dark_take{k}_{word}.wav" for word in ("spoon", "fork") for k in range(5)]
    new = tagged(names, "x", CATEGORIES).categories[len(CATEGORIES) :]
    assert set(new) == {"x", "spoon", "fork"}


def test_a_voice_named_like_a_category_is_that_category() -> None:
    tags = tagged(["a.wav", "b.wav"], "body", CATEGORIES)
    assert tags.categories == CATEGORIES
    assert tags.rows == ((CATEGORIES.index("body"),),) * 2


def test_a_word_in_few_names_is_none() -> None:
    names = [f"zeppelin{k}.wav" for k in range(2)] + [f"{c}q.wav" for c in "abcdefgh"]
    assert tagged(names, "v", CATEGORIES).categories[len(CATEGORIES) :] == ("v",)


# ---- folders ------------------------------------------------------------------------------


def test_takes_of_a_held_out_sound_are_held_out(tmp_path: Path) -> None:
    groups = np.repeat(np.arange(10), 4)
    names = [f"s{g}_rr{k}.wav" for k, g in enumerate(groups)]
    held = held_out(names, groups)
    assert 6 <= held.sum() <= 10
    for group in range(10):
        assert len(set(held[groups == group].tolist())) == 1


def test_one_group_alone_is_split_by_sound() -> None:
    held = held_out([f"hit_{k}.wav" for k in range(20)], np.zeros(20, np.int64))
    assert held.sum() == 4


def test_few_sounds_are_all_trained_on(tmp_path: Path) -> None:
    folder = read(write_folder(tmp_path / "few", FEW_SOUNDS - 1))
    assert len(folder.sounds) == FEW_SOUNDS - 1
    assert not folder.held.any()


def test_text_files_are_no_sounds(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no sound")
    with pytest.raises(DataError, match=r"no audio files in .*expected files ending in"):
        read(tmp_path)
    (tmp_path / "fake.wav").write_text("no sound either")
    with pytest.raises(DataError, match=r"no usable sound in .*fake.wav: unreadable"):
        read(tmp_path)


def test_a_large_folder_is_sampled_within_its_time(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "large", 60)
    some = read(folder, seconds=0.0)
    assert some.files == 60
    assert len(some.sounds) + some.copies == FEW_SOUNDS
    assert {name.split("_")[0] for name in some.names} == {"wood", "metal"}
    assert len(read(folder, most=20).sounds) <= 20


def test_the_order_is_the_same_every_time_and_mixes_folders() -> None:
    names = [f"{folder}/{k}.wav" for folder in "ab" for k in range(200)]
    order = mixed(names)
    assert order == mixed(list(reversed(names)))
    assert 60 < sum(name.startswith("a") for name in order[:200]) < 140


def test_equal_files_are_used_once(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "twice", 4)
    for path in list(folder.iterdir()):
        (folder / f"again_{path.name}").write_bytes(path.read_bytes())
    found = read(folder)
    assert found.files == 8
    assert len(found.sounds) == 4
    assert found.copies == 4


def test_versions_stay_near_their_sound() -> None:
    sound = burst(300.0, 1)
    for seed in range(20):
        made = slightly_changed(sound, np.random.default_rng(seed))
        assert 0.5 * sound.size < made.size < 1.1 * sound.size
        assert np.abs(made).max() == pytest.approx(0.95, abs=1e-3)
