"""A sketch decides where and how loud: 20 recorded rhythms, and curves that were drawn."""

from __future__ import annotations

import numpy as np
import pytest

from engine.runtime import LoadedVoice, open_runtime
from engine.types import GenerateRequest, Sketch
from engine.voice import find_voice
from tests.support.listening import RATE, heard_onsets, level, loudness_curve
from tests.support.recorded_rhythms import rhythm

RHYTHMS = 20
NEAR = RATE // 100
PROMPTS = ("snare", "percussion", "", "shaker", "clap", "kick", "rim", "closed hat")


@pytest.fixture(scope="module")
def loaded() -> LoadedVoice:
    return open_runtime("cpu").load(find_voice("drums"))


def test_loops_have_the_onsets_and_the_loudness_of_20_recorded_rhythms(
    loaded: LoadedVoice,
) -> None:
    found = wanted = 0
    correlations = []
    for number in range(RHYTHMS):
        source = rhythm(number)
        request = GenerateRequest(
            prompt=PROMPTS[number % len(PROMPTS)], seed=number, steps=2, loop=True,
            operation=Sketch(), source=source[np.newaxis], source_rate=RATE,
        )  # fmt: skip
        made = loaded.generate(request).audio[0]
        assert made.size == source.size
        before, after = heard_onsets(source), heard_onsets(made)
        assert before.size >= 4, number
        wanted += before.size
        found += sum(bool(np.abs(after - onset).min(initial=RATE) <= NEAR) for onset in before)
        curves = loudness_curve(source), loudness_curve(made)
        correlations.append(float(np.corrcoef(*curves)[0, 1]))
    print(f"{found} of {wanted} onsets, least correlation {min(correlations):.3f}")
    assert found >= 0.95 * wanted, (found, wanted)
    assert min(correlations) > 0.9, correlations


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
