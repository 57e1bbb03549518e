"""The samplers against closed-form answers, on NumPy and on torch."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from engine.denoisers import FlowDenoiser, add_noise, denoised_from_velocity
from engine.samplers import SAMPLERS, consistency, euler, heun, philox_noise
from engine.schedules import MAX_STEPS, flow_times, shift_time

FloatArray = npt.NDArray[np.float64]
MEAN, STD = 0.7, 0.3


def gaussian_denoiser(x: FloatArray, t: float) -> FloatArray:
    """The exact E[x_0 | x_t] when x_0 ~ N(MEAN, STD^2): a linear shrinkage towards the mean."""
    variance = (1.0 - t) ** 2 * STD**2 + t**2
    return MEAN + (1.0 - t) * STD**2 / variance * (x - (1.0 - t) * MEAN)


def ignore(done: int, steps: int) -> None:
    """A step hook that does nothing."""


def no_noise(draw: int) -> FloatArray:
    raise AssertionError("an ODE sampler must draw no noise")


def exact_flow(eps: FloatArray) -> FloatArray:
    """Where the probability-flow ODE of a Gaussian ends: the same quantile of N(MEAN, STD^2)."""
    return MEAN + STD * eps


@pytest.mark.parametrize(("sampler", "order"), [(euler, 1), (heun, 2)])
def test_ode_samplers_converge_to_the_gaussian_flow_at_their_order(
    sampler: Callable[..., FloatArray], order: int
) -> None:
    eps = np.random.default_rng(1).standard_normal((1, 4, 50))
    errors = []
    for steps in (20, 40):
        end = sampler(gaussian_denoiser, eps, flow_times(steps), no_noise, ignore)
        errors.append(float(np.abs(end - exact_flow(eps)).max()))
    assert errors[1] < errors[0] / (2**order * 0.75)
    assert errors[1] < 0.05


@pytest.mark.parametrize("steps", [1, 2, 4, 8])
def test_consistency_keeps_the_gaussian_distribution_at_any_number_of_steps(steps: int) -> None:
    """With the exact consistency function every ping-pong step returns exact samples."""

    def consistency_function(x: FloatArray, t: float) -> FloatArray:
        spread = np.sqrt((1.0 - t) ** 2 * STD**2 + t**2)
        return MEAN + STD * (x - (1.0 - t) * MEAN) / spread

    rng = np.random.default_rng(2)
    end = consistency(
        consistency_function,
        rng.standard_normal((1, 8, 5000)),
        flow_times(steps),
        lambda _draw: rng.standard_normal((1, 8, 5000)),
        ignore,
    )
    assert end.mean() == pytest.approx(MEAN, abs=0.01)
    assert end.std() == pytest.approx(STD, abs=0.01)


@pytest.mark.parametrize("name", sorted(SAMPLERS))
def test_numpy_and_torch_agree(name: str) -> None:
    torch = pytest.importorskip("torch")
    x = philox_noise(3, 0, 0, 6, 20)

    def draw(k: int) -> npt.NDArray[np.float32]:
        return philox_noise(3, 0, k, 6, 20)

    times = flow_times(5)
    with_numpy = SAMPLERS[name](gaussian_denoiser, x, times, draw, ignore)
    with_torch = SAMPLERS[name](
        gaussian_denoiser, torch.from_numpy(x), times, lambda k: torch.from_numpy(draw(k)), ignore
    )
    assert with_numpy.dtype == np.float32
    np.testing.assert_allclose(with_torch.numpy(), with_numpy, atol=2e-6)


@pytest.mark.parametrize("name", sorted(SAMPLERS))
def test_step_hook_counts_up_and_can_stop_the_run(name: str) -> None:
    seen: list[tuple[int, int]] = []

    def hook(done: int, steps: int) -> None:
        seen.append((done, steps))
        if done == 2:
            raise InterruptedError

    x = np.zeros((1, 2, 3))
    with pytest.raises(InterruptedError):
        SAMPLERS[name](gaussian_denoiser, x, flow_times(4), lambda _draw: x, hook)
    assert seen == [(1, 4), (2, 4)]


def test_flow_denoiser_inverts_the_flow_for_the_true_velocity() -> None:
    rng = np.random.default_rng(4)
    clean, eps = rng.standard_normal((2, 1, 3, 4))
    denoise = FlowDenoiser(lambda _x, _t: eps - clean)
    np.testing.assert_allclose(denoise(add_noise(clean, eps, 0.4), 0.4), clean, atol=1e-12)
    times = np.array([0.1, 0.9])[:, None, None]
    both = np.broadcast_to(clean, (2, 3, 4)) * (1 - times) + times * eps
    np.testing.assert_allclose(
        denoised_from_velocity(both, times, np.broadcast_to(eps - clean, (2, 3, 4))),
        np.broadcast_to(clean, (2, 3, 4)),
        atol=1e-12,
    )


@pytest.mark.parametrize("steps", [1, 2, 7, MAX_STEPS])
@pytest.mark.parametrize("start", [1.0, 0.5, 1e-3])
@pytest.mark.parametrize("shift", [0.5, 1.0, 3.0])
def test_flow_times_descend_from_start_to_zero(steps: int, start: float, shift: float) -> None:
    times = flow_times(steps, start=start, shift=shift)
    assert len(times) == steps + 1
    assert times[0] == start
    assert times[-1] == 0.0
    assert all(a > b for a, b in itertools.pairwise(times))


@pytest.mark.parametrize(("steps", "start"), [(0, 1.0), (MAX_STEPS + 1, 1.0), (4, 0.0), (4, 1.1)])
def test_flow_times_refuse_nonsense(steps: int, start: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        flow_times(steps, start=start)


def test_shift_needs_a_positive_number() -> None:
    with pytest.raises(ValueError, match="above 0"):
        shift_time(np.array([0.5]), 0.0)


def test_noise_depends_on_seed_index_and_draw_and_on_nothing_else() -> None:
    first = philox_noise(7, 0, 0, 5, 9)
    np.testing.assert_array_equal(first, philox_noise(7, 0, 0, 5, 9))
    for other in ((8, 0, 0), (7, 1, 0), (7, 0, 1)):
        assert np.abs(first - philox_noise(*other, 5, 9)).max() > 0.1
    longer = philox_noise(7, 0, 0, 5, 30)
    np.testing.assert_array_equal(longer[:, :, :9], first)
    assert first.shape == (1, 5, 9)
    assert first.dtype == np.float32


def test_noise_is_normal_and_takes_the_whole_range_of_seeds() -> None:
    for seed in (0, 2**63 - 1, 2**64 - 1):
        noise = philox_noise(seed, 2**32, 3, 64, 2000)
        assert noise.mean() == pytest.approx(0.0, abs=0.02)
        assert noise.std() == pytest.approx(1.0, abs=0.02)
    with pytest.raises(ValueError, match="seed"):
        philox_noise(-1, 0, 0, 1, 1)
