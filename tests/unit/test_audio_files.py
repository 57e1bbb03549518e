"""Audio files: exact writing, and hostile files are refused or cleaned, never worse."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.audio_files import PEAK_LIMIT, decode, encode, read_audio, resample
from engine.errors import AudioFileError, BadRange

RATE = 44_100


def noise(channels: int = 2, frames: int = 3_000) -> np.ndarray:
    wave = np.random.default_rng(1).integers(-(2**23), 2**23, (channels, frames))
    return (wave / 2**23).astype(np.float32)


@pytest.mark.parametrize("form", ["wav", "flac"])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("frames", [1, 7, 44_100])
def test_24_bits_are_kept_exactly(form: str, channels: int, frames: int) -> None:
    audio = noise(channels, frames)
    data = encode(audio, RATE, form=form, record='{"seed":1}')
    assert data == encode(audio, RATE, form=form, record='{"seed":1}')
    back, rate, comment = decode(data)
    assert np.array_equal(back, audio)
    assert (rate, comment) == (RATE, '{"seed":1}')


def test_full_scale_is_clamped_not_wrapped() -> None:
    audio = np.array([[1.0, -1.0, 2.0, -2.0]], np.float32)
    back, _, _ = decode(encode(audio, RATE, form="flac"))
    assert back.tolist() == [[1 - 2**-23, -1.0, 1 - 2**-23, -1.0]]


def test_resampling_keeps_the_length_in_seconds() -> None:
    audio = noise(2, RATE)
    assert resample(audio, RATE, RATE) is audio
    assert resample(audio, RATE, 48_000).shape == (2, 48_000)
    for bad in (0, -1, 1_000_000):
        with pytest.raises(BadRange):
            resample(audio, RATE, bad)


def hostile(folder: Path) -> dict[str, Path]:
    audio = noise()
    files = {
        "text": b"this is not a sound\n" * 20,
        "empty": b"",
        "header": encode(audio, RATE, form="wav")[:20],
        "no_frames": encode(audio[:, :0], RATE, form="wav"),
        "zeros": bytes(5_000),
        "png": b"\x89PNG\r\n\x1a\n" + bytes(200),
    }
    paths = {}
    for name, data in files.items():
        paths[name] = folder / f"{name}.wav"
        paths[name].write_bytes(data)
    paths["missing"] = folder / "missing.wav"
    paths["folder"] = folder
    paths["rate"] = folder / "rate.wav"
    soundfile.write(paths["rate"], audio.T, 1_000)
    paths["channels"] = folder / "channels.wav"
    soundfile.write(paths["channels"], np.zeros((10, 40)), RATE)
    paths["long"] = folder / "long.wav"
    soundfile.write(paths["long"], np.zeros(RATE * 3), RATE)
    return paths


@pytest.mark.parametrize(
    "name",
    [
        "text",
        "empty",
        "header",
        "no_frames",
        "zeros",
        "png",
        "missing",
        "folder",
        "rate",
        "channels",
        "long",
    ],
)
def test_what_is_no_sound_is_refused_with_its_name(tmp_path: Path, name: str) -> None:
    path = hostile(tmp_path)[name]
    with pytest.raises(AudioFileError, match=str(path)):
        read_audio(path, max_seconds=2.0)


def test_numbers_that_are_none_become_silence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    audio = noise(1, 100)
    audio[0, :3] = np.nan, np.inf, -np.inf
    audio[0, 3] = 1e30
    soundfile.write(tmp_path / "nan.wav", audio.T, RATE, subtype="FLOAT")
    back, _ = read_audio(tmp_path / "nan.wav")
    assert back[0, :4].tolist() == [0.0, 0.0, 0.0, PEAK_LIMIT]
    assert "3 samples are not numbers" in caplog.text


def test_a_truncated_file_gives_what_it_has_or_an_error(tmp_path: Path) -> None:
    audio = noise(2, 20_000)
    for form in ("wav", "flac"):
        data = encode(audio, RATE, form=form)
        path = tmp_path / f"cut.{form}"
        path.write_bytes(data[: len(data) // 2])
        try:
            back, _ = read_audio(path)
        except AudioFileError:
            continue
        assert np.array_equal(back, audio[:, : back.shape[1]])


def test_a_header_that_promises_terabytes_allocates_nothing(tmp_path: Path) -> None:
    data = bytearray(encode(noise(1, 100), RATE, form="wav"))
    size = data.index(b"data") + 4
    data[size : size + 4] = b"\xff\xff\xff\x7f"
    data[4:8] = b"\xff\xff\xff\x7f"
    path = tmp_path / "huge.wav"
    path.write_bytes(data)
    back, _ = read_audio(path)
    assert back.shape[1] <= 110


def test_fuzzed_files_give_finite_sound_or_a_clear_error(tmp_path: Path) -> None:
    """600 files with flipped, cut and inserted bytes, in three formats."""
    chance = random.Random(4)
    audio = noise(2, 500)
    seeds = [encode(audio, RATE, form="wav"), encode(audio, RATE, form="flac")]
    soundfile.write(tmp_path / "seed.wav", audio.T, RATE, subtype="FLOAT")
    seeds.append((tmp_path / "seed.wav").read_bytes())
    for number in range(600):
        data = bytearray(seeds[number % 3])
        for _ in range(chance.randint(1, 8)):
            place = chance.randrange(min(len(data), chance.choice([60, 10_000])))
            action = chance.randrange(3)
            if action == 0:
                data[place] = chance.randrange(256)
            elif action == 1:
                del data[place : place + chance.randint(1, 200)]
            else:
                data[place:place] = chance.randbytes(chance.randint(1, 50))
            if not data:
                data = bytearray(b"\x00")
        path = tmp_path / "fuzzed.wav"
        path.write_bytes(data)
        try:
            back, rate = read_audio(path)
        except AudioFileError:
            continue
        assert np.isfinite(back).all()
        assert back.ndim == 2
        assert back.shape[1] > 0
        assert rate >= 4_000
