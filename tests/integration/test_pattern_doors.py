"""Drum loops from the command line and over OSC: files, lineage, again, cancel, bad input."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine import cli
from engine.library import Library
from engine.library.importing import file_record
from engine.library.sound_file import sound_bytes
from engine.patterns.midi import read_midi
from tests.support.osc_client import OscClient
from tests.support.rhythms import rhythm
from tests.support.serving import ServedEngine

ENDS = ("/drift/done", "/drift/fail")
FRAMES = round(2 * 4 * 60 / 61.7 * 48_000)


@pytest.fixture
def flags(tmp_path: Path, tiny_voices: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Keep a command inside the test's folder."""
    monkeypatch.setenv("DRIFTWAVE_VOICES", str(tiny_voices))
    monkeypatch.setenv("DRIFTWAVE_CONFIG_DIR", str(tmp_path / "config"))
    places = ["--library", str(tmp_path / "library"), "--out", str(tmp_path / "out")]
    return ["--voice", "tiny", "--device", "cpu", "--json", *places]


def end_of(client: OscClient, address: str, *args: object) -> list[object]:
    """The last answer: its address and values."""
    client.send(address, *args)
    last, values = client.until(*ENDS)[-1]
    return [last, *values]


def test_the_command_line_makes_a_loop_and_makes_it_again(
    tmp_path: Path, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["--bars", "2", "--bpm", "61.7", "--seed", "4", "--rate", "48000", "--fill", "--stereo"]
    assert cli.main(["pattern", "dark boom bap", *argv, *flags]) == 0
    made = json.loads(capsys.readouterr().out)
    audio, rate = soundfile.read(made["file"], always_2d=True)
    assert (audio.shape, rate) == ((FRAMES, 2), 48_000)
    assert Path(made["midi"]) == Path(made["file"]).with_suffix(".mid"), "beside the audio"
    notes = read_midi(Path(made["midi"]))
    assert (notes.bars, notes.bpm, len(notes.hits)) == (2, pytest.approx(61.7), made["hits"])
    with Library(tmp_path / "library") as library:
        loop = library.get(made["clip"])
        assert np.array_equal(loop.audio.T, audio)
        family = library.lineage(made["clip"])
        assert {one.id for one in family.parents} == set(made["parents"])
        assert {one.state for one in family.parents} == {"here"}

    for source in (made["clip"], made["file"]):
        assert cli.main(["pattern", "--again", source, *flags]) == 0
        again = json.loads(capsys.readouterr().out)
        assert again["clip"] != made["clip"]
        assert again["file"] == made["file"], "the same bytes, so the same file"

    record = file_record(Path(made["file"]))
    assert record is not None
    other = tmp_path / "other.wav"
    other.write_bytes(
        sound_bytes(loop.audio, 48_000, replace(record, voice_hash="0" * 64), form="wav")
    )
    assert cli.main(["pattern", "--again", str(other), *flags]) == 3
    assert "made by voice 'tiny' 000000000000" in capsys.readouterr().err


def test_generate_understands_a_loop(
    tmp_path: Path, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["generate", "--bars", "2", "--bpm", "120"]
    assert cli.main([*argv, "boom bap", "--seed", "1", *flags]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["style"], made["bars"], made["bpm"]) == ("boom_bap", 2, 120.0)
    info = soundfile.info(made["file"])
    assert info.frames == round(4 * info.samplerate)
    assert Path(made["midi"]).is_file()
    assert cli.main([*argv, "house", "--count", "3", *flags]) == 2
    assert "--count: not for drum loops" in capsys.readouterr().err
    assert cli.main(["generate", "--bars", "1.5", "house", *flags]) == 2
    assert "expected a whole number" in capsys.readouterr().err


def test_a_beatbox_recording_becomes_a_loop(
    tmp_path: Path, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    played = rhythm(1)
    soundfile.write(tmp_path / "beat.wav", played.audio.T, played.sample_rate)
    argv = ["--beat", str(tmp_path / "beat.wav"), "--bpm", str(played.bpm), "--seed", "2"]
    assert cli.main(["pattern", *argv, *flags]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["bars"], made["bpm"]) == (2, played.bpm)
    assert made["hits"] == pytest.approx(len(played.hits), abs=1)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["techno", "--bars", "0"], "bars 0: expected 1 to 64"),
        (["techno", "--bpm", "5000"], "bpm 5000: expected 20 to 400"),
        (["--midi", __file__], "cannot be read as MIDI"),
        (["--beat", "/nowhere.wav"], "/nowhere.wav"),
        (["--again", "abcdef"], "abcdef"),
        (["techno", "--sound", "kick"], "expected DRUM=WORDS"),
        ([], "nothing to play"),
    ],
)
def test_the_command_line_refuses_in_one_line(
    argv: list[str], says: str, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["pattern", *argv, *flags]) == 2
    streams = capsys.readouterr()
    assert says in streams.err
    assert streams.err.strip().count("\n") == 0


def test_osc_makes_a_loop_with_lineage_and_a_midi_file(
    engine: ServedEngine, client: OscClient, tmp_path: Path
) -> None:
    asked = ("bars", 2, "bpm", 61.7, "seed", 4, "rate", 48_000, "sounds", "kick=deep kick; rim=rim")
    client.send("/drift/pattern", 7, "dark boom bap", *asked)
    answers = client.until(*ENDS)
    assert answers[0] == ("/drift/queued", [7, 0])
    assert "/drift/progress" in [address for address, _ in answers]
    added = [values for address, values in answers if address == "/drift/clip/added"]
    done, [command, job, clip, _milliseconds, midi, _unknown] = answers[-1]
    assert (done, command, job, [values[0] for values in added]) == (
        "/drift/done", "pattern", 7, [clip],
    )  # fmt: skip
    notes = read_midi(Path(midi))
    assert (notes.bars, notes.bpm) == (2, pytest.approx(61.7))
    client.send("/drift/clip/lineage", clip)
    *hits, _end = client.until(*ENDS)
    assert hits
    assert {(values[1], values[3]) for _, values in hits} == {(-1, "here")}

    exported = end_of(client, "/drift/clip/export", clip)
    assert Path(str(exported[3])) == Path(midi).with_suffix(".wav"), "beside the audio"
    chosen = tmp_path / "mine.mid"
    assert end_of(client, "/drift/clip/midi", clip, str(chosen))[3] == str(chosen)
    assert chosen.read_bytes() == Path(midi).read_bytes()
    assert end_of(client, "/drift/clip/midi", clip)[3] == midi
    assert end_of(client, "/drift/clip/midi", hits[0][1][0])[3] == "not_found"

    again = end_of(client, "/drift/pattern", 8, "", "again", clip)
    assert again[0] == "/drift/done"
    with Library(engine.library) as library:
        first, second = library.get(clip), library.get(str(again[3]))
    assert first.audio.shape == (1, FRAMES)
    assert np.array_equal(first.audio, second.audio)


def test_osc_cancels_loops_that_run_and_that_wait(client: OscClient) -> None:
    for job in (21, 22):
        client.send("/drift/pattern", job, "techno", "steps", 64)
    client.send("/drift/cancel", 22)
    client.send("/drift/cancel", 21)
    answers = client.wait_all(4, ENDS)
    fails = {values[1]: values[2] for address, values in answers if address == "/drift/fail"}
    assert fails == {21: "cancelled", 22: "cancelled"}
    assert end_of(client, "/drift/pattern", 23, "techno", "bars", 1)[0] == "/drift/done"


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("techno", "bars", 0), "bad_range"),
        (("techno", "bpm", 5_000), "bad_range"),
        (("techno", "sounds", "kick"), "bad_range"),
        (("techno", "voice", "nobody"), "no_voice"),
        (("polka",), "not_found"),
        (("", "midi", __file__), "not_found"),
        (("", "beat", "/nowhere.wav"), "not_found"),
        (("", "again", "0" * 32), "not_found"),
    ],
)
def test_osc_refuses_with_one_code(args: tuple[object, ...], code: str, client: OscClient) -> None:
    end = end_of(client, "/drift/pattern", 31, *args)
    assert (end[0], end[3]) == ("/drift/fail", code), end
