"""A network of one fixed length, asked about each frame alone: so it takes any length."""

from __future__ import annotations

from torch import Tensor, nn

from engine.networks.interface import Conditions, on_frames


class FrameByFrame(nn.Module):
    """F(x (B, C, L), noise_cond, cond) -> (B, C_out, L) by a network built for one frame."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, noise_cond: Tensor, cond: Conditions) -> Tensor:
        rows, _, length = x.shape
        frames = cond.frames
        if frames is not None:
            frames = on_frames(frames, length).transpose(1, 2).flatten(0, 1).unsqueeze(2)
        each = Conditions(
            cond.category.repeat_interleave(length),
            cond.descriptors.repeat_interleave(length, dim=0),
            cond.guidance.repeat_interleave(length),
            frames,
        )
        alone = x.transpose(1, 2).flatten(0, 1).unsqueeze(2)  # (B L, C, 1)
        answer: Tensor = self.network(alone, noise_cond.repeat_interleave(length), each)
        return answer.squeeze(2).unflatten(0, (rows, length)).transpose(1, 2)
