"""How far decoded sounds are from their originals, over spectra: what every codec minimises.

Reconstruction per resolution: L1 of log-magnitudes + 0.5 spectral convergence + 0.1 complex
distance, after Yamamoto et al. 2020 (arXiv 1910.11480). Two resolutions are drawn each step: on a
CPU the STFT losses cost more than the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.codecs.stft_vae import StftVae
from engine.stft import Stft

# Half overlap, each step at another random offset: half the cost of quarter hops.
RESOLUTIONS = ((128, 64), (256, 128), (512, 256), (1024, 512), (2048, 1024))
_FLOOR = 1e-4  # about -80 dBFS of noise: what lies below is silence


@dataclass(frozen=True)
class SpectralSettings:
    """Weights of the spectral distances."""

    resolutions_per_step: int = 2
    log_weight: float = 1.0
    convergence_weight: float = 0.5
    complex_weight: float = 0.1
    phase_weight: float = 1.0  # of the head's own phases


class SpectralDistance:
    """Weighted distances between sounds and what a synthesis spectrum gives."""

    def __init__(self, settings: SpectralSettings, codec: StftVae, sample_rate: int) -> None:
        self.settings = settings
        self.codec = codec
        self.sample_rate = sample_rate

    def losses(
        self, target: Tensor, spectrum: Tensor, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """Distances of (B, 1, T) sounds from what a synthesis spectrum gives, and its phases."""
        decoded = self.codec.audio(spectrum)[..., : target.shape[-1]]
        losses = self.random_distances(target, decoded, generator)
        phase = self.phase_distance(target, spectrum)
        losses["spectral"] = losses["spectral"] + self.settings.phase_weight * phase
        return {**losses, "phase": phase}

    def phase_distance(self, target: Tensor, spectrum: Tensor) -> Tensor:
        """1 - cos of the phase error of the head itself, weighed by the target's level.

        Overlap-add hides from each frame what it did wrong; this tells it. High bins weigh
        little: there phases are those of noise, which no codec of this rate can keep.
        """
        stft = self.codec.synthesis
        true = stft.forward(_padded(target[:, 0], self.codec.hop_frames))
        level = torch.sqrt(true.square().sum(1) + 1e-12)
        # the larger constant bounds the gradient where the head is nearly silent
        made = torch.sqrt(spectrum.square().sum(1) + 1e-4)
        cosine = (true * spectrum).sum(1) / (level * made)
        weight = level * bin_weights(stft, self.sample_rate, target.device) ** 4
        weight = weight / (weight.sum((1, 2), keepdim=True) + 1e-3)
        return ((1.0 - cosine) * weight).sum((1, 2)).mean()

    def random_distances(
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

    The log term is a weighted mean over each sound's own cells: bins by about the square root of
    their width on a mel scale, and cells by their level, so that the few bins of a kick count as
    much as the many of a cymbal. Silent cells still count a little, to be learnt as silence.
    """
    a, b = stft.forward(target), stft.forward(decoded)
    mag_a = torch.sqrt(a.square().sum(1) + 1e-12)
    mag_b = torch.sqrt(b.square().sum(1) + 1e-12)
    by_bin = bin_weights(stft, sample_rate, target.device)
    floored = (mag_a + _FLOOR).log()
    # from 0.08 at the floor (-80 dB) to 1 at -20 dB and above
    by_level = ((floored + 9.21) / 6.9).clamp(0.08, 1.0)
    weight = by_bin * by_level
    log = ((floored - (mag_b + _FLOOR).log()).abs() * weight).sum((1, 2)) / weight.sum((1, 2))
    log = log.mean()
    # the added constants keep near-silent crops from ruling the gradient
    norm = mag_a.square().sum((1, 2)).sqrt() + 0.3
    convergence = ((mag_a - mag_b).square().sum((1, 2)).sqrt() / norm).mean()
    difference = torch.sqrt((a - b).square().sum(1) + 1e-12).sum((1, 2))
    complex_ = (difference / (mag_a.sum((1, 2)) + 30.0)).mean()
    return log, convergence, complex_


def bin_weights(stft: Stft, sample_rate: int, device: torch.device) -> Tensor:
    """(1, bins, 1): about the square root of a bin's width on a mel scale."""
    hertz = torch.linspace(0, sample_rate / 2, stft.bins, device=device)
    return (1.0 + hertz / 1000.0).rsqrt()[None, :, None]


def _padded(audio: Tensor, hop: int) -> Tensor:
    return F.pad(audio, (0, -audio.shape[-1] % hop))
