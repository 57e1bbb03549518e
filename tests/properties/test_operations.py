"""What every operation promises, with the shipped voice: identity, exactness, seams, both ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import BadRange
from engine.operations.between import place
from engine.operations.extend import OVERLAP_S
from engine.operations.waves import CROSSFADE_S
from engine.runtime import LoadedVoice, open_runtime
from engine.types import Continue, Generated, GenerateRequest, Inpaint, Interpolate, Resynthesise
from engine.voice import find_voice

RATE = 44_100
RATES = (44_100, 48_000, 96_000)
GRID = 2.0**23
SEEDS = range(4)

few = settings(
    max_examples=8, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip


@pytest.fixture(scope="module")
def loaded() -> LoadedVoice:
    return open_runtime("cpu").load(find_voice("drums"))


@pytest.fixture(scope="module")
def snare(loaded: LoadedVoice) -> np.ndarray:
    return make(loaded, prompt="snare", seed=2).audio


@pytest.fixture(scope="module")
def texture(loaded: LoadedVoice) -> np.ndarray:
    """A sound that goes on to its end."""
    return make(loaded, prompt="texture", seed=5, seconds=2.0).audio


def make(loaded: LoadedVoice, index: int = 0, **changes: Any) -> Generated:
    request: dict[str, Any] = {"seed": 1, "source_rate": RATE if "source" in changes else 0}
    return loaded.generate(GenerateRequest(**{**request, **changes}), index=index)


def noise(seed: int, channels: int, frames: int) -> np.ndarray:
    """On the 24-bit grid, as every clip is."""
    wave = np.random.default_rng(seed).uniform(-0.9, 0.9, (channels, frames))
    return (np.rint(wave * GRID) / GRID).astype(np.float32)


@few
@given(
    st.integers(0, 99), st.integers(1, 2), st.integers(1, 9000), st.sampled_from((8_000, *RATES))
)
def test_vary_at_0_is_the_identity(
    loaded: LoadedVoice, seed: int, channels: int, frames: int, rate: int
) -> None:
    source = noise(seed, channels, frames)
    made = make(loaded, source=source, source_rate=rate, strength=0.0, prompt="kick")
    assert made.sample_rate == rate
    assert np.array_equal(made.audio, source)


def test_distance_grows_with_strength(loaded: LoadedVoice, snare: np.ndarray) -> None:
    strengths = (0.0, 0.1, 0.3, 0.5, 0.7, 1.0)
    distances = [
        np.mean([
            spectral_distance(
                make(loaded, source=snare, strength=strength, prompt="clap", seed=seed).audio, snare
            )
            for seed in SEEDS
        ])
        for strength in strengths
    ]  # fmt: skip
    assert distances[0] == 0.0
    assert distances == sorted(distances), distances
    assert distances[-1] > 2.0 * distances[1], distances


def test_a_variation_is_as_long_and_as_wide_as_its_source(
    loaded: LoadedVoice, snare: np.ndarray
) -> None:
    wide = np.concatenate((snare, 0.5 * snare))
    made = make(loaded, source=wide, strength=0.3, prompt="snare").audio
    assert made.shape == wide.shape
    left, right = np.abs(made).max(axis=1)
    assert right == pytest.approx(0.5 * left, rel=0.01)


@few
@given(
    st.floats(0.0, 0.9), st.floats(0.05, 0.5), st.sampled_from(RATES), st.integers(1, 2),
    st.sampled_from((0.4, 1.0)),
)  # fmt: skip
def test_inpaint_leaves_the_outside_as_it_is(
    loaded: LoadedVoice, start: float, length: float, rate: int, channels: int, strength: float
) -> None:
    source = noise(3, channels, rate)
    end = start + length
    made = make(
        loaded, source=source, source_rate=rate, prompt="snare",
        operation=Inpaint(start, end, strength),
    )  # fmt: skip
    assert made.sample_rate == rate
    assert made.audio.shape == source.shape
    first, last = round(start * rate), min(round(end * rate), rate)
    assert np.array_equal(made.audio[:, :first], source[:, :first])
    assert np.array_equal(made.audio[:, last:], source[:, last:])
    fade = min(round(CROSSFADE_S * rate), (last - first) // 2)
    inside = slice(first + fade, last - fade)
    assert not np.array_equal(made.audio[:, inside], source[:, inside])


def test_inpaint_of_a_long_clip_looks_at_the_region_and_what_surrounds_it(
    loaded: LoadedVoice,
) -> None:
    source = noise(4, 1, 20 * RATE)
    made = make(loaded, source=source, operation=Inpaint(15.0, 15.5), prompt="snare").audio
    changed = np.flatnonzero((made != source).any(axis=0))
    assert changed[0] >= 15.0 * RATE
    assert changed[-1] < 15.5 * RATE


def test_an_inpainted_region_meets_its_surroundings_without_a_click(
    loaded: LoadedVoice, texture: np.ndarray
) -> None:
    made = make(loaded, source=texture, operation=Inpaint(0.6, 1.2), prompt="texture", seed=9).audio
    steps = np.abs(np.diff(made[0]))
    usual = np.quantile(np.abs(np.diff(texture[0])), 0.999)
    for edge in (0.6, 1.2):
        near = steps[round((edge - 0.02) * RATE) : round((edge + 0.02) * RATE)]
        assert near.max() <= 2.0 * usual, edge


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("seconds", [0.1, 3.3])
def test_continue_keeps_what_was_there_and_is_exactly_longer(
    loaded: LoadedVoice, rate: int, seconds: float
) -> None:
    source = noise(5, 2, rate // 2)
    operation = Continue(seconds)
    made = make(loaded, source=source, source_rate=rate, operation=operation, prompt="texture")
    assert made.audio.shape == (2, rate // 2 + round(seconds * rate))
    kept = rate // 2 - round(OVERLAP_S * rate)
    assert np.array_equal(made.audio[:, :kept], source[:, :kept])


def test_a_sound_that_goes_on_is_continued_at_its_loudness(
    loaded: LoadedVoice, texture: np.ndarray
) -> None:
    made = make(loaded, source=texture, operation=Continue(1.0), prompt="texture", seed=3).audio[0]
    end = texture.shape[1]
    after = np.sqrt((made[end : end + RATE // 4] ** 2).mean())
    before = np.sqrt((texture[0, end - RATE // 2 : end - RATE // 4] ** 2).mean())
    assert -15.0 < 20 * np.log10(after / before) < 15.0


@pytest.mark.parametrize("rates", [(44_100, 44_100), (48_000, 48_000)])
def test_the_ends_of_an_interpolation_are_its_sources(
    loaded: LoadedVoice, rates: tuple[int, int]
) -> None:
    first, second = noise(6, 1, 20_000), noise(7, 1, 30_000)
    points = 5
    row = [
        make(
            loaded, index, source=first, source_rate=rates[0], other=second, other_rate=rates[1],
            operation=Interpolate(points=points), prompt="snare",
        ).audio
        for index in range(points)
    ]  # fmt: skip
    assert np.array_equal(row[0], first)
    assert np.array_equal(row[-1], second)
    assert [sound.shape[1] for sound in row] == [20_000, 22_500, 25_000, 27_500, 30_000]
    assert [place(Interpolate(points=points), k) for k in range(5)] == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_what_lies_between_goes_from_one_to_the_other(
    loaded: LoadedVoice, snare: np.ndarray
) -> None:
    kick = make(loaded, prompt="kick", seed=1).audio
    row = [
        make(
            loaded, source=kick, other=snare, other_rate=RATE, operation=Interpolate(mix=mix)
        ).audio
        for mix in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    to_snare = [spectral_distance(sound, snare) for sound in row]
    assert to_snare == sorted(to_snare, reverse=True)


@pytest.mark.parametrize(
    ("prompt", "seconds"), [("texture", 2.0), ("texture", 4.5), ("bass", 1.3), ("crash", 0.8),
                            ("kick", 0.2), ("shaker", 1.0), ("open hat", 0.35)],
)  # fmt: skip
@pytest.mark.parametrize("rate", RATES)
def test_the_seam_of_a_loop_is_like_any_other_place_in_it(
    loaded: LoadedVoice, prompt: str, seconds: float, rate: int
) -> None:
    made = make(loaded, prompt=prompt, seconds=seconds, loop=True, rate=rate, seed=4)
    assert made.audio.shape == (1, round(seconds * rate))
    assert np.abs(made.audio).max() > 0.1
    assert_seamless(made.audio[0])


def test_a_clip_becomes_a_loop_and_is_otherwise_kept(
    loaded: LoadedVoice, texture: np.ndarray
) -> None:
    made = make(loaded, source=texture, strength=0.0, loop=True, prompt="texture").audio
    assert made.shape == texture.shape
    fade, seam = round(CROSSFADE_S * RATE), texture.shape[1] - 12 * 1024
    assert np.array_equal(made[:, fade:seam], texture[:, fade:seam])
    assert_seamless(made[0])


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize("bars", [0.5, 1, 2])
def test_bars_at_61_7_bpm_are_exact_to_the_sample(
    loaded: LoadedVoice, rate: int, loop: bool, bars: float
) -> None:
    made = make(loaded, prompt="shaker", bars=bars, bpm=61.7, rate=rate, loop=loop, steps=1)
    assert made.sample_rate == rate
    assert made.audio.shape[1] == round(bars * 4 * 60 / 61.7 * rate)


@few
@given(
    st.floats(40.0, 300.0), st.sampled_from((0.25, 0.5, 1.0)), st.integers(2, 7),
    st.sampled_from(RATES),
)  # fmt: skip
def test_bars_at_any_tempo_and_metre_are_exact(
    loaded: LoadedVoice, bpm: float, bars: float, beats: int, rate: int
) -> None:
    made = make(
        loaded, prompt="kick", bars=bars, bpm=bpm, beats=beats, rate=rate, loop=True, steps=1
    )
    assert made.audio.shape[1] == round(bars * beats * 60 / bpm * rate)


def test_bars_of_a_varied_clip_are_exact_too(loaded: LoadedVoice, snare: np.ndarray) -> None:
    made = make(loaded, source=snare, strength=0.4, bars=1, bpm=187.3, loop=True, rate=48_000)
    assert made.audio.shape[1] == round(4 * 60 / 187.3 * 48_000)
    assert_seamless(made.audio[0])


def test_resynthesis_is_near_to_the_source(loaded: LoadedVoice, snare: np.ndarray) -> None:
    made = make(loaded, source=snare, operation=Resynthesise())
    assert made.audio.shape == snare.shape
    other = make(loaded, prompt="kick", seed=8).audio
    assert spectral_distance(made.audio, snare) < 0.3 * spectral_distance(other, snare)


def test_a_morph_begins_and_ends_with_its_prompts_alone(loaded: LoadedVoice) -> None:
    kick, snare = (make(loaded, prompt=words).audio for words in ("kick", "snare"))
    row = [make(loaded, prompt="kick", morph="snare", mix=mix).audio for mix in (0.0, 0.5, 1.0)]
    assert np.array_equal(row[0], kick)
    assert np.array_equal(row[2], snare)
    assert not np.array_equal(row[1], kick)
    made = make(loaded, prompt="dark kick", morph="bright snare zzz", mix=0.5)
    assert made.words_understood == ("dark", "kick", "bright", "snare")
    assert made.words_unknown == ("zzz",)


def test_a_target_pitch_moves_the_pitch(loaded: LoadedVoice) -> None:
    def fundamental(note: int) -> float:
        peaks = []
        for seed in SEEDS:
            sound = make(loaded, prompt="tom", note=note, seed=seed).audio[0]
            spectrum = np.abs(np.fft.rfft(sound, 2 * RATE))
            peaks.append(0.5 * int(np.argmax(spectrum[80:1200]) + 80))
        return float(np.median(peaks))

    assert fundamental(60) > 1.3 * fundamental(45)


def test_a_negative_prompt_moves_away(loaded: LoadedVoice) -> None:
    def brightness(**words: str) -> float:
        found = []
        for seed in SEEDS:
            sound = make(loaded, prompt="snare", seed=seed, **words).audio[0]
            spectrum = np.abs(np.fft.rfft(sound))
            hertz = np.fft.rfftfreq(sound.size, 1 / RATE)
            found.append(np.log2((spectrum @ hertz) / spectrum.sum()))
        return float(np.mean(found))

    assert brightness(negative="bright") < brightness() < brightness(negative="dark")


@pytest.mark.parametrize("seconds", [0.05, 0.5, 2.0])
@pytest.mark.parametrize("rate", RATES)
def test_duration_is_exact_at_every_rate(loaded: LoadedVoice, seconds: float, rate: int) -> None:
    made = make(loaded, prompt="kick", seconds=seconds, rate=rate, steps=1)
    assert made.audio.shape[1] == round(seconds * rate)


def test_a_batch_is_the_same_one_by_one(loaded: LoadedVoice) -> None:
    sounds = [make(loaded, index, prompt="clap", count=3).audio for index in range(3)]
    again = make(loaded, 2, prompt="clap").audio
    assert np.array_equal(sounds[2], again)
    assert not np.array_equal(sounds[0], sounds[1])


@pytest.mark.parametrize(
    "changes",
    [
        {"bars": 2, "prompt": "kick"},
        {"bars": 16, "bpm": 60.0},
        {"operation": Resynthesise()},
        {"source": noise(1, 1, 100), "operation": Inpaint(1.0, 2.0)},
        {"source": noise(1, 1, RATE), "operation": Inpaint(0.5, 0.501)},
        {"source": noise(1, 1, RATE), "operation": Continue(13.0)},
        {"source": noise(1, 1, RATE), "operation": Interpolate()},
        {"source": np.zeros((1, RATE), np.float32), "operation": Inpaint(2.0, 3.0)},
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_done_is_said(loaded: LoadedVoice, changes: dict[str, Any]) -> None:
    with pytest.raises(BadRange, match=r"expected|give|at most"):
        make(loaded, **changes)


def assert_seamless(loop: np.ndarray) -> None:
    """Value, slope and curve at the seam lie within what the loop itself has."""
    around = np.concatenate((loop[-4:], loop[:4]))
    for order in (1, 2):
        inside = np.abs(np.diff(loop, order))
        assert np.abs(np.diff(around, order)).max() <= inside.max() * 1.0001 + 1e-6, order


def spectral_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Mean difference of log spectra (dB) over frames of 1024, of sounds of one length or cut."""
    samples = min(a.shape[1], b.shape[1]) // 1024 * 1024
    frames = [
        20 * np.log10(np.abs(np.fft.rfft(x[0, :samples].reshape(-1, 1024))) + 1e-2) for x in (a, b)
    ]
    return float(np.abs(frames[0] - frames[1]).mean())
