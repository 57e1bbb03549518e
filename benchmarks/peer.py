"""The peer: a DiffWave-size network (30 layers x 64 channels, 6 steps, 22.05 kHz) on this machine.

Kong et al. 2021 with the fast schedule of 6 steps; speed depends on the network alone, so its
weights are untrained. Run by ONNX Runtime with the same number of threads as Driftwave's voices.
"""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.measure import Figure, summarise, times_ms

STEPS = 6
SAMPLE_RATE = 22_050
HOP = 256


def run(count: int) -> list[Figure]:
    """Generate 1 s with the peer ``count`` times; without torch or onnx the peer is left out."""
    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("onnxscript") is None:
        return []
    import torch

    from engine.networks import wavenet
    from engine.networks.interface import NetworkInfo, no_conditions
    from engine.onnx_library import onnxruntime

    frames = SAMPLE_RATE // HOP
    network = wavenet.build(wavenet.Settings(), NetworkInfo(1, frame_channels=80)).eval()
    audio = torch.randn(1, 1, frames * HOP)
    timestep = torch.tensor([1.0])
    mel = torch.randn(1, 80, frames)

    class Flat(torch.nn.Module):
        """The network with its conditioning as a plain argument, as the exporter wants it."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(
            self, x: torch.Tensor, t: torch.Tensor, conditioner: torch.Tensor
        ) -> torch.Tensor:
            noise: torch.Tensor = self.network(x, t, no_conditions(x)._replace(frames=conditioner))
            return noise

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "diffwave.onnx"
        torch.onnx.export(
            Flat().eval(),
            (audio, timestep, mel),
            path,
            input_names=["x", "t", "mel"],
            verbose=False,
        )
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        feeds = {"x": audio.numpy(), "t": timestep.numpy(), "mel": mel.numpy()}

        def generate() -> None:
            x = feeds["x"]
            for _ in range(STEPS):
                x = 0.9 * x - 0.1 * session.run(None, {**feeds, "x": np.float32(x)})[0]

        durations = times_ms(generate, count=min(count, 5), warm_up=1)
    return [
        summarise(
            "peer: DiffWave size, 1 s at 6 steps, 22.05 kHz",
            durations,
            note="30 layers x 64 channels, ONNX Runtime",
        )
    ]
