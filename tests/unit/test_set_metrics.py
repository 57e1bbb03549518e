"""Manifolds, copies, mel distance, SI-SDR, Griffin-Lim and floors against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from engine.metrics.floors import Means
from engine.metrics.griffin_lim import (
    griffin_lim,
    inconsistency,
    spectrogram,
    through_mel,
)
from engine.metrics.manifolds import expected_coverage, manifolds
from engine.metrics.memorisation import copies
from engine.metrics.pairs import mel_distance_db, si_sdr_db
from engine.metrics.sets import frechet_deviation, squared_distances

RATE = 22_050


def decaying(hertz: float, seconds: float = 0.3) -> np.ndarray:
    t = np.arange(int(seconds * RATE)) / RATE
    return (0.5 * np.sin(2 * np.pi * hertz * t) * np.exp(-9.0 * t)).astype(np.float32)


def test_a_set_covers_itself_and_nothing_far_away() -> None:
    rng = np.random.default_rng(0)
    real = rng.standard_normal((200, 6))
    same = manifolds(real, real)
    assert (same.precision, same.recall, same.coverage) == (1.0, 1.0, 1.0)
    far = manifolds(real, real + 100.0)
    assert (far.precision, far.recall, far.density, far.coverage) == (0.0, 0.0, 0.0, 0.0)
    with pytest.raises(ValueError, match="more than k"):
        manifolds(real, real[:5])


def test_equal_distributions_have_density_1_and_the_expected_coverage() -> None:
    rng = np.random.default_rng(1)
    found = [
        manifolds(rng.standard_normal((300, 4)), rng.standard_normal((300, 4))) for _ in range(8)
    ]
    assert np.mean([f.density for f in found]) == pytest.approx(1.0, abs=0.05)
    expected = expected_coverage(300, 300)
    assert expected == pytest.approx(1 - 2**-5, abs=0.002)
    assert np.mean([f.coverage for f in found]) == pytest.approx(expected, abs=0.01)


def test_a_collapsed_generator_is_dense_and_covers_little() -> None:
    rng = np.random.default_rng(2)
    real = rng.standard_normal((300, 4))
    collapsed = manifolds(real, rng.standard_normal((300, 4)) * 0.05)
    assert collapsed.density > 1.0
    assert collapsed.precision == 1.0
    assert collapsed.coverage < 0.5
    assert collapsed.recall < 0.05


def test_copies_are_what_lies_nearer_than_held_out_sounds() -> None:
    rng = np.random.default_rng(3)
    training, held_out, fresh = (rng.standard_normal((400, 8)) for _ in range(3))
    known = copies(training, held_out)
    assert known.rate(training + 1e-6) == 1.0
    assert known.rate(held_out) == pytest.approx(0.01, abs=0.005)
    assert known.rate(fresh) < 0.04
    half = np.concatenate((training[:200] + 1e-6, fresh[:200]))
    assert known.rate(half) == pytest.approx(0.5, abs=0.03)


def test_the_bootstrap_spreads_less_with_more_sounds() -> None:
    rng = np.random.default_rng(4)
    real = rng.standard_normal((2000, 4))
    few, many = (rng.standard_normal((n, 4)) * 1.5 for n in (60, 1500))
    assert 0.0 < frechet_deviation(many, real) < frechet_deviation(few, real)


def test_squared_distances() -> None:
    a, b = np.array([[0.0, 0.0], [1.0, 2.0]]), np.array([[3.0, 4.0]])
    np.testing.assert_allclose(squared_distances(a, b), [[25.0], [8.0]])


def test_mel_distance_is_the_gain_for_a_gain() -> None:
    noise = np.random.default_rng(5).standard_normal(RATE // 2) * 0.1
    assert mel_distance_db(noise, noise, RATE) == 0.0
    assert mel_distance_db(noise, noise * 2.0, RATE) == pytest.approx(6.02, rel=0.03)
    assert mel_distance_db(noise, noise * 2.0, RATE, gain_free=True) == pytest.approx(0.0, abs=0.1)
    near, far = (mel_distance_db(decaying(440.0), decaying(f), RATE) for f in (450.0, 3000.0))
    assert near < far
    assert mel_distance_db(np.zeros(900), np.zeros(500), RATE) == 0.0


def test_si_sdr_ignores_gain_and_is_the_ratio_for_orthogonal_noise() -> None:
    t = np.arange(4410) / 44_100
    clean = np.sin(2 * np.pi * 100 * t)
    noise = np.cos(2 * np.pi * 100 * t)  # orthogonal over whole periods
    assert si_sdr_db(clean, clean * 0.3) > 150.0
    assert si_sdr_db(clean, clean + 0.1 * noise) == pytest.approx(20.0, abs=1e-6)
    assert si_sdr_db(clean, -7.0 * (clean + 0.1 * noise)) == pytest.approx(20.0, abs=1e-6)
    assert si_sdr_db(clean, noise) < -150.0
    assert si_sdr_db(np.zeros(9), np.zeros(9)) == 0.0


def test_griffin_lim_approaches_the_magnitudes() -> None:
    sound = decaying(330.0).astype(np.float64)
    wanted = np.abs(spectrogram(sound))
    errors = [inconsistency(wanted, griffin_lim(wanted, len(sound), n)) for n in (0, 5, 60)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.1
    assert inconsistency(wanted, sound) == 0.0


def test_sound_through_mel_bands_keeps_its_spectrum_and_length() -> None:
    sound = decaying(880.0)
    made = through_mel(sound, RATE)
    assert made.shape == sound.shape
    assert made.dtype == np.float32
    distances = [mel_distance_db(sound, x, RATE) for x in (made, decaying(200.0))]
    assert distances[0] < 0.5 * distances[1]


def test_floors_have_a_category_s_wave_spectrum_and_envelope() -> None:
    means = Means(samples=RATE // 4)
    for phase in (1.0, 1.0, 1.0):
        means.add(3, decaying(500.0) * np.float32(phase))
    means.add(4, np.ones(10, np.float32))
    wave = means.mean_sound(3)
    assert si_sdr_db(decaying(500.0)[: wave.size], wave) > 100.0
    noise = means.shaped_noise(3, np.random.default_rng(6))
    assert noise.shape == (RATE // 4,)
    peak_hz = np.abs(np.fft.rfft(noise)).argmax() * RATE / noise.size
    assert peak_hz == pytest.approx(500.0, abs=30.0)
    quarter = noise.size // 4
    assert np.abs(noise[:quarter]).mean() > 2.0 * np.abs(noise[-quarter:]).mean()
    assert np.isfinite(means.mean_sound(-1)).all()
