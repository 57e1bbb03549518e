"""Where drum patterns come from: words, MIDI files, recordings; and what is refused."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.errors import AudioFileError, BadRange, DriftwaveError, NotFound, UsageError
from engine.patterns.beat import heard_pattern
from engine.patterns.midi import read_midi
from engine.patterns.plan import Options, plan_again, plan_fields, plan_of, sounds_of
from engine.patterns.styles import find_style, names_loop, styles
from tests.support.rhythms import rhythm

RHYTHMS = range(20)
DRUMS = {"k": "kick", "s": "snare", "h": "closed_hat", "o": "open_hat"}


def test_recorded_rhythms_are_heard_to_10_ms() -> None:
    met, near = [], []
    for number in RHYTHMS:
        played = rhythm(number)
        heard = heard_pattern(played.audio, played.sample_rate, bpm=played.bpm, quantise=0.0)
        found = np.array([hit.beat * 60 / played.bpm for hit in heard.hits])
        times = np.array(sorted({time for time, _ in played.hits}))
        apart = np.abs(found[None] - (times - times[0])[:, None]) <= 0.010
        assert apart.any(axis=1).mean() >= 0.85, number
        met += list(apart.any(axis=1))
        near += list(apart.any(axis=0))
    assert np.mean(met) >= 0.95, "onsets that were played are heard"
    assert np.mean(near) >= 0.95, "and nothing else"


def test_neither_a_tail_cut_off_nor_rumble_is_an_onset() -> None:
    rate = 44_100
    time_s = np.arange(rate) / rate
    kick = np.sin(2 * np.pi * 60 * time_s) * np.exp(-time_s / 0.2)
    kick[round(0.3 * rate) :] = 0.0  # at a fifth of its level
    noise = np.random.default_rng(4)
    rumble = np.cumsum(noise.standard_normal(4 * rate))
    rumble -= np.linspace(rumble[0], rumble[-1], len(rumble))
    sound = 0.004 * rumble / rumble.std()
    for start_s in (0.5, 1.5, 2.5):
        sound[round(start_s * rate) :][: len(kick)] += kick
    for whole in (sound, sound + 0.001 * noise.standard_normal(len(sound))):
        heard = heard_pattern(whole[None].astype(np.float32), rate, bpm=60.0, quantise=0.0)
        assert [hit.beat for hit in heard.hits] == pytest.approx([0.0, 1.0, 2.0], abs=0.01)
        assert {hit.role for hit in heard.hits} == {"kick"}


def test_the_drums_and_tempi_of_recorded_rhythms_are_told_apart() -> None:
    right = total = tempi = 0
    for number in RHYTHMS:
        played = rhythm(number)
        heard = heard_pattern(played.audio, played.sample_rate, quantise=0.0)
        ratio = math.log2(heard.bpm / played.bpm)
        tempi += abs(ratio - round(ratio)) < 0.02  # an octave apart is the same grid
        first = min(time for time, _ in played.hits)
        for time, mark in played.hits:
            near = min(heard.hits, key=lambda hit: abs(hit.beat * 60 / heard.bpm - time + first))
            right += near.role == DRUMS[mark]
            total += 1
    assert right / total > 0.85
    assert tempi >= 18


def test_quantise_brings_a_recording_to_the_grid() -> None:
    played = rhythm(0)
    heard = heard_pattern(played.audio, played.sample_rate, bpm=played.bpm, quantise=1.0, grid=4)
    assert all((hit.beat * 4) == pytest.approx(round(hit.beat * 4)) for hit in heard.hits)
    two = heard_pattern(played.audio, played.sample_rate, bpm=played.bpm, bars=1)
    assert (two.bars, max(hit.beat for hit in two.hits) < 4) == (1, True)


def test_words_name_a_style_and_how_it_sounds() -> None:
    assert len(styles()) == 26
    style, how = find_style("Dark  boom-bap")
    assert (style.name, how) == ("boom_bap", "dark")
    assert find_style("dusty house beat")[1] == "dusty"
    for name, each in styles().items():
        for words in each.words:
            assert find_style(words)[0].name == name, words
    with pytest.raises(NotFound, match="did you mean 'boom bap'"):
        find_style("bom bap")


@pytest.mark.parametrize(
    ("words", "is_loop"),
    [
        ("boom bap", True),
        ("dark boom bap", True),
        ("dusty House beat", True),
        ("techno drums", True),
        ("house kick", False),
        ("techno bass", False),
        ("snare", False),
        ("beat", False),
        ("", False),
    ],
)
def test_words_that_end_in_a_style_are_a_loop(words: str, is_loop: bool) -> None:
    assert names_loop(words) == is_loop


def test_a_plan_is_decided_by_its_seed_and_comes_back_from_its_record() -> None:
    options = Options(words="dark boom bap", seed=5, bars=2, sounds=sounds_of(["kick=808 kick"]))
    plan = plan_of(options)
    assert plan == plan_of(options)
    assert plan != plan_of(Options(words="dark boom bap", seed=6, bars=2))
    assert (plan.kit["kick"], plan.kit["snare"]) == ("808 kick", "dark dark crunchy snare")
    assert plan_again({"pattern": plan_fields(plan)}, voice="drums", seed=5, steps=0) == plan


def test_a_midi_file_of_another_program_plays(tmp_path: Path) -> None:
    import mido

    file = mido.MidiFile(type=1, ticks_per_beat=96)
    tempo, drums, bass = mido.MidiTrack(), mido.MidiTrack(), mido.MidiTrack()
    tempo.append(mido.MetaMessage("time_signature", numerator=6, denominator=8))
    tempo.append(mido.MetaMessage("set_tempo", tempo=750_000))
    for number, note in enumerate((36, 42, 38, 99)):
        drums.append(mido.Message("note_on", channel=9, note=note, velocity=100, time=48))
        drums.append(mido.Message("note_on", channel=9, note=note, velocity=0, time=0))
        bass.append(mido.Message("note_on", channel=0, note=30 + number, velocity=90, time=10))
    file.tracks += [tempo, drums, bass]
    file.save(tmp_path / "other.mid")
    pattern = read_midi(tmp_path / "other.mid")
    assert (pattern.bpm, pattern.beats, pattern.bars) == (80.0, 3, 1)
    roles = ("kick", "closed_hat", "snare", "percussion")
    assert tuple(hit.role for hit in pattern.hits) == roles, "channel 10 alone"
    assert [hit.beat for hit in pattern.hits] == [0.5, 1.0, 1.5, 2.0]


def write_bad_files(folder: Path) -> None:
    """Files that hold no rhythm."""
    import mido

    silent = np.zeros(44_100, np.float32)
    soundfile.write(folder / "silent.wav", silent, 44_100)
    soundfile.write(folder / "nothing.wav", silent[:0], 44_100)
    (folder / "broken.wav").write_bytes(b"RIFF\0\0\0\0WAVE")
    (folder / "broken.mid").write_bytes(b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk\0\0\1\0\0\x90")
    (folder / "text.mid").write_text("no MIDI")
    (folder / "smpte.mid").write_bytes(b"MThd\0\0\0\6\0\0\0\1\xe7\x28MTrk\0\0\0\4\0\xff\x2f\0")
    for name, start in (("empty.mid", None), ("late.mid", 99_999)):
        file = mido.MidiFile()
        track = mido.MidiTrack()
        if start is not None:
            track.append(mido.Message("note_on", channel=9, note=36, velocity=90, time=start))
        file.tracks.append(track)
        file.save(folder / name)


@pytest.mark.parametrize(
    ("options", "kind", "says"),
    [
        ({"midi": "broken.mid"}, AudioFileError, "cannot be read as MIDI"),
        ({"midi": "text.mid"}, AudioFileError, "cannot be read as MIDI"),
        ({"midi": "smpte.mid"}, AudioFileError, "SMPTE"),
        ({"midi": "gone.mid"}, AudioFileError, "no such file"),
        ({"midi": "empty.mid"}, AudioFileError, "holds no notes"),
        ({"midi": "late.mid", "bars": 1}, BadRange, "no hits within 1 bars"),
        ({"beat": "silent.wav"}, BadRange, "no sound begins"),
        ({"beat": "nothing.wav"}, AudioFileError, "nothing.wav"),
        ({"beat": "broken.wav"}, AudioFileError, "broken.wav"),
        ({"beat": "gone.wav"}, AudioFileError, "gone.wav"),
        ({"beat": "silent.wav", "bpm": math.nan}, BadRange, "bpm nan: expected 20 to 400"),
        ({"midi": "late.mid", "beat": "silent.wav"}, BadRange, "expected one source"),
        ({"midi": "late.mid", "swing": 0.6}, BadRange, "belong to styles"),
        ({"words": "techno", "bars": 0}, BadRange, "bars 0: expected 1 to 64"),
        ({"words": "techno", "bars": 10**9}, BadRange, "expected 1 to 64"),
        ({"words": "techno", "bpm": 5_000.0}, BadRange, "bpm 5000: expected 20 to 400"),
        ({"words": "techno", "bars": 64, "bpm": 20.0}, BadRange, "ask for fewer bars"),
        ({"words": "techno", "swing": 0.9}, BadRange, "swing 0.9"),
        ({"words": "techno", "humanise": 2.0}, BadRange, "humanise 2: expected 0 to 1"),
        ({"words": "techno", "seed": -1}, BadRange, "seed -1"),
        ({"words": "techno", "sample_rate": 1}, BadRange, "rate 1 Hz"),
        ({"words": "techno", "sounds": {"gong": "x"}}, BadRange, "drum 'gong'"),
        ({"words": "polka"}, NotFound, "expected one of boom bap"),
        ({"words": ""}, NotFound, "expected one of boom bap"),
    ],
)
def test_bad_input_gets_one_clear_error(
    options: dict[str, object], kind: type[DriftwaveError], says: str, tmp_path: Path
) -> None:
    write_bad_files(tmp_path)
    paths = {key: tmp_path / str(options[key]) for key in ("midi", "beat") if key in options}
    with pytest.raises(kind) as caught:
        plan_of(Options(**{**options, **paths}))  # type: ignore[arg-type]
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_wrong_sounds_and_wrong_records_are_refused() -> None:
    with pytest.raises(UsageError, match="expected DRUM=WORDS"):
        sounds_of(["kick"])
    for record in ({}, {"pattern": {}}, {"pattern": {"hits": [[1]], "kit": {}}}):
        with pytest.raises(BadRange):
            plan_again(record, voice="drums", seed=1, steps=1)
