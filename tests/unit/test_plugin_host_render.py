"""Rendering a MIDI file offline: exact onsets, the same samples every time, clear refusals."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge import _native
from plugin_host.harness import FloatArray, Harness, find_clip, note_on
from plugin_host.midi_file import Song, read_song
from plugin_host.pads import load_state, save_state
from plugin_host.render import render_song, write_audio

mido = pytest.importorskip("mido")

ROOT = Path(__file__).resolve().parents[2]


def noise(frames: int, seed: int, channels: int = 2) -> FloatArray:
    """Audio on the 24-bit grid that ends at zero."""
    raw = np.random.default_rng(seed).uniform(-0.9, 0.9, (channels, frames))
    raw[:, -1] = 0.0
    return (np.round(raw * 2**23) / 2**23).astype(np.float32)


def write_midi(file: Path, hits: list[tuple[float, int]], bpm: float = 120.0) -> None:
    """Hits as (beat, note), rising."""
    midi = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    midi.tracks.append(track)
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm)))
    at = 0
    for beat, note in hits:
        tick = round(beat * 480)
        track.append(mido.Message("note_on", note=note, velocity=127, time=tick - at))
        at = tick
    midi.save(file)


def plugin_host(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "plugin_host", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_every_hit_of_a_song_stands_at_its_exact_frame(tmp_path: Path) -> None:
    clip = noise(700, 1)
    soundfile.write(tmp_path / "hit.wav", clip.T, 48_000, subtype="PCM_24")
    write_midi(tmp_path / "song.mid", [(0.0, 36), (0.5, 36), (1.75, 36), (3.0, 36)], bpm=93)
    out = tmp_path / "out.wav"
    plugin_host(
        *("render", tmp_path / "song.mid", out, "--file", "1", tmp_path / "hit.wav"),
        *("--set", "attack_time", "0", "--bits", "32"),
    )
    audio, rate = soundfile.read(out, dtype="float32", always_2d=True)
    assert rate == 48_000
    for beat in (0.0, 0.5, 1.75, 3.0):
        frame = round(beat * 60 / 93 * 48_000)
        assert abs((find_clip(audio.T[:, max(frame - 2, 0) :], clip) or 0) - min(frame, 2)) <= 1
    assert audio.shape[0] < frame + 48_000, "the tail ends when nothing sounds any more"


def test_the_render_does_not_depend_on_the_block_size(tmp_path: Path) -> None:
    write_midi(tmp_path / "song.mid", [(0, 36), (0.3, 37), (0.31, 60), (0.5, 36), (1, 72)])
    with Harness(link=False) as host:
        host.generator.set_clip(0, noise(9_000, 1), 44_100)
        host.generator.set_clip(1, noise(5_000, 2, channels=1), 48_000)
        host.generator.set_parameter("pad_02_pitch", 5.0)
        song = read_song(tmp_path / "song.mid", 44_100)
        first = render_song(host.generator, song, sample_rate=44_100, block=512, tail_s=3)
        for block in (1, 17, 64, 441, 4096, 8193):
            again = render_song(host.generator, song, sample_rate=44_100, block=block, tail_s=3)
            frames = min(first.shape[1], again.shape[1])
            np.testing.assert_allclose(again[:, :frames], first[:, :frames], rtol=0, atol=1e-6)
            assert not first[:, frames:].any()
            assert not again[:, frames:].any()
        same = render_song(host.generator, song, sample_rate=44_100, block=512, tail_s=3)
        assert np.array_equal(same, first)


def test_a_song_rendered_from_a_saved_state_is_the_same_song(tmp_path: Path) -> None:
    clip = noise(2_000, 3)
    soundfile.write(tmp_path / "hit.flac", clip.T, 44_100, subtype="PCM_24")
    write_midi(tmp_path / "song.mid", [(0, 38), (1, 38)])
    common = ("--rate", "44100", "--set", "attack_time", "0", "--set", "pad_03_pan", "-0.5")
    state = tmp_path / "kit.state"
    plugin_host(
        *("render", tmp_path / "song.mid", tmp_path / "a.wav", *common),
        *("--file", "3", tmp_path / "hit.flac", "--save", state),
    )
    plugin_host(
        "render", tmp_path / "song.mid", tmp_path / "b.wav", "--rate", "44100", "--state", state
    )
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    audio, _ = soundfile.read(tmp_path / "b.wav", dtype="float32", always_2d=True)
    assert np.abs(audio[:, 0]).max() > np.abs(audio[:, 1]).max() > 0.1


def test_states_come_back_as_bytes_and_as_text(tmp_path: Path) -> None:
    clip = noise(500, 4)
    with Harness(link=False) as host, Harness(link=False) as other:
        host.generator.set_clip(5, clip, 44_100, "hat")
        save_state(host.generator, tmp_path / "a")
        (tmp_path / "b").write_text(host.generator.save_state_text())
        for name in "ab":
            load_state(other.generator, tmp_path / name)
            assert other.generator.save_state() == host.generator.save_state()
        assert np.array_equal(other.generator.clip_samples(5), clip)
        assert other.generator.name(5) == "hat"
        assert find_clip(other.hit(5, 600), clip) == 0


def test_an_exported_clip_is_imported_unchanged(tmp_path: Path) -> None:
    for channels, rate in ((1, 44_100), (2, 48_000), (2, 96_000)):
        clip = noise(801, channels, channels)
        with Harness(link=False) as host:
            host.generator.set_clip(0, clip, rate, "Snare: 1/2")
            written = Path(host.generator.export_wav(0, str(tmp_path)))
            read, read_rate = soundfile.read(written, dtype="float32", always_2d=True)
            assert np.array_equal(read.T, clip)
            assert read_rate == rate
            host.generator.import_file(1, str(written))
            assert np.array_equal(host.generator.clip_samples(1), clip)
            assert written.parent == tmp_path
            assert host.generator.export_wav(0, str(tmp_path)) != str(written)


@pytest.mark.parametrize(
    ("subtype", "grid"), [("PCM_16", 15), ("PCM_24", 23), ("PCM_32", 23), ("FLOAT", 23)]
)
def test_wav_files_of_every_width_are_read(tmp_path: Path, subtype: str, grid: int) -> None:
    clip = np.round(noise(400, 5) * 2**grid) / 2**grid
    soundfile.write(tmp_path / "a.wav", clip.T, 44_100, subtype=subtype)
    with Harness(link=False) as host:
        host.generator.import_file(0, str(tmp_path / "a.wav"))
        assert np.array_equal(host.generator.clip_samples(0), clip.astype(np.float32))


def test_a_clip_beyond_full_scale_is_scaled_not_cut() -> None:
    tone = (3.0 * np.sin(np.arange(1_000) / 20)).astype(np.float32)[None]
    with Harness(link=False) as host:
        host.generator.set_clip(0, tone, 44_100)
        np.testing.assert_allclose(
            host.generator.clip_samples(0), tone / np.abs(tone).max(), atol=2**-22
        )


def test_bad_input_is_refused_with_its_remedy(tmp_path: Path) -> None:
    write_midi(tmp_path / "song.mid", [(0, 36)])
    (tmp_path / "bad").write_bytes(b"nonsense")
    song, out = tmp_path / "song.mid", tmp_path / "out.wav"
    cases: list[tuple[int, str, tuple[str | Path, ...]]] = [
        (2, "no MIDI file", ("render", tmp_path / "none.mid", out)),
        (2, "cannot read the MIDI file", ("render", tmp_path / "bad", out)),
        (2, "cannot read the state", ("render", song, out, "--state", tmp_path / "none")),
        (2, "are kept", ("render", song, out, "--state", tmp_path / "bad")),
        (
            2,
            "pad 1: Could not use bad: It is no WAV",
            ("render", song, out, "--file", "1", tmp_path / "bad"),
        ),
        (2, "17", ("render", song, out, "--file", "17", tmp_path / "bad")),
        (2, "no parameter is called", ("render", song, out, "--set", "lowdness", "1")),
        (2, "must be -1 to 1", ("render", song, out, "--set", "loudness", "3")),
        (2, "cannot write", ("render", song, tmp_path / "no" / "out.wav")),
    ]
    for code, words, arguments in cases:
        assert words in plugin_host(*arguments, code=code).stderr
    assert not out.exists()


def test_without_mido_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from plugin_host.errors import InputError

    monkeypatch.setitem(sys.modules, "mido", None)
    with pytest.raises(InputError, match=r"driftwave\[midi\]"):
        read_song(Path("any.mid"), 48_000)


def test_the_parameter_table_is_told_once() -> None:
    listed = plugin_host("params").stdout.splitlines()
    inputs = [p for p in _native.PARAMETERS if not p.is_output]
    assert [line.split()[0] for line in listed] == [p.symbol for p in inputs]
    assert [p.index for p in _native.PARAMETERS] == list(range(146))
    assert len({p.symbol for p in _native.PARAMETERS}) == 146
    # Hosts save automation by these: what once had a place keeps it.
    fixed = {0: "generate", 20: "pad_01_gain", 99: "pad_16_seed_lock", 103: "playing_voices"}
    fixed |= {104: "interpolate", 114: "pad_01_loop", 115: "pad_01_bars", 145: "pad_16_bars"}
    fixed |= {105: "pick_1", 109: "compare", 110: "undo", 111: "redo", 112: "variations"}
    fixed |= {113: "partner"}
    assert {index: _native.PARAMETERS[index].symbol for index in fixed} == fixed
    for p in _native.PARAMETERS:
        assert p.minimum <= p.default <= p.maximum
        assert p.name
        assert p.hint


def test_blocks_cut_events_where_they_belong() -> None:
    song = Song((note_on(0, 1), note_on(4, 2), note_on(5, 3), note_on(9, 4)), 10)
    cut = list(song.blocks(5, 10))
    assert [count for count, _ in cut] == [5, 5]
    assert [[frame for frame, _ in events] for _, events in cut] == [[0, 4], [0, 4]]


def test_write_audio_leaves_no_part_behind(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav", noise(100, 1), 48_000, 24)
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


@pytest.mark.parametrize("bits", [16, 24, 32])
def test_a_wav_file_does_not_tell_when_it_was_written(tmp_path: Path, bits: int) -> None:
    audio = noise(100, 1)
    write_audio(tmp_path / "a.wav", audio, 48_000, bits)
    written = (tmp_path / "a.wav").read_bytes()
    if bits == 32:
        place = written.index(b"PEAK")
        assert written[place + 12 : place + 16] == bytes(4)
    time.sleep(1.1)  # times in the file are whole seconds
    write_audio(tmp_path / "b.wav", audio, 48_000, bits)
    assert (tmp_path / "b.wav").read_bytes() == written
    read, _ = soundfile.read(tmp_path / "b.wav", dtype="float32", always_2d=True)
    assert np.allclose(read.T, audio, atol=2.0 ** (1 - bits))
