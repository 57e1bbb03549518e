"""Descriptors move the right way on synthetic sounds, and their ranks survive a round trip."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from engine.conditioning.descriptors import (
    DESCRIPTORS,
    denormalise,
    index_of,
    measure,
    normalise,
    quantiles,
)

RATE = 44_100


def value(audio: np.ndarray, name: str) -> float:
    return float(measure(audio.astype(np.float32), RATE)[DESCRIPTORS.index(name)])


def times(seconds: float) -> np.ndarray:
    return np.arange(int(seconds * RATE)) / RATE


def band_noise(low_hz: float, high_hz: float, seconds: float = 0.4) -> np.ndarray:
    size = int(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(1).standard_normal(size))
    hertz = np.fft.rfftfreq(size, 1 / RATE)
    spectrum[(hertz < low_hz) | (hertz > high_hz)] = 0
    out = np.fft.irfft(spectrum, size)
    return 0.9 * out / np.abs(out).max()


def sine(hertz: float, seconds: float = 0.5, decay: float = 6.0) -> np.ndarray:
    t = times(seconds)
    return 0.9 * np.sin(2 * np.pi * hertz * t) * np.exp(-decay * t)


def is_rising(values: list[float]) -> bool:
    return all(a < b for a, b in pairwise(values))


def test_brighter_noise_is_brighter() -> None:
    bands = [(50, 400), (200, 2000), (1000, 8000), (5000, 16000)]
    assert is_rising([value(band_noise(*b), "brightness") for b in bands])


def test_lower_sounds_are_deeper() -> None:
    tones = (2000.0, 200.0, 60.0)
    mixed = [sine(f) + 0.02 * sine(60) + 0.02 * sine(3000) for f in tones]
    assert is_rising([value(x, "depth") for x in mixed])


def test_noise_is_noisier_than_a_mix_and_a_tone() -> None:
    tone, rush = sine(440, decay=0), band_noise(20, 20_000, 0.5)
    mixes = [tone, 0.9 * tone + 0.05 * rush, 0.5 * tone + 0.5 * rush, rush]
    assert is_rising([value(x, "noisiness") for x in mixes])


def test_slower_rise_is_a_longer_attack() -> None:
    t = times(0.6)
    swells = [np.minimum(t / rise, 1) * np.exp(-4 * t) for rise in (0.002, 0.03, 0.1, 0.3)]
    assert is_rising([value(band_noise(100, 9000, 0.6) * s, "attack") for s in swells])


def test_slower_decay_is_longer() -> None:
    t = times(2.0)
    falls = [np.exp(-t * 6.9 / length) for length in (0.05, 0.2, 0.8, 1.8)]
    found = [value(band_noise(100, 9000, 2.0) * f, "length") for f in falls]
    assert is_rising(found)
    # -40 dB is two thirds of the way to -60 dB
    assert 10 ** found[2] == pytest.approx(0.8 * 2 / 3, rel=0.1)


def test_louder_is_louder() -> None:
    assert is_rising([value(g * band_noise(100, 5000), "loudness") for g in (0.05, 0.3, 1.0)])


@pytest.mark.parametrize("note", [33, 45, 57, 69, 81])
def test_pitch_of_a_tone_is_its_note(note: int) -> None:
    hertz = 440 * 2 ** ((note - 69) / 12)
    tone = sine(hertz) + 0.3 * sine(2 * hertz)
    assert value(tone, "pitch") == pytest.approx(note, abs=0.3)


def test_noise_has_no_pitch() -> None:
    assert np.isnan(value(band_noise(20, 20_000), "pitch"))


@pytest.mark.parametrize("audio", [np.zeros(0), np.zeros(5000), np.full(64, np.nan)])
def test_silence_and_nonsense_have_no_descriptors(audio: np.ndarray) -> None:
    assert np.isnan(measure(audio.astype(np.float32), RATE)).all()


@pytest.mark.parametrize("length", [1, 7, 100, 700])
def test_very_short_sounds_are_measured(length: int) -> None:
    raw = measure(np.full(length, 0.5, np.float32), RATE)
    assert np.isfinite(raw[:6]).all()


def test_ranks_are_uniform_keep_order_and_return() -> None:
    rng = np.random.default_rng(0)
    raw = rng.lognormal(size=(500, 2))
    raw[:100, 1] = np.nan
    table = quantiles(raw)
    ranks = normalise(raw, table)
    assert np.nanmin(ranks) == 0.0
    assert np.nanmax(ranks) == 1.0
    assert np.nanmean(ranks[:, 0]) == pytest.approx(0.5, abs=0.02)
    assert (np.isnan(ranks) == np.isnan(raw)).all()
    order = np.argsort(raw[:, 0])
    assert (np.diff(ranks[order, 0]) >= 0).all()
    np.testing.assert_allclose(denormalise(ranks, table)[:, 0], raw[:, 0], rtol=1e-6)


def test_many_equal_values_share_the_middle_rank() -> None:
    raw = np.concatenate([np.full(300, -60.0), np.linspace(-59, 0, 100)])[:, None]
    ranks = normalise(raw, quantiles(raw))
    assert ranks[0, 0] == pytest.approx(0.375, abs=0.03)


def test_unknown_descriptor_is_named() -> None:
    assert index_of(["pitch"]) == [6]
    with pytest.raises(ValueError, match="no descriptor 'brightnes'"):
        index_of(["brightnes"])
