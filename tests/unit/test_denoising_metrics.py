"""Metrics of denoised sounds against cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from engine.denoising_evaluation.metrics import (
    gaps_db,
    kept_db,
    level_db,
    measure,
    multi_resolution,
    onset_frames,
    onsets_db,
)
from engine.denoising_evaluation.speech_metrics import SPEECH, measure_speech

RATE = 48_000


def white(seed: int, seconds: float = 1.0, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((channels, round(seconds * RATE)))


def bursts() -> np.ndarray:
    """Four bursts of a decaying sine, silence before and between."""
    sound = np.zeros((1, 2 * RATE))
    t = np.arange(RATE // 5) / RATE
    for at in (0.25, 0.7, 1.15, 1.6):
        begin = round(at * RATE)
        sound[0, begin : begin + t.size] = np.exp(-20 * t) * np.sin(2 * np.pi * 440 * t)
    return sound


def test_a_perfect_output_has_perfect_figures() -> None:
    clean, noise = bursts(), 0.1 * white(1, 2.0)
    found = measure(clean, noise, clean, RATE)
    assert found["si_sdr_db"] == 100.0
    assert found["gap_db"] == -100.0
    for key in ("log_spectral_db", "multi_resolution", "onset_db", "level_db", "kept_db"):
        assert found[key] == pytest.approx(0.0, abs=1e-9), key


def test_what_is_left_of_the_noise_is_what_was_gained() -> None:
    clean, noise = bursts(), 0.05 * white(1, 2.0)
    noise -= (noise * clean).sum() / (clean**2).sum() * clean  # no part of the sound in it
    found = measure(clean, noise, clean + 0.1 * noise, RATE)
    assert found["improvement_db"] == pytest.approx(20.0, abs=0.05)
    assert found["gap_db"] == pytest.approx(-20.0, abs=1e-6)
    assert found["kept_db"] == pytest.approx(0.0, abs=1e-6)


def test_a_gain_is_a_level_and_no_distortion() -> None:
    clean = bursts()
    found = measure(clean, np.zeros_like(clean), 0.5 * clean, RATE)
    assert found["level_db"] == pytest.approx(-6.0206, abs=1e-3)
    assert found["kept_db"] == pytest.approx(-6.0206, abs=1e-3)
    assert found["onset_db"] == pytest.approx(-6.0206, abs=1e-3)
    assert found["onset_error_db"] == pytest.approx(6.0206, abs=1e-3)
    assert found["si_sdr_db"] == 100.0
    assert found["improvement_db"] is None
    assert found["gap_db"] is None


def test_level_counts_what_is_left_of_the_noise_and_keeping_does_not() -> None:
    clean = white(1)
    other = white(2)
    other -= (other * clean).sum() / (clean**2).sum() * clean
    other *= np.sqrt((clean**2).sum() / (other**2).sum())
    assert level_db(clean, clean + other, RATE) == pytest.approx(3.0103, abs=0.1)
    assert kept_db(clean, clean + other) == pytest.approx(0.0, abs=1e-9)
    assert kept_db(clean, -clean) == -100.0  # turned over is gone, not kept


def test_the_multi_resolution_distance_of_a_gain_is_known() -> None:
    clean = white(3)
    # |1 - g| of convergence and |ln g| of the logarithms, in every window
    assert multi_resolution(clean, 0.5 * clean) == pytest.approx(0.5 + np.log(2), abs=2e-3)
    assert multi_resolution(clean, clean) == 0.0
    assert multi_resolution(clean, np.zeros_like(clean)) > 5.0


def test_log_spectral_distance_of_a_gain_is_the_gain() -> None:
    clean = white(4)
    found = measure(clean, np.zeros_like(clean), 2 * clean, RATE)
    assert found["log_spectral_db"] == pytest.approx(6.0206, abs=0.02)


def test_onsets_are_found_where_they_are() -> None:
    found = onset_frames(bursts(), RATE) / RATE
    np.testing.assert_allclose(found, [0.25, 0.7, 1.15, 1.6], atol=0.005)
    assert onset_frames(np.zeros((1, RATE)), RATE).size == 0
    assert onsets_db(np.zeros((1, RATE)), white(1), RATE) is None


def test_only_the_onset_that_was_softened_counts() -> None:
    clean = bursts()
    other = clean.copy()
    begin = onset_frames(clean, RATE)[1]
    other[:, begin : begin + round(0.02 * RATE)] *= 10 ** (-2 / 20)
    found = onsets_db(clean, other, RATE)
    assert found is not None
    np.testing.assert_allclose(found, [0, -2, 0, 0], atol=1e-9)


def test_gaps_are_where_the_clean_sound_is_silent() -> None:
    clean, noise = bursts(), 0.01 * white(1, 2.0)
    other = clean + noise
    other[:, : RATE // 4] = 0.0  # the first gap alone is emptied
    part = gaps_db(clean, noise, other, RATE)
    assert part is not None
    assert -3.0 < part < -0.3
    loud = 1.0 + np.abs(white(1, 2.0))
    assert gaps_db(loud, noise, other, RATE) is None  # there is no gap


def test_channels_count_together() -> None:
    clean = np.concatenate([bursts(), bursts()])
    half = clean * np.array([[1.0], [0.0]])
    assert kept_db(clean, half) == pytest.approx(-6.0206, abs=1e-3)
    assert level_db(clean, half, RATE) == pytest.approx(-3.0103, abs=1e-3)


def test_a_perfect_voice_has_the_best_scores() -> None:
    for package in SPEECH.values():
        pytest.importorskip(package)
    from engine.denoising_evaluation.alignment import probe

    voice = probe(RATE)[np.newaxis]
    noise = 0.05 * np.random.default_rng(1).standard_normal(voice.shape).astype(np.float32)
    best, worse = (measure_speech(voice, x, RATE) for x in (voice, voice + noise))
    assert best["pesq"] == pytest.approx(4.64, abs=0.01)
    assert best["stoi"] == pytest.approx(1.0, abs=1e-3)
    for key in SPEECH:
        assert worse[key] is not None
        assert worse[key] < best[key], key  # type: ignore[operator]
    assert measure_speech(voice, np.zeros_like(voice), RATE)["pesq"] is None
