"""The torch runtime: a voice's weights on a CUDA GPU (with CUDA graphs) or on the CPU.

Sampler, noise and finishing are those of the ONNX runtime; only the networks run elsewhere, in
float32 without TF32, so that both agree within the tolerance of tests/unit/test_runtime.py.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from engine.errors import OutOfMemory
from engine.runtime.generation import LoadedVoice
from engine.runtime.inputs import Inputs
from engine.voice import Voice
from engine.voice_networks import voice_network

__all__ = ["TorchRuntime", "cuda_is_available"]

FloatArray = npt.NDArray[np.float32]

MOST_GRAPHS = 8
"""Captured CUDA graphs that are kept: one for each length asked for lately."""


def cuda_is_available() -> bool:
    """Whether torch sees a CUDA device."""
    return bool(torch.cuda.is_available())


class TorchRuntime:
    """Torch on a device: "cuda" or "cpu"."""

    def __init__(self, device: str) -> None:
        self._device = torch.device(device)

    @property
    def name(self) -> str:
        if self._device.type == "cuda":
            return f"torch {torch.__version__} on {torch.cuda.get_device_name(self._device)}"
        return f"torch {torch.__version__} on the CPU"

    def load(self, voice: Voice) -> LoadedVoice:
        """Rebuilds a voice's networks from its weights. VoiceError when these do not fit."""
        return LoadedVoice(voice, TorchNetworks(voice, self._device))


class TorchNetworks:
    """A voice's networks in torch."""

    def __init__(self, voice: Voice, device: torch.device) -> None:
        self._device = device
        self._denoiser = voice_network(voice, voice.denoiser, "denoiser.").to(device)
        self._codec: Any = voice_network(voice, voice.autoencoder, "autoencoder.").to(device)
        self._graphs: OrderedDict[int, _CapturedDenoiser] = OrderedDict()

    def array(self, x: FloatArray) -> Tensor:
        return torch.from_numpy(x).to(self._device)

    @torch.inference_mode()
    def velocity(self, x: Tensor, t: float, inputs: Inputs) -> Tensor:
        time = torch.tensor([t], dtype=torch.float32, device=self._device)
        conditions = self._conditions(inputs)
        if self._device.type != "cuda":
            answer: Tensor = self._denoiser(x, time, conditions)
            return answer
        frames = x.shape[2]
        if frames not in self._graphs:
            while len(self._graphs) >= MOST_GRAPHS:
                self._graphs.popitem(last=False)
            try:
                self._graphs[frames] = _CapturedDenoiser(self._denoiser, x, time, conditions)
            except torch.OutOfMemoryError as error:
                raise OutOfMemory(f"the GPU has no room for {frames} latent frames") from error
        self._graphs.move_to_end(frames)
        return self._graphs[frames](x, time, conditions)

    @torch.inference_mode()
    def decode(self, latent: Tensor) -> FloatArray:
        spectrum: FloatArray = self._codec.decode(latent).float().cpu().numpy()
        return spectrum

    @torch.inference_mode()
    def encode(self, spectrum: FloatArray) -> Tensor:
        latent: Tensor = self._codec.encode(self.array(spectrum))
        return latent

    def _conditions(self, inputs: Inputs) -> Any:
        from engine.networks.interface import Conditions

        return Conditions(
            torch.from_numpy(inputs.category).to(self._device),
            torch.from_numpy(inputs.descriptors).to(self._device),
            torch.from_numpy(inputs.guidance).to(self._device),
        )


class _CapturedDenoiser:
    """One denoiser call of a fixed length as a CUDA graph: no launch cost for each kernel."""

    def __init__(self, network: nn.Module, x: Tensor, t: Tensor, conditions: Any) -> None:
        self._inputs = (
            x.clone(),
            t.clone(),
            type(conditions)(*(c if c is None else c.clone() for c in conditions)),
        )
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(2):  # libraries choose their kernels before the capture
                network(*self._inputs)
        torch.cuda.current_stream().wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._answer: Tensor = network(*self._inputs)

    def __call__(self, x: Tensor, t: Tensor, conditions: Any) -> Tensor:
        held_x, held_t, held_conditions = self._inputs
        held_x.copy_(x)
        held_t.copy_(t)
        for held, given in zip(held_conditions, conditions, strict=True):
            if held is not None:
                held.copy_(given)
        self._graph.replay()
        return self._answer.clone()
