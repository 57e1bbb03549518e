"""A sketch decides where and how loud: 20 recorded rhythms, and curves that were drawn."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.operations.onsets import onsets
from engine.operations.waves import at_rate
from engine.runtime import LoadedVoice, open_runtime
from engine.types import GenerateRequest, Sketch
from engine.voice import find_voice
from tests.support.listening import RATE, heard_onsets, level, loudness_curve
from tests.support.rhythms import rhythm

RHYTHMS = 20
NEAR = RATE // 100
PROMPTS = ("snare", "percussion", "", "shaker", "clap", "kick", "rim", "closed hat")
SOUNDS = Path(
    os.environ.get("DRIFTWAVE_TEST_SOUNDS", Path(__file__).parents[3] / "shared/data/oneshots")
)


@pytest.fixture(scope="module")
def loaded() -> LoadedVoice:
    return open_runtime("cpu").load(find_voice("drums"))


def follow(loaded: LoadedVoice, number: int, audio: np.ndarray, rate: int) -> np.ndarray:
    """The loop (T,) at RATE that a recording (1, T) becomes."""
    request = GenerateRequest(
        prompt=PROMPTS[number % len(PROMPTS)], seed=number, steps=2, loop=True, rate=RATE,
        operation=Sketch(), source=audio, source_rate=rate,
    )  # fmt: skip
    return loaded.generate(request).audio[0]


def near(these: np.ndarray, those: np.ndarray) -> int:
    """How many of these samples have one of those within 10 ms."""
    return sum(bool(np.abs(those - one).min(initial=RATE) <= NEAR) for one in these)


def test_loops_have_the_onsets_and_the_loudness_of_20_recorded_rhythms(
    loaded: LoadedVoice,
) -> None:
    """Against what was played, by two listeners: one hears timbre and one hears level alone."""
    played = heard = jumps = right_jumps = 0
    correlations = []
    for number in range(RHYTHMS):
        recorded = rhythm(number)
        made = follow(loaded, number, recorded.audio, recorded.sample_rate)
        assert made.size == round(recorded.audio.shape[1] * RATE / recorded.sample_rate)
        truth = np.array([second * RATE for second, _ in recorded.hits])
        played += truth.size
        heard += near(truth, np.array([onset.frame for onset in onsets(made.astype(np.float64))]))
        louder = heard_onsets(made)
        jumps += louder.size
        right_jumps += near(louder, truth)
        before = at_rate(recorded.audio[0], recorded.sample_rate, RATE, made.size)
        curves = loudness_curve(before), loudness_curve(made)
        correlations.append(float(np.corrcoef(*curves)[0, 1]))
    print(
        f"{heard} of {played} hits, {right_jumps} of {jumps} jumps of level, "
        f"least correlation {min(correlations):.3f}"
    )
    assert heard >= 0.95 * played, (heard, played)
    assert right_jumps >= 0.95 * jumps, (right_jumps, jumps)
    assert min(correlations) > 0.9, correlations


@pytest.mark.skipif(not (SOUNDS / "body").is_dir(), reason=f"no recordings in {SOUNDS}")
def test_a_real_body_beat_is_followed_too(loaded: LoadedVoice) -> None:
    """Stomps and slaps on head and cheek, struck with a human's timing."""
    played = heard = 0
    correlations = []
    for number in range(5):
        recorded, struck = body_beat(number)
        made = follow(loaded, number, recorded[np.newaxis], RATE)
        jumps = heard_onsets(made)
        played += struck.size
        heard += near(struck, jumps)
        curves = loudness_curve(recorded), loudness_curve(made)
        correlations.append(float(np.corrcoef(*curves)[0, 1]))
    print(f"{heard} of {played} hits, correlations {np.round(correlations, 3)}")
    assert heard >= 0.8 * played, (heard, played)
    assert np.mean(correlations) > 0.9, correlations


def test_a_drawn_loudness_is_followed_and_a_drawn_brightness_makes_brighter(
    loaded: LoadedVoice,
) -> None:
    drawn = (1.0, 0.4, 0.9, 0.3, 0.8, 0.0)
    sounds = {}
    for brightness in (0.4, 0.8):
        operation = Sketch(loudness=drawn, brightness=(brightness,))
        request = GenerateRequest(prompt="snare", seed=3, seconds=1.5, operation=operation)
        sounds[brightness] = loaded.generate(request).audio[0]
    octaves = {key: centroid(sound) for key, sound in sounds.items()}
    assert octaves[0.8] > octaves[0.4] + 0.5, octaves
    levels = 20 * np.log10(level(sounds[0.4], RATE // 20, RATE // 10) + 1e-4)
    places = np.linspace(0.0, 1.0, levels.size)
    expected = np.interp(places, np.linspace(0.0, 1.0, len(drawn)), drawn)
    assert np.corrcoef(levels, expected)[0, 1] > 0.9


def centroid(sound: np.ndarray) -> float:
    """Octaves above 20 Hz of the whole sound's spectral centroid."""
    spectrum = np.abs(np.fft.rfft(sound))
    hertz = np.fft.rfftfreq(sound.size, 1 / RATE)
    return float(np.log2((spectrum @ hertz) / spectrum.sum() / 20.0))


def body_beat(number: int) -> tuple[np.ndarray, np.ndarray]:
    """A bar (T,) at RATE of recorded body percussion, and the samples at which it was struck."""
    rng = np.random.default_rng(number)
    kit = [sorted(SOUNDS.glob(f"body/body_{part}*")) for part in ("stomp_l", "head", "cheek")]
    step = 60.0 / rng.uniform(85.0, 140.0) / 4.0 * RATE
    out = np.zeros(round(16 * step), dtype=np.float32)
    struck = []
    for place, part in zip((0, 4, 6, 8, 10, 12, 14), (0, 1, 2, 0, 0, 1, 2), strict=True):
        sound, rate = soundfile.read(kit[part][rng.integers(len(kit[part]))], dtype="float32")
        hit = at_rate(sound.mean(axis=1) if sound.ndim == 2 else sound, rate, RATE)
        at = round(place * step + rng.uniform(0.0, 0.006) * RATE + 0.01 * RATE)
        hit = hit[: out.size - at] * rng.uniform(0.5, 1.0)
        out[at : at + hit.size] += hit
        begin = onsets(np.pad(hit.astype(np.float64), (RATE // 10, 0)))[0].frame - RATE // 10
        struck.append(at + begin)
    return 0.8 * out / np.abs(out).max(), np.array(struck)
