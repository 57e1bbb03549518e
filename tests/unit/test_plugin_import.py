"""Files of the user on a pad: every format bit for bit, every refusal in words, off the caller."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge import _native

RATE_HZ = 22_050
GRID = 2**23


@pytest.fixture
def generator() -> Iterator[_native.Generator]:
    generator = _native.Generator(link=False)
    generator.prepare(44_100, 512)
    yield generator
    generator.close()


def sound(channels: int, bits: int, frames: int = 3_000) -> np.ndarray:
    """Noise `(channels, frames)` that a file of so many bits holds exactly."""
    steps = 2 ** (min(bits, 24) - 1)
    noise = np.random.default_rng(bits).uniform(-0.9, 0.9, (channels, frames))
    return (np.round(noise * steps) / steps).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    ("kind", "subtype", "bits", "endian"),
    [
        ("WAV", "PCM_U8", 8, "FILE"),
        ("WAV", "PCM_16", 16, "FILE"),
        ("WAV", "PCM_24", 24, "FILE"),
        ("WAV", "PCM_32", 24, "FILE"),
        ("WAV", "FLOAT", 24, "FILE"),
        ("WAVEX", "PCM_24", 24, "FILE"),
        ("FLAC", "PCM_16", 16, "FILE"),
        ("FLAC", "PCM_24", 24, "FILE"),
        ("AIFF", "PCM_S8", 8, "FILE"),
        ("AIFF", "PCM_16", 16, "FILE"),
        ("AIFF", "PCM_24", 24, "FILE"),
        ("AIFF", "PCM_32", 24, "FILE"),
        ("AIFF", "FLOAT", 24, "FILE"),
        ("AIFF", "PCM_16", 16, "LITTLE"),
        ("AIFF", "PCM_24", 24, "LITTLE"),
    ],
)
def test_a_file_comes_in_bit_for_bit_whatever_it_is_called(
    kind: str,
    subtype: str,
    bits: int,
    endian: str,
    channels: int,
    generator: _native.Generator,
    tmp_path: Path,
) -> None:
    path = tmp_path / "my sound.bin"
    wanted = sound(channels, bits)
    soundfile.write(path, wanted.T, RATE_HZ, subtype=subtype, format=kind, endian=endian)
    generator.import_file(3, str(path))
    np.testing.assert_array_equal(generator.clip_samples(3), wanted)
    info = generator.snapshot().pads[3]
    assert (info.clip.sample_rate, info.clip.imported, info.name) == (RATE_HZ, True, "my sound")


def wav(path: Path, frames: int, channels: int = 1, rate: int = RATE_HZ) -> Path:
    soundfile.write(path, np.zeros((frames, channels)), rate, subtype="PCM_16", format="WAV")
    return path


def test_what_cannot_be_used_is_said_in_words_and_the_pad_keeps_its_sound(
    generator: _native.Generator, tmp_path: Path
) -> None:
    kept = sound(1, 24)
    generator.set_clip(0, kept, RATE_HZ, "mine")
    state = generator.save_state()
    mp3 = tmp_path / "song.mp3"
    mp3.write_bytes(b"ID3\x04" + bytes(200))
    cut = tmp_path / "cut.flac"
    soundfile.write(cut, sound(1, 16).T, RATE_HZ, subtype="PCM_16", format="FLAC")
    cut.write_bytes(cut.read_bytes()[:900])
    empty = tmp_path / "empty.wav"
    empty.write_bytes(b"")
    odd = tmp_path / "odd.aiff"
    odd.write_bytes(b"FORM" + struct.pack(">I", 4) + b"AIFC")
    huge = tmp_path / "huge.wav"
    with huge.open("wb") as stream:
        stream.truncate((128 << 20) + 1)
    for path, words in [
        (mp3, "no WAV, AIFF or FLAC"),
        (cut, "cut.flac"),
        (empty, "no WAV, AIFF or FLAC"),
        (odd, "0 channels"),
        (huge, "more than 128 MB"),
        (tmp_path, "is a folder"),
        (tmp_path / "none.wav", "none.wav"),
        (wav(tmp_path / "long.wav", 61 * RATE_HZ), "61 s long, at most 60 s"),
        (wav(tmp_path / "silent.wav", 0), "no sound"),
        (wav(tmp_path / "surround.wav", 10, channels=6), "6 channels"),
        (Path("/dev/zero"), "is no file"),
    ]:
        with pytest.raises(ValueError, match=words):
            generator.import_file(0, str(path))
    assert generator.save_state() == state


def test_damaged_aiff_files_are_refused_or_read_but_never_more(
    generator: _native.Generator, tmp_path: Path
) -> None:
    path = tmp_path / "a.aiff"
    soundfile.write(path, sound(2, 24, 200).T, RATE_HZ, subtype="PCM_24", format="AIFF")
    good = path.read_bytes()
    random = np.random.default_rng(4)
    read = 0
    told: list[str] = []
    for _ in range(1_500):
        bad = bytearray(good)
        for _ in range(random.integers(1, 4)):
            bad[random.integers(4, 80)] = random.integers(256)
        path.write_bytes(bytes(bad[: random.integers(1, len(bad) + 1)]))
        try:
            generator.import_file(0, str(path))
        except ValueError as error:
            told.append(str(error))
        else:
            read += 1
            assert np.isfinite(generator.clip_samples(0)).all()
    assert read > 0
    assert all(told)


def test_an_import_does_not_keep_its_caller_waiting_and_can_be_undone(
    generator: _native.Generator, tmp_path: Path
) -> None:
    def settled() -> _native.Snapshot:
        while (now := generator.snapshot()).pads[0].importing:
            time.sleep(0.001)
        return now

    wanted = sound(1, 16)
    soundfile.write(tmp_path / "a.wav", wanted.T, RATE_HZ, subtype="PCM_16")
    generator.import_later(0, str(tmp_path / "a.wav"))
    assert settled().message == ""
    np.testing.assert_array_equal(generator.clip_samples(0), wanted)
    generator.import_later(0, str(tmp_path / "b.wav"))
    assert "b.wav" in settled().message
    np.testing.assert_array_equal(generator.clip_samples(0), wanted)
    assert generator.undo(0)
    assert generator.clip_samples(0).size == 0
    generator.import_later(0, str(tmp_path / "a.wav"))  # and closing waits for it


def test_imports_come_in_the_order_in_which_they_were_asked_for(
    generator: _native.Generator, tmp_path: Path
) -> None:
    for number in range(6):
        soundfile.write(
            tmp_path / f"{number}.wav", sound(1, 16, 100 + number).T, RATE_HZ, subtype="PCM_16"
        )
        generator.import_later(2, str(tmp_path / f"{number}.wav"))
    while generator.snapshot().pads[2].importing:
        time.sleep(0.001)
    assert generator.clip_samples(2).shape == (1, 105)
