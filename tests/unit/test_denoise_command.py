"""`denoise`: files of every kind go in and come out as long as they were, or one clear error."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine import denoise
from engine.denoising.files import FileOrder, denoise_file
from engine.denoising.voice import WIENER, find_denoiser
from engine.types import FloatArray

RATE = 44_100


def hissing(seconds: float = 1.0, channels: int = 1, rate: int = RATE) -> FloatArray:
    """(T, C): hiss alone for a third of the time, then a tone in it."""
    rng = np.random.Generator(np.random.Philox(key=[3, 3]))
    time = np.arange(int(seconds * rate)) / rate
    tone = 0.3 * np.sin(2 * np.pi * 440.0 * time) * (time > seconds / 3)
    return (tone[:, None] + 0.02 * rng.standard_normal((time.size, channels))).astype(np.float32)


def written(path: Path, sound: FloatArray, rate: int = RATE, subtype: str = "PCM_24") -> Path:
    soundfile.write(path, sound, rate, subtype=subtype)
    return path


def run(*arguments: object) -> int:
    return denoise.main([*map(str, arguments), "--voice", WIENER])


@pytest.mark.parametrize(
    ("channels", "rate", "subtype", "name"),
    [
        (1, 44_100, "PCM_16", "out.wav"),
        (2, 48_000, "PCM_24", "out.flac"),
        (6, 96_000, "FLOAT", "out.wav"),
        (1, 16_000, "PCM_24", "out.aiff"),
        (2, 22_050, "PCM_16", "out.ogg"),
    ],
)
def test_a_file_keeps_its_length_rate_and_channels(
    channels: int, rate: int, subtype: str, name: str, tmp_path: Path
) -> None:
    source = written(tmp_path / "in.wav", hissing(1.0, channels, rate), rate, subtype)
    assert run(source, tmp_path / name) == 0
    before, after = soundfile.info(source), soundfile.info(tmp_path / name)
    assert (after.frames, after.samplerate, after.channels) == (before.frames, rate, channels)
    assert after.subtype == ("VORBIS" if name == "out.ogg" else subtype)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []


def test_learned_noise_goes_by_the_amount_and_delta_is_the_rest(tmp_path: Path) -> None:
    source = written(tmp_path / "in.wav", hissing(3.0))
    for flags, name in (((), "out.wav"), (("--delta",), "delta.wav")):
        assert run(source, tmp_path / name, "--learn", "0:1", "--amount", 12, *flags) == 0
    parts = [
        soundfile.read(tmp_path / name, dtype="int32")[0].astype(np.int64) >> 8
        for name in ("in.wav", "out.wav", "delta.wav")
    ]
    assert np.array_equal(parts[1] + parts[2], parts[0])
    gap = slice(10_000, 30_000)
    fall = 20 * np.log10(parts[1][gap].std() / parts[0][gap].std())
    assert fall == pytest.approx(-12.0, abs=1.5)


def test_best_hears_the_whole_file_first(tmp_path: Path) -> None:
    source = written(tmp_path / "in.wav", hissing(2.0, 2))
    sounds = {}
    for quality in ("live", "best"):
        target = tmp_path / f"{quality}.wav"
        assert run(source, target, "--quality", quality) == 0
        sounds[quality] = soundfile.read(target)[0]
    assert sounds["best"].shape == sounds["live"].shape == (2 * RATE, 2)
    assert not np.array_equal(sounds["best"], sounds["live"])


def test_json_says_what_was_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = written(tmp_path / "in.wav", hissing())
    assert run(source, tmp_path / "out.wav", "--json", "--learn", "0:0.3") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["denoiser"] == WIENER
    assert said["learned"] == [0.0, 0.3]
    assert (said["sample_rate"], said["channels"], said["seconds"]) == (RATE, 1, 1.0)
    assert said["reduction_db"] >= 0.0


@pytest.mark.parametrize("frames", [1, 2, 511, 2048])
def test_the_shortest_files_come_out_whole(frames: int, tmp_path: Path) -> None:
    source = written(tmp_path / "in.wav", hissing()[:frames])
    assert run(source, tmp_path / "out.wav", "--quality", "best") == 0
    assert soundfile.info(tmp_path / "out.wav").frames == frames


def test_samples_that_are_not_numbers_are_played_as_silence(tmp_path: Path) -> None:
    sound = hissing()
    sound[5000:5100] = np.nan
    sound[6000] = np.inf
    source = written(tmp_path / "in.wav", sound, subtype="FLOAT")
    assert run(source, tmp_path / "out.wav") == 0
    assert np.isfinite(soundfile.read(tmp_path / "out.wav")[0]).all()


def test_silence_stays_silence(tmp_path: Path) -> None:
    source = written(tmp_path / "in.wav", np.zeros((20_000, 2), np.float32))
    assert run(source, tmp_path / "out.wav", "--quality", "best") == 0
    assert not soundfile.read(tmp_path / "out.wav")[0].any()


def test_a_truncated_file_is_denoised_as_far_as_it_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = written(tmp_path / "in.flac", hissing(4.0))
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    assert run(source, tmp_path / "out.wav", "--quality", "best") == 0
    assert "ends after" in capsys.readouterr().err
    assert RATE < soundfile.info(tmp_path / "out.wav").frames < 3 * RATE


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("none.wav", "out.wav"), "no such file"),
        (("in.wav", "out.xyz"), "ends in .wav"),
        (("in.wav", "in.wav"), "the file that is read"),
        (("text.wav", "out.wav"), "cannot be read as audio"),
        (("empty.wav", "out.wav"), "holds no audio frames"),
        (("in.wav", "nowhere/out.wav"), "cannot be written"),
        (("in.wav", "out.wav", "--amount", "200"), "amount is 200 dB"),
        (("in.wav", "out.wav", "--amount", "nan"), "amount is nan dB"),
        (("in.wav", "out.wav", "--learn", "5:6"), "learn 5:6 s"),
        (("in.wav", "out.wav", "--learn", "0.5:0.2"), "learn 0.5:0.2 s"),
        (("in.wav", "out.wav", "--learn", "beginning"), "expected START:END"),
        (("in.wav", "out.wav", "--learn", "0:inf"), "expected START:END"),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_nothing_behind(
    arguments: tuple[str, ...],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    written(Path("in.wav"), hissing())
    written(Path("empty.wav"), hissing()[:0])
    Path("text.wav").write_text("no sound at all")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert run(*arguments) == (1 if "written" in says else 2)
    assert says in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_long_file_is_read_in_blocks_and_its_progress_told(tmp_path: Path) -> None:
    source = written(tmp_path / "in.wav", hissing(6.0))
    shares: list[float] = []
    order = FileOrder(source, tmp_path / "out.wav", 20.0, quality="best")
    done = denoise_file(order, find_denoiser(WIENER), shares.append)
    assert done.frames == 6 * RATE
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) > 10
