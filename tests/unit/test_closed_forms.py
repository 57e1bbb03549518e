"""Samplers on a Gaussian, whose denoiser and paths are known exactly.

x_0 ~ N(MEAN, COVARIANCE) in two dimensions. Every sampler here is affine in the first x and in
each fresh noise, so its output's mean and covariance are computed exactly, without drawing.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from engine.denoisers import (
    FlowDenoiser,
    Parameterisation,
    SigmaDenoiser,
    edm_scaling,
    eps_scaling,
    flow_scaling,
    plain_scaling,
    raw_target,
    v_scaling,
    x0_scaling,
)
from engine.samplers import (
    SIGMA_SAMPLERS,
    ancestral,
    ddim,
    dpmpp_2m,
    edm,
    euler,
    heun,
    one_step,
    philox_noise,
    walkback,
)
from engine.schedules import (
    DIFFWAVE_FAST_BETAS,
    WAVEGRAD_FAST_BETAS,
    alpha_bar,
    diffwave_betas,
    flow_time_from_sigma,
    flow_times,
    karras_sigmas,
    linear_betas,
    respaced,
    sigma_from_flow_time,
    vp_sigmas,
)

FloatArray = npt.NDArray[np.float64]
MEAN = np.array([0.7, -0.2])
COVARIANCE = np.array([[0.5, 0.3], [0.3, 0.4]])
PARAMETERISATIONS: dict[str, Parameterisation] = {
    "eps": eps_scaling, "v": v_scaling, "x0": x0_scaling, "plain": plain_scaling,
    "flow": flow_scaling, "edm": functools.partial(edm_scaling, data_std=0.5),
}  # fmt: skip


def ignore(done: int, steps: int) -> None:
    """A step hook that does nothing."""


def no_noise(draw: int) -> FloatArray:
    raise AssertionError("an ODE sampler must draw no noise")


def exact(x: FloatArray, sigma: float) -> FloatArray:
    """E[x_0 | x] of rows x (N, 2) at a sigma."""
    gain = COVARIANCE @ np.linalg.inv(COVARIANCE + sigma**2 * np.eye(2))
    return MEAN + (x - MEAN) @ gain.T


def root(matrix: FloatArray) -> FloatArray:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(values)) @ vectors.T


def path_end(x: FloatArray, sigma: float) -> FloatArray:
    """Where the noise-free path through x at sigma ends: the consistency function."""
    back = root(COVARIANCE) @ np.linalg.inv(root(COVARIANCE + sigma**2 * np.eye(2)))
    return MEAN + (x - MEAN) @ back.T


def moments(
    sampler: Callable[..., FloatArray],
    times: Sequence[float],
    denoise: Callable[[FloatArray, float], FloatArray] = exact,
) -> tuple[FloatArray, FloatArray]:
    """Exact mean and covariance of a sampler that begins with the true x at times[0]."""

    def answer(x: FloatArray, shaken: int = 0) -> FloatArray:
        def noise(draw: int) -> FloatArray:
            return np.eye(2) if draw == shaken else np.zeros((2, 2))

        return sampler(denoise, np.broadcast_to(x, (2, 2)), times, noise, ignore)

    rest = answer(MEAN)
    begin = root(COVARIANCE + times[0] ** 2 * np.eye(2))
    gains = [answer(MEAN + begin) - rest]
    gains += [answer(MEAN, draw) - rest for draw in range(1, len(times))]
    return rest[0], np.sum([gain.T @ gain for gain in gains], axis=0)


@pytest.mark.parametrize(
    ("sampler", "steps", "tolerance"),
    [
        (euler, 200, 0.02), (ddim, 200, 0.02), (functools.partial(ddim, eta=0.5), 200, 0.02),
        (ancestral, 200, 0.03), (heun, 60, 4e-3), (dpmpp_2m, 60, 4e-3),
        (functools.partial(edm, churn=0.0), 60, 4e-3),
        (functools.partial(edm, churn=20.0, inflation=1.0), 100, 8e-3),
    ],
)  # fmt: skip
def test_mean_and_covariance_come_out_right(
    sampler: Callable[..., FloatArray], steps: int, tolerance: float
) -> None:
    mean, covariance = moments(sampler, karras_sigmas(steps, 2e-3, 40.0))
    np.testing.assert_allclose(mean, MEAN, atol=1e-12)
    np.testing.assert_allclose(covariance, COVARIANCE, atol=tolerance)


@pytest.mark.parametrize("sampler", [ancestral, functools.partial(ddim, eta=1.0)])
def test_stochastic_sampling_tends_to_the_data_at_first_order(
    sampler: Callable[..., FloatArray],
) -> None:
    wrong = [
        np.abs(moments(sampler, karras_sigmas(steps, 2e-3, 40.0))[1] - COVARIANCE).max()
        for steps in (50, 100, 200)
    ]
    assert 0.8 < math.log2(wrong[0] / wrong[1]) < 1.2
    assert 0.8 < math.log2(wrong[1] / wrong[2]) < 1.2


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_jumps_with_the_exact_consistency_function_are_exact(steps: int) -> None:
    for sampler in (walkback, one_step):
        mean, covariance = moments(sampler, karras_sigmas(steps, 0.1, 40.0), path_end)
        np.testing.assert_allclose(mean, MEAN, atol=1e-12)
        np.testing.assert_allclose(covariance, COVARIANCE, atol=1e-10)


@pytest.mark.parametrize(
    ("sampler", "order"),
    [(euler, 1), (ddim, 1), (heun, 2), (functools.partial(edm, churn=0.0), 2), (dpmpp_2m, 2)],
)
def test_halved_steps_show_each_solvers_order(
    sampler: Callable[..., FloatArray], order: int
) -> None:
    x = MEAN + 40.0 * np.random.default_rng(1).standard_normal((20, 2))
    wrong = []
    for steps in (100, 200, 400):
        end = sampler(exact, x, karras_sigmas(steps, 1e-4, 40.0), no_noise, ignore)
        wrong.append(np.abs(end - path_end(x, 40.0)).max())
    for coarse, fine in itertools.pairwise(wrong):
        assert math.log2(coarse / fine) == pytest.approx(order, abs=0.15)


def fresh(draw: int) -> FloatArray:
    return np.random.default_rng(draw).standard_normal((30, 2))


@pytest.mark.parametrize("steps", [1, 2, 7, 50])
def test_implicit_sampling_with_eta_one_is_ancestral_sampling(steps: int) -> None:
    times = vp_sigmas(diffwave_betas(), respaced(steps, 50))
    x = fresh(0) * times[0]
    np.testing.assert_allclose(
        ddim(exact, x, times, fresh, ignore, eta=1.0),
        ancestral(exact, x, times, fresh, ignore),
        atol=1e-12,
    )


def test_euler_is_implicit_sampling_and_edm_without_churn_is_heun() -> None:
    times = karras_sigmas(9, 0.01, 40.0)
    x = fresh(0) * times[0]
    first, second = (s(exact, x, times, no_noise, ignore) for s in (euler, ddim))
    np.testing.assert_allclose(first, second, atol=1e-12)
    calm = edm(exact, x, times, no_noise, ignore, churn=0.0)
    np.testing.assert_array_equal(calm, heun(exact, x, times, no_noise, ignore))


def as_in_the_papers(
    betas: FloatArray, noise_cond: Sequence[float], eps_network: Callable[..., FloatArray]
) -> FloatArray:
    """DDPM's alg. 2 with the posterior's variance, DiffWave's alg. 2 and WaveGrad's alg. 2.

    All three are x <- (x - beta / sqrt(1 - alpha_bar) eps) / sqrt(1 - beta) + std z on the
    variance-preserving scale; they differ in what the network is told.
    """
    kept = alpha_bar(betas)
    x = fresh(0)
    for n in reversed(range(len(betas))):
        eps = eps_network(x, noise_cond[n])
        x = (x - betas[n] / np.sqrt(1.0 - kept[n]) * eps) / np.sqrt(1.0 - betas[n])
        if n:
            variance = (1.0 - kept[n - 1]) / (1.0 - kept[n]) * betas[n]
            x = x + np.sqrt(variance) * fresh(len(betas) - n)
    return x


@pytest.mark.parametrize("betas", [linear_betas(60), DIFFWAVE_FAST_BETAS, WAVEGRAD_FAST_BETAS])
def test_ancestral_is_the_papers_algorithm(betas: Sequence[float]) -> None:
    """One run on the sigma scale equals the same run as ddpm, DiffWave and WaveGrad print it."""
    levels = np.sqrt(alpha_bar(betas))

    def eps_network(x: FloatArray, level: float) -> FloatArray:
        sigma = math.sqrt(1.0 / level**2 - 1.0)
        return (x / level - exact(x / level, sigma)) / sigma

    told: list[float] = []

    def noise_cond(sigma: float) -> float:
        told.append(1.0 / math.sqrt(1.0 + sigma**2))
        return told[-1]

    times = vp_sigmas(betas)
    denoise = SigmaDenoiser(eps_network, eps_scaling, noise_cond)
    x = fresh(0) / levels[-1]  # the papers' x_T, N(0, 1), on the sigma scale
    end = ancestral(denoise, x, times, fresh, ignore)
    np.testing.assert_allclose(told, levels[::-1], rtol=1e-12)
    paper = as_in_the_papers(np.asarray(betas), levels, eps_network)
    np.testing.assert_allclose(end, paper, atol=1e-9)


@pytest.mark.parametrize("spacing", ["even", "quadratic"])
def test_respaced_with_all_steps_is_full_ancestral_sampling(spacing: str) -> None:
    betas = linear_betas(80)
    whole = vp_sigmas(betas)
    x = fresh(0) * whole[0]
    np.testing.assert_array_equal(
        ancestral(exact, x, vp_sigmas(betas, respaced(80, 80, spacing)), fresh, ignore),
        ancestral(exact, x, whole, fresh, ignore),
    )


@pytest.mark.parametrize("name", sorted(PARAMETERISATIONS))
@pytest.mark.parametrize("sigma", [0.01, 0.7, 150.0])
def test_a_network_that_answers_its_target_denoises_exactly(name: str, sigma: float) -> None:
    rng = np.random.default_rng(5)
    clean, noise = rng.standard_normal((2, 3, 4, 5))
    scaling = PARAMETERISATIONS[name](sigma)
    seen: list[tuple[FloatArray, float]] = []

    def network(x: FloatArray, noise_cond: float) -> FloatArray:
        seen.append((x, noise_cond))
        return raw_target(scaling, sigma, clean, noise)

    denoise = SigmaDenoiser(network, PARAMETERISATIONS[name], lambda s: 10.0 * s)
    x = clean + sigma * noise
    np.testing.assert_allclose(denoise(x, sigma), clean, atol=1e-11)
    assert seen[0][1] == 10.0 * sigma
    kept = alpha_bar_of(sigma)
    t = float(flow_time_from_sigma(sigma))
    sees = {
        "plain": x,
        "flow": (1.0 - t) * clean + t * noise,
        "edm": x / math.sqrt(sigma**2 + 0.25),
    }.get(name, math.sqrt(kept) * clean + math.sqrt(1.0 - kept) * noise)
    np.testing.assert_allclose(seen[0][0], sees, atol=1e-11)
    wants = {
        "eps": noise,
        "v": math.sqrt(kept) * noise - math.sqrt(1.0 - kept) * clean,
        "flow": noise - clean,
        "edm": (clean - scaling.skip * x) / scaling.out,
    }.get(name, clean)
    np.testing.assert_allclose(raw_target(scaling, sigma, clean, noise), wants, atol=1e-10)


def alpha_bar_of(sigma: float) -> float:
    return 1.0 / (1.0 + sigma**2)


@pytest.mark.parametrize("sigma", [1e-3, 1.0, 1e3])
def test_edm_keeps_unit_variance_and_the_clean_sound_at_no_noise(sigma: float) -> None:
    d = 0.5
    skip, out, inward = edm_scaling(sigma, d)
    assert inward**2 * (sigma**2 + d**2) == pytest.approx(1.0)
    # what F must answer has variance 1 as well: Karras 2022, eq. 129
    assert ((1 - skip) ** 2 * d**2 + skip**2 * sigma**2) / out**2 == pytest.approx(1.0)
    assert edm_scaling(0.0, d)[:2] == (1.0, 0.0)


def test_a_flow_network_is_sampled_alike_on_both_scales() -> None:
    """Euler's steps in flow time are the same steps as implicit sampling's in sigma."""

    def velocity(x: FloatArray, t: float) -> FloatArray:
        return (x - exact(x / (1.0 - t), t / (1.0 - t))) / t

    times = flow_times(12, start=0.99)
    sigmas = tuple(sigma_from_flow_time(times).tolist())
    x = fresh(0)
    in_time = euler(FlowDenoiser(velocity), x, times, no_noise, ignore)
    denoise = SigmaDenoiser(velocity, flow_scaling, lambda s: float(flow_time_from_sigma(s)))
    in_sigma = ddim(denoise, x * (1.0 + sigmas[0]), sigmas, no_noise, ignore)
    np.testing.assert_allclose(in_time, in_sigma, atol=1e-11)


@pytest.mark.parametrize("name", sorted(SIGMA_SAMPLERS))
def test_numpy_and_torch_agree_in_single_precision(name: str) -> None:
    torch = pytest.importorskip("torch")

    def draw(k: int) -> npt.NDArray[np.float32]:
        return philox_noise(3, 0, k, 6, 20)

    def denoise(x, sigma: float):  # type: ignore[no-untyped-def]
        return x * (0.25 / (0.25 + sigma**2))

    times = karras_sigmas(5, 0.01, 40.0)
    x = draw(0) * times[0]
    here = SIGMA_SAMPLERS[name](denoise, x, times, draw, ignore)
    there = SIGMA_SAMPLERS[name](
        denoise, torch.from_numpy(x), times, lambda k: torch.from_numpy(draw(k)), ignore
    )
    assert here.dtype == np.float32
    np.testing.assert_allclose(there.numpy(), here, atol=5e-6)


@pytest.mark.parametrize("name", sorted(set(SIGMA_SAMPLERS) - {"one_step"}))
def test_a_step_hook_can_stop_any_sampler(name: str) -> None:
    seen: list[tuple[int, int]] = []

    def hook(done: int, steps: int) -> None:
        seen.append((done, steps))
        if done == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        SIGMA_SAMPLERS[name](exact, fresh(0), karras_sigmas(4, 0.1, 40.0), fresh, hook)
    assert seen == [(1, 4), (2, 4)]
