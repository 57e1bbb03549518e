"""The measures against cases whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from engine.metrics.classifier import train_classifier
from engine.metrics.embedding import BANDS, MOMENTS, embed, log_mel
from engine.metrics.pairs import log_spectral_distance_db, signal_to_noise_db
from engine.metrics.sets import (
    diversity,
    frechet,
    nearest,
    principal_axes,
    split_half_frechet,
)

RATE = 44_100


def tone(hertz: float, seconds: float = 0.5, decay: float = 8.0) -> np.ndarray:
    t = np.arange(int(seconds * RATE)) / RATE
    return (0.5 * np.sin(2 * np.pi * hertz * t) * np.exp(-decay * t)).astype(np.float32)


def test_frechet_of_gaussians_is_the_closed_form() -> None:
    rng = np.random.default_rng(0)
    a = rng.standard_normal((50_000, 3)) * (1.0, 2.0, 0.5)
    b = rng.standard_normal((50_000, 3)) * (1.0, 1.0, 1.0) + (3.0, 0.0, 0.0)
    assert frechet(a, b) == pytest.approx(9.0 + 1.0 + 0.25, rel=0.02)
    assert frechet(a, a) == pytest.approx(0.0, abs=1e-9)
    assert frechet(a, b) == pytest.approx(frechet(b, a))


def test_the_split_half_floor_falls_with_more_sounds() -> None:
    rng = np.random.default_rng(1)
    sounds = rng.standard_normal((800, 8))
    assert split_half_frechet(sounds, 400, 5) < split_half_frechet(sounds, 50, 5)
    with pytest.raises(ValueError, match="cannot be split"):
        split_half_frechet(sounds, 401, 1)


def test_principal_axes_keep_what_spreads() -> None:
    rng = np.random.default_rng(2)
    data = rng.standard_normal((500, 6)) * (10.0, 5.0, 0.1, 0.1, 0.1, 0.1) + 7.0
    kept = principal_axes(data, 2).project(data)
    assert kept.shape == (500, 2)
    assert kept.std(axis=0) * np.sqrt(6) == pytest.approx((10.0, 5.0), rel=0.15)
    assert kept.mean(axis=0) == pytest.approx((0.0, 0.0), abs=1e-9)


def test_diversity_and_nearest_neighbours() -> None:
    corners = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 3.0]])
    root = np.sqrt(2.0)
    assert diversity(corners) == pytest.approx((3.0 + 3.0 + 3.0 * root) / 3.0 / root)
    assert diversity(np.ones((5, 4))) == 0.0
    distances = nearest(np.array([[0.0, 1.0], [3.0, 0.0]]), corners)
    assert distances == pytest.approx((1.0 / root, 0.0))


def test_embeddings_ignore_gain_and_see_pitch_and_length() -> None:
    sound = tone(220.0)
    assert embed(sound, RATE).shape == (BANDS * MOMENTS,)
    np.testing.assert_allclose(embed(sound * 0.3, RATE), embed(sound, RATE), atol=0.3)
    for other in (tone(1500.0), tone(220.0, decay=60.0)):
        assert np.abs(embed(other, RATE) - embed(sound, RATE)).std() > 3.0
    assert np.isfinite(embed(np.zeros(100), RATE)).all()


def test_mel_bands_peak_where_the_tone_is() -> None:
    peaks = [int(log_mel(tone(f), RATE).mean(axis=1).argmax()) for f in (60, 250, 1000, 8000)]
    assert peaks == sorted(set(peaks))


def test_the_classifier_tells_clouds_apart_and_names_their_categories() -> None:
    rng = np.random.default_rng(3)
    categories = np.repeat([2, 5, 9], 60)
    centres = rng.standard_normal((10, 20)) * 4
    data = centres[categories] + rng.standard_normal((180, 20))
    classifier = train_classifier(data[::2], categories[::2])
    assert (classifier.predict(data[1::2]) == categories[1::2]).mean() > 0.95
    assert set(classifier.classes) == {2, 5, 9}


def test_log_spectral_distance_is_the_gain_for_a_gain() -> None:
    rng = np.random.default_rng(4)
    sound = rng.standard_normal(20_000) * 0.1
    assert log_spectral_distance_db(sound, sound) == 0.0
    assert log_spectral_distance_db(sound, sound * 2.0) == pytest.approx(6.02, rel=0.03)
    assert log_spectral_distance_db(np.zeros(5000), np.zeros(5000)) == 0.0


def test_signal_to_noise() -> None:
    clean = np.ones(100)
    assert signal_to_noise_db(clean, clean * 0.9) == pytest.approx(20.0, abs=1e-6)
    assert signal_to_noise_db(clean, clean) > 150.0
