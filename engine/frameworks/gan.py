"""Generative adversarial network: one network call turns noise into a sound or its latents.

Goodfellow et al. 2014 (arXiv 1406.2661) with the hinge loss (Lim and Ye 2017, arXiv 1705.02894)
and the R1 penalty on real data (Mescheder et al. 2018, arXiv 1801.04406, equation 9), applied
every few steps (Karras et al. 2020, arXiv 1912.04958, section 3.1). Noise has x's shape.

| paper                                        | here                                     |
|----------------------------------------------|------------------------------------------|
| G(z), D(x), y                                | network, discriminator, category         |
| gamma / 2 E ||grad D(x)||^2                  | r1_weight / 2, times r1_every            |
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from engine.errors import BadRange, RecipeError
from engine.frameworks import Batch, Framework, Parts, Phase
from engine.frameworks.critic import discriminator_hinge, generator_hinge
from engine.frameworks.losses import normal_like, uniform
from engine.frameworks.sampling import Drawn, Order, Sampling
from engine.networks.interface import SEQUENCE, no_conditions
from engine.networks.sequence_discriminator import SequenceDiscriminator
from engine.registry import Spec


@dataclass(frozen=True)
class GanSettings:
    """The discriminator and its stabiliser."""

    discriminator_width: int = 64
    discriminator_strided: int = 3  # layers that halve the rate
    discriminator_rate: float = 1.0  # factor on the recipe's learning rate
    stft: int = 0  # FFT size of the frames the discriminator judges, for audio; 0 = x itself
    r1_weight: float = 1.0  # gamma
    r1_every: int = 4  # steps
    any_category: float = 0.1  # how often the category is withheld from both


class Gan(Framework):
    """Generator against discriminator; both are told the category where there is one."""

    def __init__(self, settings: GanSettings, parts: Parts) -> None:
        super().__init__()
        info = parts.data
        if settings.stft and info.channels != 1:
            raise RecipeError(
                f"framework gan: stft = {settings.stft} judges mono audio, but x has "
                f"{info.channels} channels; use stft = 0 for latents"
            )
        self.settings = settings
        self.network = parts.network
        self.channels, self.descriptors = info.channels, len(info.descriptors)
        self.discriminator = SequenceDiscriminator(
            info.channels, len(info.categories), settings.discriminator_width,
            settings.discriminator_strided, settings.stft,
        )  # fmt: skip
        self._made: Tensor | None = None
        self._category: Tensor | None = None

    def phases(self) -> tuple[Phase, ...]:
        """Generator first, then the discriminator on what it made in the same step."""
        judge = tuple(self.discriminator.parameters())
        rate = self.settings.discriminator_rate
        return (
            Phase("generator", tuple(self.network.parameters()), self.loss),
            Phase("discriminator", judge, self.discriminator_loss, rate),
        )

    def loss(self, batch: Batch, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        """The generator's hinge loss, for the batch's lengths and categories."""
        draws = uniform((len(batch.x),), batch.x, generator)
        category = batch.category.masked_fill(draws < self.settings.any_category, -1)
        made = self._generate(self.network, normal_like(batch.x, generator), category, batch.frames)
        self._made, self._category = made.detach(), category
        scores = self.discriminator(self.discriminator.seen(made), category)
        return {"total": generator_hinge(scores)}

    def discriminator_loss(
        self, batch: Batch, generator: torch.Generator, step: int
    ) -> dict[str, Tensor]:
        """Hinge loss of real and made things; every few steps R1 on the real ones."""
        assert self._made is not None
        s, category = self.settings, self._category
        punished = s.r1_weight > 0 and step % s.r1_every == 0
        real = self.discriminator.seen(batch.x).detach().requires_grad_(punished)
        real_scores = self.discriminator(real, category)
        fake_scores = self.discriminator(self.discriminator.seen(self._made), category)
        hinge = discriminator_hinge(real_scores, fake_scores)
        if not punished:
            return {"total": hinge, "hinge": hinge}
        penalty = gradient_penalty(real_scores, real)
        total = hinge + 0.5 * s.r1_weight * s.r1_every * penalty
        return {"total": total, "hinge": hinge}

    def sampling(self) -> Sampling:
        """One network call: draw 0 of the noise becomes the sounds."""

        def make(network: nn.Module, order: Order, name: str, steps: int) -> Drawn:
            if steps != 1:
                raise BadRange(f"steps is {steps}; a generator makes its sound in 1")
            noise = order.noise(0, (order.rows, self.channels, order.length))
            told = order.conditions
            made = self._generate(network, noise, told.category, told.frames)
            order.on_step(1, 1)
            return Drawn(made, 1)

        return Sampling({"one_step": 1}, make, "sound")

    def _generate(
        self, network: nn.Module, noise: Tensor, category: Tensor, frames: Tensor | None
    ) -> Tensor:
        nothing = no_conditions(noise, self.descriptors)
        told = nothing._replace(category=category, frames=frames)
        made: Tensor = network(noise, noise.new_zeros(noise.shape[0]), told)
        return made.float()


def gradient_penalty(scores: Tensor, x: Tensor) -> Tensor:
    """R1: E ||grad_x D(x)||^2, with scores (B, 1, patches) averaged over patches; scalar."""
    (slope,) = torch.autograd.grad(scores.mean(dim=(1, 2)).sum(), x, create_graph=True)
    return slope.square().flatten(1).sum(dim=1).mean()


def build(settings: GanSettings, parts: Parts) -> Gan:
    """Build the framework; any network with F(noise, 0, conditions) -> x's shape will do."""
    return Gan(settings, parts)


SPEC = Spec(
    "gan",
    GanSettings,
    build,
    frozenset({SEQUENCE}),
    paper="Goodfellow et al. 2014 (arXiv 1406.2661), Mescheder et al. 2018 (arXiv 1801.04406)",
)
