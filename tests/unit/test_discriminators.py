"""Discriminators: any length in, a score for each part, and each part hears what it should."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from engine.networks.discriminators import MultiStftDiscriminator
from engine.networks.patch_discriminator import PatchDiscriminator
from engine.networks.period_discriminator import MultiPeriodDiscriminator


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Tiny networks are slower on several threads, much slower on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("samples", [1, 2, 17, 256, 1000])
def test_discriminators_judge_any_length_and_teach_the_generator(samples: int) -> None:
    torch.manual_seed(0)
    audio = torch.randn(2, samples, requires_grad=True)
    judgements = [
        *MultiPeriodDiscriminator(4)(audio, [0, 3]),
        *MultiStftDiscriminator(4)(audio, [0]),
        PatchDiscriminator(1, 4)(audio.unsqueeze(1)),
        PatchDiscriminator(2, 4, axes=2)(audio.view(2, 1, 1, samples).expand(2, 2, 5, samples)),
    ]
    for scores, features in judgements:
        assert scores.shape[:2] == (2, 1)
        assert scores.isfinite().all()
        assert len(features) >= 4
        (gradient,) = torch.autograd.grad(scores.sum(), audio, retain_graph=True)
        assert gradient.isfinite().all()
        assert float(gradient.abs().max()) > 0.0


def test_a_period_hears_its_own_column_and_a_patch_its_own_frames() -> None:
    torch.manual_seed(0)
    audio = torch.zeros(1, 210, requires_grad=True)
    for index, period in enumerate((2, 3, 5, 7, 11)):
        ((scores, _),) = MultiPeriodDiscriminator(2)(audio, [index])
        assert scores.shape[3] == period
        (gradient,) = torch.autograd.grad(scores[..., 1].sum(), audio)
        heard = gradient[0, : 210 // period * period].abs().unflatten(0, (-1, period)).amax(dim=0)
        assert [bool(column) for column in heard] == [column == 1 for column in range(period)]
    x = torch.zeros(1, 1, 400, requires_grad=True)
    judge = PatchDiscriminator(1, 4)
    scores, _ = judge(x)
    (gradient,) = torch.autograd.grad(scores[0, 0, scores.shape[2] // 2], x)
    assert int((gradient != 0).sum()) == judge.patch == 93
