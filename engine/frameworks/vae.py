"""Variational autoencoder over spectra: reconstruction in several STFT resolutions, and KL.

Kingma and Welling 2013 (arXiv 1312.6114). Reconstruction per resolution: L1 of log-magnitudes +
0.5 spectral convergence + 0.1 complex distance, after Yamamoto et al. 2020 (arXiv 1910.11480).
Two resolutions are drawn each step: on a CPU the STFT losses cost more than the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.codecs.stft import Stft
from engine.codecs.stft_vae import StftVae
from engine.errors import RecipeError
from engine.frameworks import Batch, Framework, Parts
from engine.registry import Spec

# Half overlap, each step at another random offset: half the cost of quarter hops.
RESOLUTIONS = ((128, 64), (256, 128), (512, 256), (1024, 512), (2048, 1024))
_FLOOR = 1e-4  # about -80 dBFS of noise: what lies below is silence


@dataclass(frozen=True)
class VaeSettings:
    """Weights of the losses."""

    resolutions_per_step: int = 2
    log_weight: float = 1.0
    convergence_weight: float = 0.5
    complex_weight: float = 0.1
    kl_weight: float = 0.02  # of the mean over dimensions and frames


class Vae(Framework):
    """Trains an autoencoder network (encoder, decoder) through the stft_vae codec."""

    def __init__(self, settings: VaeSettings, parts: Parts) -> None:
        super().__init__()
        if not isinstance(parts.codec, StftVae):
            raise RecipeError('framework vae needs [codec] name = "stft_vae"')
        parts.codec.check(parts.network)
        self.settings = settings
        self.network = parts.network
        self.codec = parts.codec
        self.sample_rate = parts.data.sample_rate

    def reconstruct(
        self, audio: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return (decoded (B, 1, T), mean, log_variance) with a sampled latent."""
        mean, log_variance = self.network.encoder(self.codec.spectrum(audio))  # type: ignore
        noise = torch.randn(mean.shape, generator=generator, device=mean.device)
        latent = mean + noise * torch.exp(0.5 * log_variance)
        decoded = self.codec.audio(self.network.decoder(latent))  # type: ignore[operator]
        return decoded[..., : audio.shape[-1]], mean, log_variance

    def loss(self, batch: Batch, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        """Spectral distances in the drawn resolutions, and KL."""
        decoded, mean, log_variance = self.reconstruct(batch.x, generator)
        losses = self.spectral_losses(batch.x, decoded, generator)
        kl = 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).mean()
        return {
            "total": losses["spectral"] + self.settings.kl_weight * kl,
            **losses,
            "kl": kl,
        }

    @torch.no_grad()
    def preview(self, batch: Batch) -> tuple[Tensor, ...]:
        """Return (sounds, their reconstructions)."""
        latent = self.codec.encode(self.network, batch.x)
        return batch.x, self.codec.decode(self.network, latent)[..., : batch.x.shape[-1]]

    def spectral_losses(
        self, target: Tensor, decoded: Tensor, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Mean distances of (B, 1, T) sounds over the resolutions drawn for this step."""
        order = torch.randperm(len(RESOLUTIONS), generator=generator, device=generator.device)
        drawn = [RESOLUTIONS[i] for i in order[: self.settings.resolutions_per_step].tolist()]
        offset = int(torch.randint(1024, (1,), generator=generator, device=generator.device))
        return self.distances(
            F.pad(target[:, 0], (offset, 0)), F.pad(decoded[:, 0], (offset, 0)), drawn
        )

    def distances(
        self, target: Tensor, decoded: Tensor, resolutions: Sequence[tuple[int, int]]
    ) -> dict[str, Tensor]:
        """Weighted sum ("spectral") and its three terms for (B, T) sounds."""
        s = self.settings
        logs, convergences, complexes = [], [], []
        for n_fft, hop in resolutions:
            x, y = _padded(target, hop), _padded(decoded, hop)
            log, convergence, complex_ = spectral_distance(x, y, Stft(n_fft, hop), self.sample_rate)
            logs.append(log)
            convergences.append(convergence)
            complexes.append(complex_)
        log = torch.stack(logs).mean()
        convergence = torch.stack(convergences).mean()
        complex_ = torch.stack(complexes).mean()
        total = (
            s.log_weight * log + s.convergence_weight * convergence + s.complex_weight * complex_
        )
        return {"spectral": total, "log": log, "convergence": convergence, "complex": complex_}


def spectral_distance(
    target: Tensor, decoded: Tensor, stft: Stft, sample_rate: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return (log-magnitude L1, spectral convergence, complex distance) of (B, T) sounds.

    The log term weighs bins by about the square root of their width on a mel scale, so the few
    low bins of a kick count, and weighs frames by their level, so attacks count more than the
    silence that follows, which still counts enough to be learnt as silence.
    """
    a, b = stft.forward(target), stft.forward(decoded)
    mag_a = torch.sqrt(a.square().sum(1) + 1e-12)
    mag_b = torch.sqrt(b.square().sum(1) + 1e-12)
    hertz = torch.linspace(0, sample_rate / 2, stft.bins, device=target.device)
    by_bin = (1.0 + hertz / 1000.0).rsqrt()[None, :, None]
    level_db = 10.0 * torch.log10(mag_a.square().mean(1, keepdim=True) + 1e-12)
    by_frame = ((level_db + 90.0) / 60.0).clamp(0.15, 1.0)
    weight = by_bin * by_frame
    log = ((mag_a + _FLOOR).log() - (mag_b + _FLOOR).log()).abs()
    log = (log * weight).sum() / weight.expand_as(log).sum()
    norm = mag_a.square().sum((1, 2)).sqrt() + 1e-3
    convergence = ((mag_a - mag_b).square().sum((1, 2)).sqrt() / norm).mean()
    difference = torch.sqrt((a - b).square().sum(1) + 1e-12).sum((1, 2))
    complex_ = (difference / (mag_a.sum((1, 2)) + 1e-2)).mean()
    return log, convergence, complex_


def _padded(audio: Tensor, hop: int) -> Tensor:
    return F.pad(audio, (0, -audio.shape[-1] % hop))


def build(settings: VaeSettings, parts: Parts) -> Vae:
    """Build the framework."""
    return Vae(settings, parts)


SPEC = Spec("vae", VaeSettings, build)
