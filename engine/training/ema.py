"""Exponential moving average of a network's weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Ema:
    """Averages every parameter; buffers are copied. The first steps average over less."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state = {k: v.detach().clone() for k, v in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move the average towards the network after optimizer step number ``step`` (from 0)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        averages, values = [], []
        for name, value in network.state_dict().items():
            average = self.state[name]
            if average.is_floating_point():
                averages.append(average)
                values.append(value.detach())
            else:
                average.copy_(value)
        torch._foreach_lerp_(averages, values, 1.0 - decay)

    def load(self, state: dict[str, Tensor]) -> None:
        """Take over saved averages."""
        for name, value in state.items():
            self.state[name].copy_(value)
