"""The adversarial half of a codec's training: a discriminator of sounds, and what it asks for.

Hinge loss: Lim and Ye 2017 (arXiv 1705.02894); feature matching: Larsen et al. 2016 (arXiv
1512.09300). The discriminator sees in a step the very sounds that the decoder made in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.frameworks import Batch, Phase
from engine.networks.discriminators import RESOLUTIONS, MultiStftDiscriminator


@dataclass(frozen=True)
class CriticSettings:
    """Weights and beginnings of the adversarial terms."""

    adversarial_weight: float = 0.1
    feature_weight: float = 0.5
    discriminator_width: int = 16
    discriminators_per_step: int = 1  # drawn among the resolutions each step
    discriminator_from_step: int = 0  # spectral losses alone before
    adversarial_from_step: int = 200  # the discriminator learns alone for a while
    discriminator_rate: float = 1.0  # factor on the recipe's learning rate


class Critic(nn.Module):
    """A discriminator in several resolutions, some of them drawn each step."""

    def __init__(self, settings: CriticSettings) -> None:
        super().__init__()
        self.settings = settings
        self.discriminator = MultiStftDiscriminator(settings.discriminator_width)
        self._pair: tuple[Tensor, Tensor] | None = None
        self._which: list[int] = []

    def phase(self) -> Phase:
        """The discriminator's share of a step; it comes after the decoder's."""
        s = self.settings
        return Phase(
            "discriminator", tuple(self.parameters()), self.loss,
            s.discriminator_rate, from_step=s.discriminator_from_step,
        )  # fmt: skip

    def judge(
        self, real: Tensor, decoded: Tensor, generator: torch.Generator, step: int
    ) -> dict[str, Tensor]:
        """What the decoder minimises: "total", weighed, and its terms; {} before its time.

        real, decoded: (B, T). Both are kept for this step's ``loss``.
        """
        s = self.settings
        order = torch.randperm(len(RESOLUTIONS), generator=generator, device=generator.device)
        self._which = order[: s.discriminators_per_step].tolist()
        self._pair = real, decoded.detach()
        if step < s.adversarial_from_step:
            return {}
        with torch.no_grad():
            known = self.discriminator(real, self._which)
        made = self.discriminator(decoded, self._which)
        adversarial = torch.stack([generator_hinge(score) for score, _ in made]).mean()
        feature = feature_distance([f for _, f in known], [f for _, f in made])
        total = s.adversarial_weight * adversarial + s.feature_weight * feature
        return {"total": total, "adversarial": adversarial, "feature": feature}

    def loss(self, batch: Batch, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        """Hinge loss on this step's real and decoded sounds."""
        assert self._pair is not None
        real, fake = (self.discriminator(audio, self._which) for audio in self._pair)
        losses = [discriminator_hinge(a, b) for (a, _), (b, _) in zip(real, fake, strict=True)]
        return {"total": torch.stack(losses).mean()}


def discriminator_hinge(real: Tensor, fake: Tensor) -> Tensor:
    """Scores of real things should be above 1, those of made things below -1."""
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def generator_hinge(fake: Tensor) -> Tensor:
    """Scores of made things should be high."""
    return -fake.mean()


def feature_distance(real: Sequence[list[Tensor]], made: Sequence[list[Tensor]]) -> Tensor:
    """Mean L1 distance of all layers' features, each in units of the real ones' mean size."""
    return torch.stack(
        [
            F.l1_loss(b, a) / (a.abs().mean() + 1e-4)
            for known, found in zip(real, made, strict=True)
            for a, b in zip(known, found, strict=True)
        ]
    ).mean()
