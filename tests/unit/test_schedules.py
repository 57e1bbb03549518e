"""Schedules of diffusion: published numbers, exact conversions, subsets of steps, the search."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from engine.schedules import (
    BETAS,
    DIFFWAVE_FAST_BETAS,
    WAVEGRAD_FAST_BETAS,
    aligned_timesteps,
    alpha_bar,
    alpha_bar_from_sigma,
    cosine_betas,
    diffwave_betas,
    flow_time_from_sigma,
    karras_sigmas,
    linear_betas,
    log_snr_from_sigma,
    noise_level_from_sigma,
    respaced,
    search_betas,
    sigma_from_alpha_bar,
    sigma_from_flow_time,
    sigma_from_log_snr,
    vp_sigmas,
    wavegrad_betas,
)


def test_diffwaves_fast_steps_are_aligned_as_published() -> None:
    levels = np.sqrt(alpha_bar(DIFFWAVE_FAST_BETAS))
    found = aligned_timesteps(levels, diffwave_betas(50))
    np.testing.assert_allclose(found, [0, 0.894, 4.087, 10.452, 22.992, 42.919], atol=6e-4)


@pytest.mark.parametrize("name", sorted(BETAS))
@pytest.mark.parametrize("steps", [1, 50, 1000])
def test_every_training_timestep_is_aligned_with_itself(name: str, steps: int) -> None:
    betas = BETAS[name](steps)
    assert betas.dtype == np.float64
    assert betas.shape == (steps,)
    kept = alpha_bar(betas)
    assert np.all(np.diff(kept) < 0.0)
    np.testing.assert_allclose(
        aligned_timesteps(np.sqrt(kept), betas), np.arange(steps), atol=1e-9 * steps
    )
    assert aligned_timesteps([1.0, 0.0], betas).tolist() == [0.0, steps - 1.0]


def test_published_schedules() -> None:
    assert alpha_bar(linear_betas(1000))[-1] == pytest.approx(4.0e-5, rel=0.02)  # Ho 2020
    np.testing.assert_allclose(diffwave_betas()[[0, -1]], [1e-4, 0.05])
    np.testing.assert_allclose(wavegrad_betas()[[0, -1]], [1e-6, 0.01])
    kept = alpha_bar(cosine_betas(1000))
    assert kept[499] == pytest.approx(math.cos(0.508 / 1.008 * math.pi / 2) ** 2, rel=1e-3)
    assert cosine_betas(1000).max() == 0.999
    for fast in (DIFFWAVE_FAST_BETAS, WAVEGRAD_FAST_BETAS):
        assert len(fast) == 6
        assert list(fast) == sorted(fast)


@pytest.mark.parametrize("wrong", [[0.0], [1.0], [0.5, math.nan], [], [[0.1]]])
def test_alpha_bar_refuses_what_is_no_schedule(wrong: list[float]) -> None:
    with pytest.raises(ValueError, match="betas must be"):
        alpha_bar(wrong)


@pytest.mark.parametrize(("steps", "start", "end"), [(0, 0.1, 0.2), (5, 0.0, 0.1), (5, 0.3, 0.2)])
def test_linear_betas_refuse_nonsense(steps: int, start: float, end: float) -> None:
    with pytest.raises(ValueError, match=r"at least 1|must rise"):
        linear_betas(steps, start, end)


def test_scales_convert_there_and_back() -> None:
    sigma = np.geomspace(1e-4, 1e4, 33)
    np.testing.assert_allclose(sigma_from_flow_time(flow_time_from_sigma(sigma)), sigma, rtol=1e-11)
    np.testing.assert_allclose(sigma_from_log_snr(log_snr_from_sigma(sigma)), sigma, rtol=1e-13)
    np.testing.assert_allclose(noise_level_from_sigma(sigma) ** 2, alpha_bar_from_sigma(sigma))
    np.testing.assert_allclose(
        log_snr_from_sigma(sigma),
        np.log(alpha_bar_from_sigma(sigma) / (1 - alpha_bar_from_sigma(sigma))),
        rtol=1e-7, atol=1e-7,
    )  # fmt: skip
    larger = sigma[sigma > 1e-2]  # nearer to clean 1 - alpha_bar has few digits left
    np.testing.assert_allclose(
        sigma_from_alpha_bar(alpha_bar_from_sigma(larger)), larger, rtol=1e-10
    )


@pytest.mark.parametrize("trained", [1, 2, 7, 50, 1000])
@pytest.mark.parametrize("spacing", ["even", "quadratic"])
def test_respaced_steps_rise_and_end_with_the_noisiest(trained: int, spacing: str) -> None:
    assert respaced(trained, trained, spacing) == tuple(range(trained))
    for steps in range(1, min(trained, 60) + 1):
        chosen = respaced(steps, trained, spacing)
        assert len(chosen) == steps
        assert chosen[-1] == trained - 1
        assert chosen[0] >= 0
        assert all(a < b for a, b in itertools.pairwise(chosen))
    for wrong in (0, trained + 1):
        with pytest.raises(ValueError, match="steps must be"):
            respaced(wrong, trained, spacing)


def test_respacing_knows_its_spacings() -> None:
    assert respaced(5, 101) == (0, 25, 50, 75, 100)
    assert respaced(5, 101, "quadratic") == (0, 6, 25, 56, 100)
    with pytest.raises(ValueError, match="expected 'even' or 'quadratic'"):
        respaced(5, 101, "cubic")


def test_sigmas_descend_to_zero() -> None:
    betas = linear_betas(1000)
    whole = vp_sigmas(betas)
    assert len(whole) == 1001
    assert whole[0] == pytest.approx(157.4, rel=1e-3)
    assert vp_sigmas(betas, respaced(1000, 1000)) == whole
    assert vp_sigmas(betas, (0, 999)) == (whole[0], whole[999], 0.0)
    for sigmas in (whole, karras_sigmas(18, 0.002, 80.0), karras_sigmas(1, 0.002, 80.0)):
        assert all(a > b for a, b in itertools.pairwise(sigmas))
        assert sigmas[-1] == 0.0
        assert all(type(sigma) is float for sigma in sigmas)
    assert karras_sigmas(1, 0.002, 80.0) == pytest.approx((80.0, 0.0))
    assert karras_sigmas(18, 0.002, 80.0)[17] == pytest.approx(0.002)
    for steps, low, high in ((0, 0.1, 1.0), (4, 0.0, 1.0), (4, 1.0, 1.0)):
        with pytest.raises(ValueError, match="must be"):
            karras_sigmas(steps, low, high)


def test_search_finds_the_schedule_that_scores_best() -> None:
    tried: list[tuple[float, ...]] = []
    trials: list[tuple[int, int]] = []

    def distance(betas: np.ndarray | tuple[float, ...]) -> float:
        return float(np.abs(np.log(np.divide(betas, WAVEGRAD_FAST_BETAS))).sum())

    def score(betas: np.ndarray) -> float:
        tried.append(tuple(betas))
        return distance(betas)

    best, least = search_betas(score, on_trial=lambda done, of: trials.append((done, of)))
    assert len(set(tried)) == 3**6
    assert trials[0] == (1, 729)
    assert trials[-1] == (729, 729)
    assert all(list(betas) == sorted(betas) for betas in tried)
    assert min(map(min, tried)) == pytest.approx(1e-6)
    assert max(map(max, tried)) < 1.0
    np.testing.assert_allclose(best, min(tried, key=distance))
    assert least == distance(best)


def test_search_passes_over_what_is_not_a_number() -> None:
    scores = iter([math.nan, 3.0, math.nan, 5.0])
    assert search_betas(lambda _betas: next(scores), steps=2, digits=2)[1] == 3.0
    with pytest.raises(ValueError, match="finite score"):
        search_betas(lambda _betas: math.nan, steps=1, digits=2)
    for wrong in ({"steps": 0}, {"digits": 0}, {"low": 0.0}, {"high": 2.0}):
        with pytest.raises(ValueError, match=r"at least 1|expected 0"):
            search_betas(lambda _betas: 0.0, **wrong)
