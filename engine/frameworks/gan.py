"""Adversarial finish of a codec's decoder: spectral losses, hinge discriminator, features.

The encoder stays frozen, so that latents and denoisers trained on them stay valid. Hinge loss:
Lim and Ye 2017 (arXiv 1705.02894); feature matching: Larsen et al. 2016 (arXiv 1512.09300).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.frameworks import Batch, Parts, Phase
from engine.frameworks.vae import Vae, VaeSettings
from engine.networks.convnext import ConvNextAutoencoder
from engine.networks.discriminators import RESOLUTIONS, MultiStftDiscriminator
from engine.networks.interface import AUTOENCODER
from engine.registry import Spec


@dataclass(frozen=True)
class GanSettings:
    """Weights of the adversarial terms; the spectral ones as in VaeSettings."""

    resolutions_per_step: int = 2
    log_weight: float = 1.0
    convergence_weight: float = 0.5
    complex_weight: float = 0.1
    phase_weight: float = 1.0
    adversarial_weight: float = 0.1
    feature_weight: float = 0.5
    discriminator_width: int = 16
    discriminators_per_step: int = 1  # drawn among the resolutions each step
    discriminator_from_step: int = 0  # spectral losses alone before
    adversarial_from_step: int = 200  # the discriminator learns alone for a while
    latent_noise: float = 0.1  # deviation added to latents: what denoisers make is not exact
    discriminator_rate: float = 1.0  # factor on the recipe's learning rate


class Gan(Vae):
    """Trains the decoder of an autoencoder whose encoder is frozen."""

    def __init__(self, settings: GanSettings, parts: Parts) -> None:
        spectral = VaeSettings(
            settings.resolutions_per_step,
            settings.log_weight,
            settings.convergence_weight,
            settings.complex_weight,
            settings.phase_weight,
        )
        super().__init__(spectral, parts)
        assert isinstance(self.network, ConvNextAutoencoder)
        self.gan = settings
        self.network.encoder.requires_grad_(False)
        self.discriminator = MultiStftDiscriminator(settings.discriminator_width)
        self._real: Tensor | None = None
        self._fake: Tensor | None = None
        self._which: list[int] = []

    def phases(self) -> tuple[Phase, ...]:
        """Decoder first, then the discriminator on what the decoder made in the same step."""
        assert isinstance(self.network, ConvNextAutoencoder)
        return (
            Phase("decoder", tuple(self.network.decoder.parameters()), self.loss),
            Phase(
                "discriminator",
                tuple(self.discriminator.parameters()),
                self.discriminator_loss,
                self.gan.discriminator_rate,
                from_step=self.gan.discriminator_from_step,
            ),
        )

    def loss(self, batch: Batch, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        """Spectral distances, adversarial hinge term and feature distances of the decoder."""
        assert isinstance(self.network, ConvNextAutoencoder)
        with torch.no_grad():
            latent = self.codec.encode(self.network, batch.x)
            noise = torch.randn(latent.shape, generator=generator, device=latent.device)
            amount = torch.rand((len(latent), 1, 1), generator=generator, device=latent.device)
            latent = latent + self.gan.latent_noise * amount * noise
        spectrum = self.network.decode(latent)
        decoded = self.codec.audio(spectrum)[..., : batch.x.shape[-1]]
        losses = self.spectral_losses(batch.x, spectrum, generator)
        total = losses["spectral"]
        order = torch.randperm(len(RESOLUTIONS), generator=generator, device=latent.device)
        self._which = order[: self.gan.discriminators_per_step].tolist()
        self._real, self._fake = batch.x[:, 0], decoded[:, 0].detach()
        if step >= self.gan.adversarial_from_step:
            with torch.no_grad():
                real = self.discriminator(self._real, self._which)
            fake = self.discriminator(decoded[:, 0], self._which)
            adversarial = torch.stack([-score.mean() for score, _ in fake]).mean()
            feature = torch.stack(
                [
                    F.l1_loss(b, a) / (a.abs().mean() + 1e-4)
                    for (_, known), (_, made) in zip(real, fake, strict=True)
                    for a, b in zip(known, made, strict=True)
                ]
            ).mean()
            losses |= {"adversarial": adversarial, "feature": feature}
            total = (
                total
                + self.gan.adversarial_weight * adversarial
                + self.gan.feature_weight * feature
            )
        return {"total": total, **losses}

    def discriminator_loss(
        self, batch: Batch, generator: torch.Generator, step: int
    ) -> dict[str, Tensor]:
        """Hinge loss on this step's real and decoded sounds."""
        assert self._real is not None
        assert self._fake is not None
        real = self.discriminator(self._real, self._which)
        fake = self.discriminator(self._fake, self._which)
        total = torch.stack(
            [
                F.relu(1 - a).mean() + F.relu(1 + b).mean()
                for (a, _), (b, _) in zip(real, fake, strict=True)
            ]
        ).mean()
        return {"total": total}


def build(settings: GanSettings, parts: Parts) -> Gan:
    """Build the framework."""
    return Gan(settings, parts)


SPEC = Spec("gan", GanSettings, build, frozenset({AUTOENCODER}))
