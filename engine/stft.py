"""The one STFT of the project, in numpy and in torch with identical definitions.

Frames are "same"-padded: zeros of (n_fft - hop) / 2 on both sides, so T samples (a multiple of
hop) give exactly T / hop frames and frame i is centred on sample i * hop + hop / 2. The window
is a periodic Hann; spectra are divided by sqrt(sum(window^2)), so white noise keeps its RMS.
Spectra are real tensors (B, 2, bins, frames): channel 0 is the real, 1 the imaginary part.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Stft:
    """One STFT resolution; n_fft - hop must be even and n_fft a multiple of hop."""

    n_fft: int
    hop: int

    def __post_init__(self) -> None:
        if self.n_fft % self.hop or (self.n_fft - self.hop) % 2 or self.n_fft < 2 * self.hop:
            raise ValueError(
                f"STFT of {self.n_fft} with hop {self.hop}: expected n_fft a multiple of hop, "
                "at least twice hop, and n_fft - hop even"
            )

    @property
    def bins(self) -> int:
        """Number of frequency bins."""
        return self.n_fft // 2 + 1

    @property
    def pad(self) -> int:
        """Zeros added on each side, in samples."""
        return (self.n_fft - self.hop) // 2

    @cached_property
    def window(self) -> NDArray[np.float64]:
        """Periodic Hann window, (n_fft,)."""
        n = np.arange(self.n_fft)
        return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * n / self.n_fft))

    @cached_property
    def scale(self) -> float:
        """sqrt(sum(window^2)): spectra are divided by it."""
        return float(np.sqrt((self.window**2).sum()))

    def _check(self, samples: int) -> int:
        if samples % self.hop:
            raise ValueError(f"{samples} samples; expected a multiple of the hop, {self.hop}")
        return samples // self.hop

    def forward_numpy(self, audio: Array) -> Array:
        """Analyse (B, T) float32 into (B, 2, bins, T / hop) float32."""
        frames = self._check(audio.shape[-1])
        padded = np.pad(audio, ((0, 0), (self.pad, self.pad)))
        view = np.lib.stride_tricks.sliding_window_view(padded, self.n_fft, axis=-1)
        blocks = view[:, :: self.hop][:, :frames] * self.window.astype(np.float32)
        spectrum = np.fft.rfft(blocks, axis=-1).swapaxes(1, 2) / self.scale
        return np.stack([spectrum.real, spectrum.imag], axis=1).astype(np.float32)

    def inverse_numpy(self, spectrum: Array) -> Array:
        """Synthesise (B, 2, bins, frames) into (B, frames * hop): weighted overlap-add."""
        batch, _, _, frames = spectrum.shape
        # irfft ignores the imaginary part of the first and last bin; torch's does the same.
        values = (spectrum[:, 0] + 1j * spectrum[:, 1]).swapaxes(1, 2)
        blocks = np.fft.irfft(values, n=self.n_fft, axis=-1).astype(np.float32)
        blocks *= (self.window * self.scale).astype(np.float32)
        out = np.zeros((batch, (frames - 1) * self.hop + self.n_fft), np.float32)
        ratio = self.n_fft // self.hop
        for k in range(ratio):  # every ratio-th frame never overlaps: add them at once
            part = blocks[:, k::ratio].reshape(batch, -1)
            out[:, k * self.hop : k * self.hop + part.shape[1]] += part
        out = out[:, self.pad : self.pad + frames * self.hop]
        return np.asarray(out / _envelope(self.n_fft, self.hop, frames), np.float32)

    def forward(self, audio: Tensor) -> Tensor:
        """Analyse (B, T) float32 into (B, 2, bins, T / hop) float32; torch, differentiable."""
        self._check(audio.shape[-1])
        window = torch.as_tensor(self.window, dtype=audio.dtype, device=audio.device)
        padded = F.pad(audio, (self.pad, self.pad))
        spectrum = torch.stft(
            padded, self.n_fft, self.hop, window=window, center=False, return_complex=True
        )
        return torch.view_as_real(spectrum).movedim(-1, 1) / self.scale

    def inverse(self, spectrum: Tensor) -> Tensor:
        """Synthesise (B, 2, bins, frames) into (B, frames * hop); torch, differentiable."""
        frames = spectrum.shape[-1]
        window = torch.as_tensor(
            self.window * self.scale, dtype=spectrum.dtype, device=spectrum.device
        )
        values = torch.complex(spectrum[:, 0], spectrum[:, 1])
        blocks = torch.fft.irfft(values, n=self.n_fft, dim=1) * window[None, :, None]
        length = (frames - 1) * self.hop + self.n_fft
        out = F.fold(blocks, (1, length), (1, self.n_fft), stride=(1, self.hop))[:, 0, 0]
        out = out[:, self.pad : self.pad + frames * self.hop]
        envelope = _envelope(self.n_fft, self.hop, frames)
        return out / torch.as_tensor(envelope, dtype=spectrum.dtype, device=spectrum.device)


@lru_cache(maxsize=64)
def _envelope(n_fft: int, hop: int, frames: int) -> Array:
    """Sum of squared windows over the kept samples, (frames * hop,) float32; never zero."""
    stft = Stft(n_fft, hop)
    total = np.zeros((frames - 1) * hop + n_fft)
    for i in range(frames):
        total[i * hop : i * hop + n_fft] += stft.window**2
    return total[stft.pad : stft.pad + frames * hop].astype(np.float32)
