"""Drawing codes: top-k, top-p and guidance by hand; delays; the cache changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch

from engine.errors import BadRange, RecipeError
from engine.frameworks import Batch, DataInfo, Parts
from engine.frameworks import autoregressive as framework
from engine.frameworks.autoregressive import draw_codes
from engine.frameworks.sampling import Noise, Order
from engine.networks import rnn, transformer
from engine.networks.interface import Conditions, NetworkBuilder, no_conditions
from engine.networks.token_prior import TokenPrior
from engine.samplers.autoregressive import (
    CodeSampling,
    autoregressive,
    draw,
    guided,
    probabilities,
)

LOGITS = np.log(np.array([0.1, 0.4, 0.2, 0.3]))
INFO = DataInfo(44_100, 2, 8, ("up", "down"), ("height",), codebook_size=6)
MAKERS: dict[str, NetworkBuilder] = {
    "transformer": lambda shapes: transformer.build(transformer.Settings(32, 2, 2, 2.0), shapes),
    "rnn": lambda shapes: rnn.build(rnn.Settings(32, 2), shapes),
}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def prior(kind: str = "rnn") -> TokenPrior:
    """A prior whose every weight matters: networks begin with zeros, which would hide faults."""
    torch.manual_seed(0)
    network = framework.prior(framework.Settings(width=32), MAKERS[kind], None, INFO)
    for parameter in network.parameters():
        if float(parameter.detach().abs().max()) == 0.0:
            torch.nn.init.normal_(parameter, std=0.3)
    return network.eval()


def built(network: TokenPrior) -> framework.Autoregressive:
    return framework.build(framework.Settings(width=32), Parts(network, None, INFO, 10))


def conditions(rows: int, guidance: float = 1.0) -> Conditions:
    category, scale = torch.arange(rows) % 2, torch.full((rows,), guidance)
    nothing = no_conditions(torch.zeros(rows, 1, 1), 1)
    return nothing._replace(category=category, guidance=scale)


def noise(seed: int) -> Noise:
    def draw(k: int, shape: tuple[int, ...]) -> torch.Tensor:
        numbers = np.random.Generator(np.random.Philox(key=[seed, k])).standard_normal(shape)
        return torch.from_numpy(numbers.astype(np.float32))

    return draw


def uniform(seed: int) -> Callable[[int, tuple[int, int]], np.ndarray]:
    rng = np.random.default_rng(seed)
    return lambda position, shape: rng.random(shape)


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        (CodeSampling(), [0.1, 0.4, 0.2, 0.3]),
        (CodeSampling(temperature=0.0), [0, 1, 0, 0]),
        (CodeSampling(temperature=0.5), [1 / 30, 16 / 30, 4 / 30, 9 / 30]),
        (CodeSampling(top_k=2), [0, 4 / 7, 0, 3 / 7]),
        (CodeSampling(top_k=9), [0.1, 0.4, 0.2, 0.3]),
        (CodeSampling(top_p=0.69), [0, 4 / 7, 0, 3 / 7]),
        (CodeSampling(top_p=0.71), [0, 4 / 9, 2 / 9, 3 / 9]),
        (CodeSampling(top_p=0.01), [0, 1, 0, 0]),
        (CodeSampling(top_k=3, top_p=0.5), [0, 4 / 7, 0, 3 / 7]),  # 0.4 / 0.9 is below 0.5
    ],
)
def test_distributions_by_hand(sampling: CodeSampling, expected: list[float]) -> None:
    np.testing.assert_allclose(probabilities(LOGITS, sampling), expected, atol=1e-12)
    batched = probabilities(np.stack([LOGITS, LOGITS[::-1]])[:, None], sampling)
    np.testing.assert_allclose(batched[1, 0], expected[::-1], atol=1e-12)


def test_equal_logits_keep_exactly_k() -> None:
    share = probabilities(np.zeros(5), CodeSampling(top_k=2))
    assert share.tolist() == [0.5, 0.5, 0, 0, 0]


def test_the_hook_offers_every_way_and_one_step() -> None:
    network = prior()
    sampling = built(network).sampling()
    assert list(sampling.samplers) == ["top_p", "top_k", "plain", "greedy"]
    order = Order(conditions(2), 5, noise(0))
    greedy = [sampling.draw(network, Order(conditions(2), 5, noise(s)), "greedy").x for s in (0, 1)]
    assert torch.equal(greedy[0], greedy[1])
    with pytest.raises(BadRange, match="steps is 3; sampler 'top_p' goes frame by frame"):
        sampling.draw(network, order, steps=3)
    wrong = framework.Settings(width=32, top_p=0.0)
    with pytest.raises(RecipeError, match=r"framework autoregressive: .*expected temperature"):
        framework.build(wrong, Parts(network, None, INFO, 10))


@pytest.mark.parametrize("wrong", [{"temperature": -1.0}, {"top_k": -1}, {"top_p": 0.0}])
def test_senseless_sampling_is_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="expected temperature"):
        CodeSampling(**wrong)


def test_guidance_by_hand() -> None:
    unconditional = np.log(np.array([0.25, 0.25, 0.25, 0.25]))
    one, two = np.array([1.0]), np.array([2.0])
    assert np.allclose(guided(LOGITS[None], unconditional[None], one), LOGITS)
    squared = np.array([0.01, 0.16, 0.04, 0.09])
    moved = guided(LOGITS[None] + 3.0, unconditional[None] - 5.0, two)
    np.testing.assert_allclose(
        probabilities(moved, CodeSampling())[0], squared / squared.sum(), atol=1e-12
    )


def test_draws_invert_the_cumulative_distribution() -> None:
    share = np.array([0.0, 0.25, 0.5, 0.25, 0.0])
    uniform = np.array([0.0, 0.2499, 0.25, 0.7499, 0.75, np.nextafter(1.0, 0.0)])
    assert draw(np.tile(share, (6, 1)), uniform).tolist() == [1, 1, 2, 2, 3, 3]


def test_draws_follow_the_distribution() -> None:
    codes = autoregressive(
        lambda before: np.tile(LOGITS, (*before.shape, 1)), (4, 2, 5000), 4,
        uniform(0), CodeSampling(), lambda done, of: None,
    )  # fmt: skip
    np.testing.assert_allclose(np.bincount(codes.ravel()) / codes.size, np.exp(LOGITS), atol=0.01)


def test_each_stage_is_told_the_stage_before_of_its_own_frame() -> None:
    told: list[list[int]] = []

    def next_logits(before: np.ndarray) -> np.ndarray:
        told.append(before[0].tolist())
        wanted = (len(told) - 1) % 10  # the position's own number
        return np.where(np.arange(11) == wanted, 0.0, -np.inf)[None, None].repeat(3, 1)

    with np.errstate(invalid="raise"):
        codes = autoregressive(
            next_logits, (1, 3, 4), 10, uniform(0), CodeSampling(),
            lambda done, of: None,
        )  # fmt: skip
    assert codes[0].tolist() == [[0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5]]
    assert told == [[10, 10, 10], [0, 10, 10], [1, 1, 10], [2, 2, 2], [3, 3, 3], [10, 4, 4]]


def test_delaying_and_back() -> None:
    network = prior()
    codes = torch.randint(6, (3, 2, 5), generator=torch.Generator().manual_seed(0))
    delayed = network.delayed(codes)
    assert delayed[0, 1].tolist() == [6, *codes[0, 1].tolist()]
    assert delayed[0, 0].tolist() == [*codes[0, 0].tolist(), 6]
    assert torch.equal(network.undelayed(delayed), codes)


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_a_code_is_told_nothing_of_itself_and_what_follows(kind: str) -> None:
    network, nothing = prior(kind), conditions(1)
    codes = torch.randint(6, (1, 2, 8), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        before = network(codes, nothing)
        for stage, frame in ((0, 3), (1, 3)):
            changed = codes.clone()
            changed[0, stage, frame] = (changed[0, stage, frame] + 1) % 6
            moved = (network(changed, nothing) - before).abs().amax(dim=(0, 2)) > 1e-6
            position = frame + stage
            for k in (0, 1):
                assert not moved[k, : max(0, position - k + 1)].any()
                assert moved[k, position - k + 1 :].any()


@pytest.mark.parametrize("kind", sorted(MAKERS))
@pytest.mark.parametrize("guidance", [1.0, 2.5])
def test_the_cache_changes_nothing(kind: str, guidance: float) -> None:
    network, sampling = prior(kind), CodeSampling(temperature=0.9, top_k=5)
    order = Order(conditions(3, guidance), 20, noise(7))
    drawn = [draw_codes(network, order, sampling, cached) for cached in (True, False)]
    assert drawn[0].x.shape == (3, 2, 20)
    assert drawn[0].nfe == (21 if guidance == 1.0 else 42)
    assert torch.equal(drawn[0].x, drawn[1].x)


def test_stepping_gives_the_logits_of_the_whole() -> None:
    network, told = prior("transformer"), conditions(2)
    codes = torch.randint(7, (2, 2, 9), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        whole = network.logits(codes, told)
        state, parts = None, []
        for position in range(9):
            logits, state = network.step(codes[:, :, position : position + 1], told, state)
            parts.append(logits)
    torch.testing.assert_close(torch.cat(parts, dim=3), whole, atol=1e-5, rtol=1e-4)


def test_a_seed_gives_the_same_codes_and_longer_sounds_begin_alike() -> None:
    network = prior()

    def codes(frames: int, seed: int) -> torch.Tensor:
        order = Order(conditions(2), frames, noise(seed))
        return built(network).sampling().draw(network, order, "plain").x

    assert torch.equal(codes(10, 1), codes(10, 1))
    assert torch.equal(codes(10, 1)[:, 0], codes(15, 1)[:, 0, :10])
    assert not torch.equal(codes(10, 1), codes(10, 2))


def learnt(kind: str, steps: int) -> tuple[TokenPrior, list[float]]:
    """Category 0 counts up from a random code, 1 down; stage 1 repeats stage 0 plus one."""
    torch.manual_seed(0)
    network = framework.prior(framework.Settings(width=32), MAKERS[kind], None, INFO)
    trained = built(network)
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    losses = []
    for step in range(steps):
        category = torch.randint(2, (32,), generator=generator)
        begin = torch.randint(6, (32, 1), generator=generator)
        first = (begin + (1 - 2 * category[:, None]) * torch.arange(8)) % 6
        x = torch.stack((first, (first + 1) % 6), dim=1)
        batch = Batch(x, torch.full((32,), 8), category, torch.full((32, 1), float("nan")))
        loss = trained.loss(batch, generator, step)["total"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return network.eval(), losses


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_the_prior_learns_to_count_as_the_category_says(kind: str) -> None:
    network, losses = learnt(kind, 250)
    # of 16 codes only the first is free: log(6) / 16, and a little where the category is withheld
    assert losses[0] == pytest.approx(np.log(6), abs=0.4)
    assert np.mean(losses[-20:]) < 0.35
    order = Order(conditions(20, guidance=1.5), 8, noise(0))
    codes = built(network).sampling().draw(network, order, "top_p").x
    up, down = codes[::2, 0].diff() % 6 == 1, codes[1::2, 0].diff() % 6 == 5
    assert up.float().mean() > 0.9
    assert down.float().mean() > 0.9
    assert ((codes[:, 1] - codes[:, 0]) % 6 == 1).float().mean() > 0.9


def test_cancelling_ends_the_run() -> None:
    def stop(done: int, of: int) -> None:
        assert of == 6
        if done == 3:
            raise KeyboardInterrupt

    calls: list[int] = []

    def logits(before: np.ndarray) -> np.ndarray:
        calls.append(1)
        return np.zeros((*before.shape, 4))

    run: Callable[[], object] = lambda: autoregressive(
        logits, (1, 1, 6), 4, uniform(0), CodeSampling(), stop
    )
    with pytest.raises(KeyboardInterrupt):
        run()
    assert len(calls) == 3
