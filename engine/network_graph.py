"""One ONNX graph of any sequence network, of any length that its strides take, checked by running.

The folder gets network.onnx and model.safetensors, in float32, into which the graph points. Inputs
(batch 1): x (1, C, L), noise_cond (1,), category, descriptors and guidance where the network knows
labels, frames (1, M, L / hop) where it hears conditions along time; output answer (1, C_out, L).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine.errors import DriftwaveError, RecipeError
from engine.graphs import Graph, write_graph, write_weights
from engine.networks.interface import (
    FIXED_LENGTH,
    SEQUENCE,
    UNROLLED,
    NetworkInfo,
    no_conditions,
)
from engine.registry import NETWORKS, Spec, find

__all__ = ["FILE", "check_exportable", "write_network"]

FILE = "network.onnx"
_EXAMPLE, _OTHER = 8, 11  # lengths, in strides: that of the export, that of the check
_TOLERANCE = 1e-4  # of the answer's largest value


class _NetworkGraph(nn.Module):
    """The network with its conditions as plain inputs; what it does not know is left out."""

    def __init__(self, network: nn.Module, info: NetworkInfo) -> None:
        super().__init__()
        self.network = network
        self.kinds = len(info.descriptors)
        self.labelled = bool(len(info.categories) or self.kinds)
        self.curves = bool(info.frame_channels)

    def forward(
        self, x: Tensor, noise_cond: Tensor, a: Tensor | None = None, b: Tensor | None = None,
        c: Tensor | None = None, d: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """a to d: those of ``inputs`` that there are, in their order."""
        told = dict(zip(self.inputs()[2:], (a, b, c, d), strict=False))
        cond = no_conditions(x, self.kinds)
        given = {name: value for name, value in told.items() if value is not None}
        answer: Tensor = self.network(x, noise_cond, cond._replace(**given))
        return answer

    def inputs(self) -> tuple[str, ...]:
        """Names of what forward takes."""
        labels = ("category", *(("descriptors",) if self.kinds else ()), "guidance")
        curves = ("frames",) if self.curves else ()
        return ("x", "noise_cond", *(labels if self.labelled else ()), *curves)


def check_exportable(spec: Spec) -> None:
    """Raise RecipeError, naming the network, when no graph of free length can be made of it."""
    if SEQUENCE not in spec.traits:
        why = "is no sequence network; a codec is exported as part of a voice"
    elif FIXED_LENGTH in spec.traits:
        why = "takes windows of one length alone"
    elif UNROLLED in spec.traits:
        why = "goes frame by frame, and a graph would have the length it was exported at"
    else:
        return
    good = [name for name in sorted(NETWORKS) if _is_exportable(find("network", name))]
    raise RecipeError(
        f"network {spec.name!r} {why}; a graph of free length is made of: {', '.join(good)}"
    )


def _is_exportable(spec: Spec) -> bool:
    return SEQUENCE in spec.traits and not spec.traits & {FIXED_LENGTH, UNROLLED}


def write_network(folder: Path, spec: Spec, network: nn.Module, info: NetworkInfo) -> float:
    """Write the graph and the weights of a network built for ``info``; returns their difference.

    The difference is the largest between torch and ONNX Runtime, at another length than the
    exported, as a share of the largest value. Raises RecipeError for a network of which no graph of
    free length can be made, DriftwaveError when the graph answers otherwise.
    """
    check_exportable(spec)
    folder.mkdir(parents=True, exist_ok=True)
    wrapped = _NetworkGraph(network.eval(), info)
    names = wrapped.inputs()
    stride, hop = int(getattr(network, "multiple", 1)), int(getattr(network, "hop", 1))
    write_weights(folder, {f"network.{k}": v.float() for k, v in network.state_dict().items()})
    free = {"x": (2, stride)}
    if "frames" in names:
        free["frames"] = (2, stride // hop)
    example = tuple(_input(name, info, stride, hop, _EXAMPLE) for name in names)
    write_graph(folder, Graph(FILE, wrapped, example, names, "answer", free))
    told = tuple(_input(name, info, stride, hop, _OTHER) for name in names)
    with torch.no_grad():
        expected = wrapped(*told).numpy()
    answer = _session(folder / FILE)(dict(zip(names, told, strict=True)))
    difference = float(np.abs(answer - expected).max() / max(float(np.abs(expected).max()), 1e-6))
    if not difference <= _TOLERANCE:
        raise DriftwaveError(
            f"the graph in {folder} differs from network {spec.name!r} by {difference:.2g} of its "
            f"answer, more than {_TOLERANCE}: do not use it"
        )
    return difference


def _input(name: str, info: NetworkInfo, stride: int, hop: int, strides: int) -> Tensor:
    """An example of one input, random where it may be."""
    generator = torch.Generator().manual_seed(strides)
    shapes = {
        "x": (1, info.channels, strides * stride),
        "frames": (1, info.frame_channels, strides * stride // hop),
        "descriptors": (1, len(info.descriptors)),
    }
    if name in shapes:
        return torch.rand(shapes[name], generator=generator)
    return torch.zeros(1, dtype=torch.int64) if name == "category" else torch.ones(1)


def _session(path: Path) -> Callable[[dict[str, Tensor]], Any]:
    from engine.onnx_library import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    return lambda told: session.run(None, {name: value.numpy() for name, value in told.items()})[0]
