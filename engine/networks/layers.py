"""Layers that several sequence networks share: a convolution that keeps L, a norm of each frame."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class Conv(nn.Conv1d):
    """Convolution (B, C, L) to (B, C', L) with zeros around; causal: all of them before.

    kernel must be odd. Parameters are those of nn.Conv1d.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *,
        dilation: int = 1, groups: int = 1, causal: bool = False,
    ) -> None:  # fmt: skip
        assert kernel % 2, "an even kernel has no middle"
        reach = dilation * (kernel - 1)
        around = 0 if causal else reach // 2  # padded by the convolution itself, which is faster
        super().__init__(inputs, outputs, kernel, padding=around, dilation=dilation, groups=groups)
        self.before = reach if causal else 0

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, (self.before, 0)) if self.before else x)


def frame_norm(h: Tensor) -> Tensor:
    """Zero mean and unit variance over the channels of every frame of (B, C, L), no parameters.

    Unlike group norm it looks at no other frame: it is causal, and L = 1 is no special case.
    """
    return F.layer_norm(h.transpose(1, 2), (h.shape[1],)).transpose(1, 2)
