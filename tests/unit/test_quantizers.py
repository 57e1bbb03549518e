"""Quantisers: closed forms of the moving averages, gradients, revival, residual stages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from engine.quantizers import Codebook, QuantizerSettings, ResidualQuantizer

CENTRES = torch.tensor([[4.0, 0.0], [-4.0, 0.0], [0.0, 4.0], [0.0, -4.0]])


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def clusters(each: int = 50) -> Tensor:
    """Points around CENTRES, cluster by cluster: (4 each, 2)."""
    return CENTRES.repeat_interleave(each, 0) + 0.3 * torch.randn(4 * each, 2, generator=seeded())


def latent(rows: Tensor) -> Tensor:
    return rows.T[None]


def near_centres(book: Codebook) -> Codebook:
    book.vectors.copy_(CENTRES * 0.6)
    book.sums.copy_(book.vectors)
    return book


def test_nearest_is_the_nearest() -> None:
    book = Codebook(QuantizerSettings(codes=7), 3)
    x = torch.randn(40, 3, generator=seeded())
    assert torch.equal(book.nearest(x), torch.cdist(x, book.vectors).argmin(1))


def test_one_moving_average_step_is_the_papers() -> None:
    book = near_centres(Codebook(QuantizerSettings(codes=4, decay=0.9, revive_below=0.0), 2))
    x = torch.tensor([[3.0, 0.0], [5.0, 1.0], [0.0, -4.0]])
    codes = book.nearest(x)
    assert codes.tolist() == [0, 0, 3]
    book.learn(x, codes, seeded())
    assert book.uses.tolist() == pytest.approx([0.9 + 0.2, 0.9, 0.9, 0.9 + 0.1])
    expected = (0.9 * 0.6 * CENTRES[0] + 0.1 * (x[0] + x[1])) / 1.1
    assert torch.allclose(book.vectors[0], expected)
    assert torch.allclose(book.vectors[1], 0.6 * CENTRES[1])  # unused: it keeps its place


def test_moving_averages_converge_to_the_cluster_means() -> None:
    book, x = near_centres(Codebook(QuantizerSettings(codes=4, decay=0.8), 2)), clusters()
    for _ in range(120):
        book.learn(x, book.nearest(x), seeded())
    assert torch.allclose(book.vectors, x.reshape(4, 50, 2).mean(1), atol=1e-5)
    assert book.perplexity() == pytest.approx(4.0, rel=1e-5)
    assert book.used() == 1.0


def test_fitting_finds_the_clusters_and_takes_fewer_points_than_codes() -> None:
    book, x = Codebook(QuantizerSettings(codes=16), 2), clusters()
    book.fit(x, seeded())
    assert (x - book.vectors[book.nearest(x)]).norm(dim=1).mean() < 0.3
    book.fit(x[:3], seeded())
    assert torch.equal(book.vectors[book.nearest(x[:3])], x[:3])


def test_dead_codes_are_revived_onto_the_data() -> None:
    settings = QuantizerSettings(codes=8, decay=0.5, revive_below=0.05)
    book, x = Codebook(settings, 2), clusters()
    book.vectors.fill_(100.0)  # far away: all but the first would stay dead
    book.sums.fill_(100.0)
    for step in range(30):
        book.learn(x, book.nearest(x), seeded(step))
    assert (x - book.vectors[book.nearest(x)]).norm(dim=1).max() < 2.5
    assert book.used() == 1.0
    stays = Codebook(QuantizerSettings(codes=8, decay=0.5, revive_below=0.0), 2)
    stays.vectors.fill_(100.0)
    stays.sums.fill_(100.0)
    for step in range(30):
        stays.learn(x, stays.nearest(x), seeded(step))
    assert stays.perplexity() == pytest.approx(1.0, abs=1e-4)


def test_gradient_goes_straight_through_and_commitment_pulls_the_input_alone() -> None:
    quantizer = ResidualQuantizer(QuantizerSettings(codes=4), 2)
    z = torch.randn(2, 2, 5, generator=seeded(), requires_grad=True)
    out = quantizer(z)
    weight = torch.randn(2, 2, 5, generator=seeded(1))
    (slope,) = torch.autograd.grad((out.latent * weight).sum(), z, retain_graph=True)
    assert torch.allclose(slope, weight)
    assert torch.allclose(out.latent, quantizer.decode(out.codes), atol=1e-6)
    assert torch.allclose(out.commitment, (z - out.latent).square().mean())
    (pull,) = torch.autograd.grad(out.commitment, z)
    assert torch.allclose(pull, 2 * (z - out.latent).detach() / z.numel(), atol=1e-6)
    assert not list(quantizer.parameters())


@pytest.mark.parametrize("length", [1, 5])
def test_shapes(length: int) -> None:
    out = ResidualQuantizer(QuantizerSettings(codebooks=3, codes=4), 2)(torch.zeros(2, 2, length))
    assert out.latent.shape == (2, 2, length)
    assert out.codes.shape == (2, 3, length)
    assert out.codes.dtype == torch.int64
    assert out.commitment.shape == ()


def test_each_residual_stage_leaves_less() -> None:
    x = latent(torch.randn(400, 4, generator=seeded()))
    quantizer = ResidualQuantizer(QuantizerSettings(codebooks=4, codes=16), 4)
    quantizer.fit(x, seeded())
    codes = quantizer(x).codes
    errors = [float((quantizer.decode(codes[:, :k]) - x).square().mean()) for k in (1, 2, 3, 4)]
    assert errors == sorted(errors, reverse=True)
    assert errors[3] < 0.35 * errors[0]


def test_learning_is_determined_by_the_generator_and_state_can_be_saved() -> None:
    x = latent(clusters())
    books = [ResidualQuantizer(QuantizerSettings(codebooks=2, codes=32), 2) for _ in range(2)]
    books[1].load_state_dict(books[0].state_dict())
    for step in range(5):
        numbers = [book.learn(x, seeded(step)) for book in books]
    assert 1.0 <= numbers[0]["perplexity"] <= 32.0
    assert 0.0 < numbers[0]["used"] <= 1.0
    states = [book.state_dict() for book in books]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
