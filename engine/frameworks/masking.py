"""Predictive denoising: a network hears features of noisy frames and says what to keep of them.

x is (B, 3, T): clean sound, noise, and a passage of the same noise alone. Frames, features and
what the answer is applied to are those of engine.denoising, which uses the network live.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.denoising.bands import band_of_bin, bands_of
from engine.denoising.features import PLANES, TAPS, Listener
from engine.denoising.frames import analyse, framed, scale, window
from engine.denoising.mixing import GAIN_OFFSET, TAP_OFFSET
from engine.denoising.noise_level import learned
from engine.errors import RecipeError
from engine.frameworks import Batch, DataInfo, Framework, Parts
from engine.networks.interface import CAUSAL, SEQUENCE, NetworkBuilder, NetworkInfo, no_conditions
from engine.registry import Spec
from engine.stft import Stft

_COMPRESSION = 0.3
_SHORT = Stft(512, 128)


@dataclass(frozen=True)
class Settings:
    """Frames, what the network may know, and the weights of the losses."""

    size: int = 2048  # samples of a frame
    hop: int = 512
    heard_frames: int = 76  # frames from which features are taken before the network begins
    start_share: float = 0.25  # steps in which it begins with the first frame
    learned_share: float = 0.4  # sounds whose noise is learned; that of others is tracked
    snr_weight: float = 0.05  # of the error in dB
    level_weight: float = 2.0
    complex_weight: float = 2.0
    short_weight: float = 1.0  # of short frames' levels, which hear attacks
    deepest_db: float = 40.0  # errors below count no more


class Masking(Framework):
    """Trains ``network(features, 0) -> gains and shares of turned frames``."""

    band: Tensor  # (bins,) int64

    def __init__(self, settings: Settings, parts: Parts) -> None:
        super().__init__()
        self.settings = settings
        self.network = parts.network
        bins = settings.size // 2 + 1
        self.register_buffer("band", torch.from_numpy(band_of_bin(bins)), persistent=False)

    def loss(self, batch: Batch, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        """Error in dB + distances of compressed levels, compressed spectra and short frames."""
        s = self.settings
        drawn = torch.rand(1 + len(batch.x), generator=generator, device=generator.device)
        begin = 0 if float(drawn[0]) < s.start_share else s.heard_frames
        taps, made = self.denoised(batch.x, drawn[1:] < s.learned_share, begin)
        clean = _analysed(batch.x[:, 0], s)[:, begin : begin + made.shape[1]]
        return self._distances(clean, made, taps[:, :, 0])

    def denoised(self, x: Tensor, use_learned: Tensor, begin: int) -> tuple[Tensor, Tensor]:
        """Taps and denoised spectra (B, frames, ...) complex, from frame ``begin`` on.

        x: as Batch.x; use_learned: (B,) bool, whose noise is learned from its passage.
        """
        s = self.settings
        told = [
            _told(row, passage, bool(known), begin, s)
            for row, passage, known in zip(
                (x[:, 0] + x[:, 1]).cpu().numpy(), x[:, 2].cpu().numpy(), use_learned, strict=True
            )
        ]
        features = torch.from_numpy(np.stack([t[0] for t in told])).to(x.device)
        taps = torch.from_numpy(np.stack([t[1] for t in told])).to(x.device)
        flat = features.flatten(2).transpose(1, 2)  # (B, PLANES * bands, frames)
        answer = self.network(flat, flat.new_zeros(len(flat)), no_conditions(flat))
        return taps, self.mixed(answer.float(), taps)

    def mixed(self, answer: Tensor, taps: Tensor) -> Tensor:
        """engine.denoising.mixing.mixed, differentiable; answer is (B, TAPS * bands, frames)."""
        logits = answer.transpose(1, 2).reshape(len(answer), answer.shape[2], TAPS, -1)
        gain = torch.sigmoid(logits[:, :, :1] + float(GAIN_OFFSET))
        others = logits[:, :, 1:] - float(TAP_OFFSET)
        shares = torch.cat((torch.zeros_like(gain), others), dim=2).softmax(dim=2)
        weights = (gain * shares)[..., self.band]
        return (weights * taps).sum(dim=2)

    def _distances(self, clean: Tensor, made: Tensor, noisy: Tensor) -> dict[str, Tensor]:
        s = self.settings
        least = 10.0 ** (-s.deepest_db / 10.0)
        sounds, answers = _synthesised(clean, s), _synthesised(made, s)
        energy = sounds.square().sum(1)
        given = noisy.abs().square().sum((1, 2)) * (s.hop / s.size) * 2.0
        # of noise alone, what is left of the noise
        against = torch.where(energy > 1e-6 * given, energy, given) + 1e-9
        error = (sounds - answers).square().sum(1)
        error_db = 10.0 * torch.log10(error / against + least)
        loud = noisy.abs().square().mean((1, 2), keepdim=True).sqrt() + 1e-5
        true, found = clean / loud, made / loud
        level, compressed = _compressed(true)
        other_level, other = _compressed(found)
        levels = (level - other_level).square().mean()
        spectra = (compressed - other).square().mean()
        short = _short_distance(sounds / loud[:, :, 0], answers / loud[:, :, 0])
        total = (
            s.snr_weight * error_db.mean()
            + s.level_weight * levels
            + s.complex_weight * spectra
            + s.short_weight * short
        )
        return {
            "total": total, "error_db": error_db.mean(), "levels": levels, "spectra": spectra,
            "short": short,
        }  # fmt: skip

    @torch.no_grad()
    def preview(self, batch: Batch) -> tuple[Tensor, ...]:
        """Return (noisy, denoised with tracked noise, clean) sounds."""
        tracked = torch.zeros(len(batch.x), dtype=torch.bool)
        taps, made = self.denoised(batch.x, tracked, 0)
        clean = _analysed(batch.x[:, 0], self.settings)[:, : made.shape[1]]
        rows = (taps[:, :, 0], made, clean)
        return tuple(_synthesised(row, self.settings)[:, None] for row in rows)


def _told(sound: Any, passage: Any, known: bool, begin: int, s: Settings) -> tuple[Any, Any]:
    """Features (frames, PLANES, bands) and taps (frames, TAPS, bins) of one sound (T,)."""
    noise = learned(passage[None], s.size, s.hop) if known else None
    spectra = analyse(framed(sound[None], s.size, s.hop))
    if begin == 0:  # as many frames as the network hears otherwise
        spectra = spectra[:, : max(1, spectra.shape[1] - s.heard_frames)]
    told = Listener(1, s.size // 2 + 1, noise).step(spectra)
    return told.features[0, begin:], told.taps[0, begin:]


def _analysed(sounds: Tensor, s: Settings) -> Tensor:
    """Spectra (B, frames, bins) of sounds (B, T), as engine.denoising.frames has them."""
    blocks = sounds.unfold(1, s.size, s.hop)
    shape = torch.from_numpy(window(s.size) / scale(s.size)).to(sounds.device)
    spectra: Tensor = torch.fft.rfft(blocks * shape, dim=2)
    return spectra


def _synthesised(spectra: Tensor, s: Settings) -> Tensor:
    """Sounds (B, T) of spectra (B, frames, bins)."""
    gain = float(scale(s.size)) * 2.0 * s.hop / s.size
    shape = torch.from_numpy(window(s.size)).to(spectra.device) * gain
    blocks = torch.fft.irfft(spectra, n=s.size, dim=2) * shape
    length = (blocks.shape[1] - 1) * s.hop + s.size
    return F.fold(blocks.transpose(1, 2), (1, length), (1, s.size), stride=(1, s.hop))[:, 0, 0]


def _compressed(spectra: Tensor) -> tuple[Tensor, Tensor]:
    """Compressed levels, and the spectra (..., 2) at these levels."""
    parts = torch.view_as_real(spectra)
    power = parts.square().sum(-1) + 1e-6
    level = power ** (_COMPRESSION / 2.0)
    return level, parts * (level / power.sqrt()).unsqueeze(-1)


def _short_distance(sounds: Tensor, answers: Tensor) -> Tensor:
    fill = -sounds.shape[1] % _SHORT.hop
    levels = [
        (_SHORT.forward(F.pad(x, (0, fill))).square().sum(1) + 1e-6) ** (_COMPRESSION / 2.0)
        for x in (sounds, answers)
    ]
    return (levels[0] - levels[1]).square().mean()


def network(settings: Settings, make: NetworkBuilder, _codec: Any, _info: DataInfo) -> nn.Module:
    """The recipe's network from features to answers, causal; RecipeError for wrong frames."""
    if settings.size % 32 or settings.hop * 4 != settings.size:
        raise RecipeError(
            f"framework 'masking': frames of {settings.size} with hop {settings.hop}; expected a "
            "multiple of 32, and a hop of a quarter of it"
        )
    bands = bands_of(settings.size // 2 + 1)
    return make(NetworkInfo(PLANES * bands, out_channels=TAPS * bands, causal=True))


def build(settings: Settings, parts: Parts) -> Masking:
    """Build the framework; RecipeError for mixtures that are too short."""
    least = (settings.heard_frames + 1) * settings.hop + settings.size
    if parts.data.frames < least:
        raise RecipeError(
            f"framework 'masking': mixtures of {parts.data.frames} samples; expected {least} or "
            "more, because of heard_frames"
        )
    return Masking(settings, parts)


SPEC = Spec(
    "masking",
    Settings,
    build,
    frozenset({SEQUENCE, CAUSAL}),
    network=network,
    data=("mixtures",),
    paper="Wang and Chen 2018 (arXiv 1708.07524)",
)
