"""What holds for every drum pattern: its length, its seam, its swing, its MIDI file, its record."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.patterns.midi import TICKS, midi_bytes, read_midi
from engine.patterns.pattern import Hit, Pattern, humanised, ordered, pattern_fields, pattern_of
from engine.patterns.render import PEAK, Take, render, take_of
from engine.patterns.roles import ROLES
from engine.patterns.styles import styles

RATES = (44_100, 48_000, 96_000)
STYLES = sorted(styles())


def hits(length_beats: int) -> st.SearchStrategy[tuple[Hit, ...]]:
    """Hits on the grid of a MIDI file."""
    hit = st.builds(
        lambda role, tick, velocity: Hit(role, tick / TICKS, velocity / 127),
        st.sampled_from(sorted(ROLES)),
        st.integers(0, length_beats * TICKS - 1),
        st.integers(1, 127),
    )
    return st.lists(hit, min_size=1, max_size=40).map(ordered)


@st.composite
def patterns(draw: st.DrawFn) -> Pattern:
    """Any pattern of at most eight bars."""
    bars, beats = draw(st.integers(1, 8)), draw(st.integers(2, 7))
    bpm = draw(st.floats(60.0, 240.0))
    return Pattern("any", bars, beats, bpm, draw(hits(bars * beats)))


def kit_of(pattern: Pattern, sample_rate: int) -> dict[str, list[Take]]:
    """Decaying noise for every drum of the pattern."""
    noise = np.random.default_rng(3)
    kit = {}
    for role in pattern.roles:
        time_s = np.arange(round(ROLES[role].seconds * sample_rate)) / sample_rate
        sound = noise.standard_normal(len(time_s)) * np.exp(-time_s / 0.1)
        kit[role] = [take_of(sound[None].astype(np.float32), sample_rate, sample_rate)]
    return kit


@pytest.mark.parametrize("sample_rate", RATES)
@pytest.mark.parametrize("bars", [1, 2, 4])
def test_the_length_is_exact_at_61_7_bpm(sample_rate: int, bars: int) -> None:
    pattern = styles()["boom_bap"].pattern(bars, bpm=61.7)
    loop = render(pattern, kit_of(pattern, sample_rate), sample_rate)
    assert loop.shape == (1, round(bars * 4 * 60 / 61.7 * sample_rate))
    assert np.abs(loop).max() == pytest.approx(PEAK, abs=2**-23)
    assert np.array_equal(loop, np.rint(loop * 2**23) / 2**23), "on the 24-bit grid"


@settings(max_examples=25, deadline=None)
@given(patterns(), st.sampled_from((8_000, 11_025)), st.booleans())
def test_any_loop_is_exact_and_has_no_seam(pattern: Pattern, rate: int, stereo: bool) -> None:
    kit = kit_of(pattern, rate)
    loop = render(pattern, kit, rate, stereo=stereo).astype(np.float64)
    frames = loop.shape[1]
    assert loop.shape == (1 + stereo, pattern.frames(rate))
    assert np.isfinite(loop).all()
    # Begun elsewhere, it is the same loop turned round: no place in it is special.
    turn = frames // 3
    beats = turn / frames * pattern.length_beats
    moved = [
        Hit(hit.role, (hit.beat + beats) % pattern.length_beats, hit.velocity)
        for hit in pattern.hits
    ]
    later = Pattern("later", pattern.bars, pattern.beats, pattern.bpm, tuple(moved))
    places = [later.frame(hit, rate) for hit in moved]
    expected = [(pattern.frame(hit, rate) + turn) % frames for hit in pattern.hits]
    if places == expected:  # else a hit lies between two samples and rounds the other way
        turned = render(later, kit, rate, stereo=stereo)
        assert np.abs(np.roll(loop, turn, axis=1) - turned).max() < 2**-22


def test_the_step_over_the_seam_is_one_of_the_loops_own_steps() -> None:
    for name in STYLES:
        pattern = styles()[name].pattern(2)
        loop = render(pattern, kit_of(pattern, 22_050), 22_050)[0]
        tail = np.abs(np.diff(np.concatenate([loop[-50:], loop[:50]])))[49]
        assert tail <= np.abs(np.diff(loop)).max(), name


@settings(max_examples=100, deadline=None)
@given(patterns())
def test_a_midi_file_brings_the_pattern_back(pattern: Pattern) -> None:
    pattern = Pattern("any", pattern.bars, pattern.beats, pattern.bpm, pattern.hits)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "any.mid"
        path.write_bytes(midi_bytes(pattern))
        again = read_midi(path)
    assert (again.name, again.bars, again.beats) == ("any", pattern.bars, pattern.beats)
    assert again.bpm == pytest.approx(pattern.bpm, abs=0.001)
    assert again.hits == pattern.hits


@settings(max_examples=50, deadline=None)
@given(patterns())
def test_a_record_brings_the_pattern_back(pattern: Pattern) -> None:
    assert pattern_of(pattern_fields(pattern)) == pattern


@settings(max_examples=50, deadline=None)
@given(patterns(), st.floats(0.01, 1.0), st.integers(0, 2**63 - 1))
def test_a_performance_is_late_by_20_ms_at_most(pattern: Pattern, amount: float, seed: int) -> None:
    played = humanised(pattern, amount, seed)
    assert played == humanised(pattern, amount, seed)
    assert humanised(pattern, 0.0, seed) == pattern
    length = pattern.length_beats
    for hit in played.hits:
        assert 0.0 <= hit.beat < length
        assert 0.0 < hit.velocity <= 1.0
        away = min(
            abs((hit.beat - other.beat + length / 2) % length - length / 2)
            for other in pattern.hits
            if other.role == hit.role
        )
        assert away * 60 / pattern.bpm <= 0.02 * amount + 1e-9


@pytest.mark.parametrize("name", STYLES)
def test_every_style_plays_with_and_without_a_fill(name: str) -> None:
    style = styles()[name]
    plain, filled = style.pattern(2), style.pattern(2, fill=True)
    assert plain.hits
    assert (plain.bpm, plain.beats, plain.length_beats) == (style.bpm, style.beats, 2 * style.beats)
    assert all(0 <= hit.beat < plain.length_beats for hit in (*plain.hits, *filled.hits))
    assert (filled != plain) == bool(style.fill), "a fill changes the last bar"
    first_bar = [hit for hit in plain.hits if hit.beat < style.beats]
    assert first_bar == [hit for hit in filled.hits if hit.beat < style.beats]


@pytest.mark.parametrize("swing", [0.5, 0.58, 2 / 3, 0.75])
def test_swing_moves_off_steps_alone_and_to_its_place(swing: float) -> None:
    straight = styles()["house"].pattern(1, swing=0.5)
    swung = styles()["house"].pattern(1, swing=swing)
    assert len(straight.hits) == len(swung.hits)
    for before, after in zip(straight.hits, swung.hits, strict=True):
        step = before.beat * 4
        expected = before.beat + (2 * swing - 1) / 4 * (round(step) % 2)
        assert after.beat == pytest.approx(expected), (
            "an eighth holds its pair at swing : 1 - swing"
        )
        assert (after.role, after.velocity) == (before.role, before.velocity)
