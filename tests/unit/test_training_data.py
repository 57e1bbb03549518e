"""Data preparation: any folder becomes tidy one-shots; copies go, takes stay on one side."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePath

import numpy as np
import pytest

torch = pytest.importorskip("torch")
soundfile = pytest.importorskip("soundfile")

from engine import train  # noqa: E402
from engine.errors import DataError  # noqa: E402
from engine.training.audio_shard import read_shard, transpose  # noqa: E402
from engine.training.categories import CATEGORIES, category_of  # noqa: E402
from engine.training.neighbours import copies_and_groups, fingerprint  # noqa: E402
from engine.training.oneshots import OneShot, from_folder, from_synthesis, tidy  # noqa: E402
from engine.training.prepare import split, write_shard  # noqa: E402
from engine.training.soundfonts import GM_DRUMS, _midi_file, drum_presets  # noqa: E402
from engine.training.synthesis import RECIPES, synthesise  # noqa: E402
from engine.training.variants import variant  # noqa: E402

RATE = 44_100


def burst(seconds: float = 0.3, seed: int = 0, rate: int = RATE) -> np.ndarray:
    t = np.arange(int(seconds * rate)) / rate
    noise = np.random.default_rng(seed).standard_normal(t.size)
    return (0.4 * noise * np.exp(-t * 12)).astype(np.float32)


def test_missing_and_empty_folders_are_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder"):
        list(from_folder(tmp_path / "none", []))
    (tmp_path / "readme.txt").write_text("nothing to hear")
    with pytest.raises(DataError, match=r"no audio files in .*expected files ending in"):
        list(from_folder(tmp_path, []))


def test_unusable_files_are_skipped_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "broken.wav").write_bytes(b"RIFF....WAVEnothing")
    soundfile.write(tmp_path / "silent.wav", np.zeros(4000), RATE)
    soundfile.write(tmp_path / "song.wav", np.zeros(61 * 8000), 8000)
    soundfile.write(tmp_path / "kick.wav", burst(), RATE)
    skipped: list[str] = []
    shots = list(from_folder(tmp_path, skipped))
    assert [s.name for s in shots] == ["kick.wav"]
    assert len(skipped) == 3
    assert any("broken.wav: unreadable" in line for line in skipped)
    assert any("silent.wav: silent" in line for line in skipped)
    assert any("song.wav: 61 s long" in line for line in skipped)


def test_command_says_why_a_folder_gives_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    soundfile.write(tmp_path / "in" / "silent.wav", np.zeros(4000), RATE)
    out = str(tmp_path / "out")
    assert train.main(["codec", "--data", str(tmp_path / "in"), "--out", out]) == 2
    message = capsys.readouterr().err
    assert "no usable sound" in message
    assert "silent.wav: silent" in message


def test_a_folder_of_any_rate_and_channels_becomes_a_shard(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    for name, rate, channels in [
        ("Kicks/a", 48_000, 2),
        ("Snares/b", 22_050, 1),
        ("c hat", RATE, 1),
    ]:
        path = folder / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.tile(burst(rate=rate, seed=rate)[:, None], channels), rate)
    command = ["codec", "--data", str(folder), "--out", str(tmp_path / "out"), "--prepare-only"]
    assert train.main(command) == 0
    table = read_shard(tmp_path / "out" / "sounds.npz")
    names = {
        str(n): CATEGORIES[int(c)] for n, c in zip(table["name"], table["category"], strict=True)
    }
    assert names == {"Kicks/a.wav": "kick", "Snares/b.wav": "snare", "c hat.wav": "closed_hat"}
    seconds = table["length"] / RATE
    assert (abs(seconds - 0.3) < 0.02).all()
    # a second call finds the shard current
    before = (tmp_path / "out" / "sounds.npz").stat().st_mtime_ns
    assert train.main(command) == 0
    assert (tmp_path / "out" / "sounds.npz").stat().st_mtime_ns == before


def test_tidy_trims_fades_and_scales() -> None:
    sound = np.concatenate([np.zeros(5000, np.float32), burst(0.5), np.zeros(20_000, np.float32)])
    out = tidy(sound)
    assert out is not None
    assert np.abs(out).max() == pytest.approx(0.95, abs=1e-3)
    assert np.abs(out[:200]).max() > 0.1
    assert abs(out[-1]) < 1e-3
    assert out.size < 0.6 * RATE
    assert tidy(np.zeros(1000, np.float32)) is None
    assert tidy(np.zeros(0, np.float32)) is None
    assert tidy(np.full(30, np.nan, np.float32)) is None


@pytest.mark.parametrize(
    ("path", "category"),
    [
        ("Drums/Kicks/001.wav", "kick"), ("808/BD_long.wav", "kick"), ("x/SideStick.wav", "rim"),
        ("x/OHH1.wav", "open_hat"), ("x/HiHat Closed.wav", "closed_hat"),
        ("x/open hat 3.wav", "open_hat"),
        ("pack/whatever.wav", "other"), ("snare/kick_layer.wav", "snare"),
        ("bass drum/x.wav", "kick"), ("textures/pad.wav", "texture"),
    ],
)  # fmt: skip
def test_names_say_categories(path: str, category: str) -> None:
    assert CATEGORIES[category_of(PurePath(path))] == category


def test_copies_go_and_takes_are_grouped() -> None:
    one, other = burst(seed=1), burst(0.1, seed=2) * np.linspace(1, 0, 4410).astype(np.float32)
    sounds = [one, 0.3 * one, other, burst(0.8, seed=3)]
    prints = np.stack([fingerprint(s, RATE) for s in sounds])
    keep, groups = copies_and_groups(prints, np.zeros(4, np.int64), ["a", "b", "c", "a"])
    assert keep.tolist() == [True, False, True, True]
    assert groups[0] == groups[1] == groups[3] != groups[2]


def test_split_takes_whole_groups_of_every_category() -> None:
    rng = np.random.default_rng(0)
    categories = np.repeat([0, 1, 2], 100)
    groups = categories * 1000 + rng.integers(0, 30, 300)
    keys = [f"k{g}" for g in groups]
    held = split(categories, groups, keys)
    assert not set(groups[held]) & set(groups[~held])
    for category in range(3):
        share = held[categories == category].mean()
        assert 0.05 <= share <= 0.2
    assert (held == split(categories, groups, keys)).all()
    assert not split(np.zeros(3, np.int64), np.arange(3), ["a", "b", "c"]).any()


def test_synthesis_is_repeatable_finite_and_labelled() -> None:
    first, second = list(synthesise(0.01)), list(synthesise(0.01))
    assert {category for category, _ in first} == set(RECIPES) <= set(CATEGORIES)
    for (_, a), (_, b) in zip(first, second, strict=True):
        assert np.array_equal(a, b)
        assert np.isfinite(a).all()
        assert np.abs(a).max() == pytest.approx(0.95, abs=1e-3)


def test_shard_holds_what_went_in(tmp_path: Path) -> None:
    shots = list(from_synthesis(0.02))
    summary = write_shard(shots, tmp_path / "s.npz")
    table = read_shard(tmp_path / "s.npz")
    assert summary.sounds + summary.copies == len(shots)
    assert len(table["name"]) == summary.sounds
    assert table["held_out"].sum() == summary.held_out
    row = {str(name): i for i, name in enumerate(table["name"])}[shots[0].name]
    begin = table["start"][row]
    audio = table["audio"][begin : begin + table["length"][row]] / 32767.0
    np.testing.assert_allclose(audio, shots[0].audio, atol=2e-5)
    assert not set(table["group"][table["held_out"]]) & set(table["group"][~table["held_out"]])


def test_nothing_usable_is_an_error(tmp_path: Path) -> None:
    empty: list[OneShot] = []
    with pytest.raises(DataError, match="no usable sound"):
        write_shard(empty, tmp_path / "s.npz")


def test_transposing_changes_pitch_and_length() -> None:
    t = np.arange(RATE // 2) / RATE
    tone = np.sin(2 * np.pi * 300 * t).astype(np.float32)
    up = transpose(tone, 12)
    assert abs(up.size - tone.size / 2) < 3
    spectrum = np.abs(np.fft.rfft(up * np.hanning(up.size)))
    assert np.argmax(spectrum) * RATE / up.size == pytest.approx(600, abs=5)


def test_variants_are_repeatable_and_bounded() -> None:
    sound = burst()
    made = [variant(sound, np.random.default_rng(5), RATE) for _ in range(2)]
    assert np.array_equal(*made)
    for seed in range(20):
        out = variant(sound, np.random.default_rng(seed), RATE)
        assert np.isfinite(out).all()
        assert np.abs(out).max() == pytest.approx(0.95, abs=1e-3)
        assert 500 < out.size < 2 * sound.size


def test_midi_file_and_drum_map() -> None:
    data = _midi_file(25, [(36, 100), (38, 100)])
    assert data[:4] == b"MThd"
    assert data.endswith(b"\xff\x2f\x00")
    assert set(GM_DRUMS.values()) <= set(CATEGORIES)


def test_something_else_is_no_soundfont(tmp_path: Path) -> None:
    path = tmp_path / "kit.sf2"
    path.write_bytes(b"RIFFxxxxWAVE")
    with pytest.raises(DataError, match="not an SF2 or SF3 soundfont"):
        drum_presets(path)


@pytest.mark.skipif(shutil.which("fluidsynth") is None, reason="fluidsynth is not installed")
def test_fluidsynth_renders_a_kit() -> None:
    from engine.training.soundfonts import _render

    font = Path("/usr/share/sounds/sf3/MuseScore_General.sf3")
    if not font.exists():
        pytest.skip("musescore-general-soundfont-small is not installed")
    audio = _render(font, 25, [(36, 110), (38, 110)])
    half = int(2.5 * RATE)
    assert np.abs(audio[:half]).max() > 0.01
    assert np.abs(audio[half : 2 * half]).max() > 0.01
