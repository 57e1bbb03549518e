"""What every training framework is: losses over batches, in one or several phases a step.

A framework owns the modules it trains and says what is minimised. It knows no optimizer, file
or device: the loop (engine.training.loop) does the rest, and does it alike for all.

Shapes: audio (B, C, T); latents (B, D, L); categories (B,) int64, -1 = unknown; descriptors
(B, K) in 0..1, NaN = absent.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from engine.errors import RecipeError
from engine.frameworks.sampling import Sampling
from engine.networks.interface import NetworkBuilder, NetworkInfo


@dataclass(frozen=True)
class DataInfo:
    """What the training data is, as networks, frameworks and voices need to know it."""

    sample_rate: int
    channels: int  # of x: audio channels, latent dimensions, or codebooks
    frames: int  # longest x in samples, or in latent frames
    categories: tuple[str, ...]
    descriptors: tuple[str, ...]
    frame_channels: int = 0  # M of Batch.frames
    codebook_size: int = 0  # N, where x are codes in 0..N-1

    def network(self) -> NetworkInfo:
        """What a network that maps x to x is built for."""
        return NetworkInfo(
            self.channels, self.categories, self.descriptors,
            frame_channels=self.frame_channels, frames=self.frames,
        )  # fmt: skip


@dataclass(frozen=True)
class Batch:
    """One training batch on the training device.

    x: (B, C, T) audio or (B, D, L) latents (unit variance, zero mean), float32; or (B, K, L)
    codes, int64.
    lengths: (B,) int64, frames of x that are sound; beyond it x holds (encoded) silence.
    category: (B,) int64 index into DataInfo.categories, -1 = unknown.
    descriptors: (B, K) float32 in 0..1 in the order of DataInfo.descriptors, NaN = absent.
    frames: (B, M, L') float32 conditions along time, such as mel frames; None = the data has none.
    """

    x: Tensor
    lengths: Tensor
    category: Tensor
    descriptors: Tensor
    frames: Tensor | None = None


@dataclass(frozen=True)
class Parts:
    """What a framework is built from. ``network`` already holds the starting weights, if any.

    network: the recipe's network from x to x (or an autoencoder). make: builds more of the
    recipe's kind and size for other shapes, as encoders, decoders and priors need them.
    """

    network: nn.Module
    codec: Any | None
    data: DataInfo
    steps: int  # planned length of the run, for schedules that depend on progress
    make: NetworkBuilder | None = None


@dataclass(frozen=True)
class Phase:
    """One optimizer's share of a training step.

    loss(batch, generator, step) returns named scalars; ``"total"`` is minimised, the rest is
    only logged. Phases run in order in each step, each: loss, backward, clip, optimizer step.
    """

    name: str
    parameters: tuple[nn.Parameter, ...]
    loss: Callable[[Batch, torch.Generator, int], dict[str, Tensor]]
    rate_scale: float = 1.0  # factor on the recipe's learning rate
    from_step: int = 0  # the phase is skipped before


class Framework(nn.Module, ABC):
    """Base of all frameworks. ``self.network`` is what is trained, averaged (EMA) and exported.

    Every module set on self is saved for resuming. Most frameworks override ``loss`` only.
    """

    network: nn.Module

    @abstractmethod
    def loss(self, batch: Batch, generator: torch.Generator, step: int) -> dict[str, Tensor]:
        """Return named scalar losses; ``"total"`` is minimised. All noise from ``generator``."""

    def phases(self) -> tuple[Phase, ...]:
        """Return the step's phases; one over the network's trainable parameters by default."""
        trained = tuple(p for p in self.network.parameters() if p.requires_grad)
        return (Phase("main", trained, self.loss),)

    def begin(self, batches: Callable[[int], Batch]) -> None:
        """Prepare a fresh network before step 0; ``batches(n)`` is training batch n, on the CPU.

        Not called on resuming, nor when the run starts from given weights. Nothing here.
        """

    def before_step(
        self, step: int, draw: Callable[[int], Batch], generator: torch.Generator
    ) -> None:
        """Prepare ``step``; draw(n) is a batch of n more training sounds, on the device; nothing.

        What is kept belongs into buffers, or a resumed run would differ.
        """

    def after_step(self, step: int) -> None:
        """Run after the optimizers of ``step`` (moving teachers and the like); nothing here."""

    def preview(self, batch: Batch) -> tuple[Tensor, ...]:
        """Return rows of audio (B, 1, T) to look at and hear, such as (input, output); or ()."""
        return ()

    def sampling(self) -> Sampling:
        """Return how the network makes sounds (engine.frameworks.sampling).

        Raises RecipeError for a framework whose network makes none by itself.
        """
        raise RecipeError(
            f"framework {type(self).__name__} trains no network that makes sounds by itself; "
            "expected one that generates, such as flow or ddpm"
        )
