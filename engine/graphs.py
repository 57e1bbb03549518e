"""Turn a voice's networks into one weights file and three ONNX graphs that refer to it.

The weights stand once, in model.safetensors: matrices in float16, the rest in float32. A graph's
initialisers point into that file (location, offset, length); float16 ones pass through a Cast,
which ONNX Runtime folds away when it opens the graph. All arithmetic is float32.
"""

from __future__ import annotations

import json
import logging
import struct
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx
import torch
from onnx import TensorProto, helper
from safetensors.torch import save
from torch import Tensor, nn

from engine.voice import WEIGHTS

__all__ = ["Graph", "halved", "write_graph", "write_weights"]

_FLOAT16_AXES = 2  # tensors of this many axes or more are stored in half precision


@dataclass(frozen=True)
class Graph:
    """One graph to write.

    module: its parameters' names are those of the weights file. example: positional inputs.
    frames: input name -> (axis, frames of it in one latent frame): the axes of free length.
    """

    file: str
    module: nn.Module
    example: tuple[Tensor, ...]
    inputs: tuple[str, ...]
    output: str
    frames: Mapping[str, tuple[int, int]]
    more_outputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Place:
    """Where a tensor lies in the weights file, in bytes from its beginning."""

    data_type: int
    shape: tuple[int, ...]
    offset: int
    length: int


def halved(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors as they will be stored. Networks that are exported must hold these values."""
    return {
        name: tensor.half() if tensor.ndim >= _FLOAT16_AXES else tensor.float()
        for name, tensor in state.items()
    }


def write_weights(folder: Path, tensors: Mapping[str, Tensor]) -> None:
    """Writes model.safetensors; names carry the prefix of their network."""
    data = save({name: tensor.contiguous() for name, tensor in tensors.items()})
    (folder / WEIGHTS).write_bytes(data)


def write_graph(folder: Path, graph: Graph) -> None:
    """Exports one graph to folder/graph.file; model.safetensors must already lie there."""
    latent_frames = torch.export.Dim("frames", min=2, max=100_000)
    shapes: list[dict[int, object] | None] = []
    for name in graph.inputs:
        if name in graph.frames:
            axis, multiple = graph.frames[name]
            shapes.append({axis: latent_frames if multiple == 1 else multiple * latent_frames})
        else:
            shapes.append(None)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it misses packages we do not use
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations are not ours to mend
        program = torch.onnx.export(
            graph.module.eval(),
            graph.example,
            dynamo=True,
            optimize=False,  # weights must keep their names, and their bytes, to be found again
            verbose=False,
            input_names=list(graph.inputs),
            output_names=[graph.output, *graph.more_outputs],
            dynamic_shapes=tuple(shapes) if graph.frames else None,
        )
    assert program is not None
    model = program.model_proto
    _refer_to_weights(model, _places(folder / WEIGHTS))
    _forget_origins(model)
    path = folder / graph.file
    path.write_bytes(model.SerializeToString(deterministic=True))
    onnx.checker.check_model(str(path))


def _places(path: Path) -> dict[str, _Place]:
    """Where each tensor of a safetensors file lies."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    types = {"F16": TensorProto.FLOAT16, "F32": TensorProto.FLOAT}
    return {
        name: _Place(
            types[entry["dtype"]],
            tuple(entry["shape"]),
            8 + length + entry["data_offsets"][0],
            entry["data_offsets"][1] - entry["data_offsets"][0],
        )
        for name, entry in header.items()
        if name != "__metadata__"
    }


def _refer_to_weights(model: onnx.ModelProto, places: Mapping[str, _Place]) -> None:
    """Replaces every initialiser that is a stored weight by a reference to the weights file."""
    casts = []
    for tensor in model.graph.initializer:
        place = places.get(tensor.name)
        if place is None:
            continue
        assert tuple(tensor.dims) == place.shape, tensor.name
        name = tensor.name
        stored = name
        if place.data_type != TensorProto.FLOAT:
            stored = f"{name}.stored"
            casts.append(helper.make_node("Cast", [stored], [name], to=TensorProto.FLOAT))
        tensor.Clear()
        tensor.name, tensor.data_type = stored, place.data_type
        tensor.dims.extend(place.shape)
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (
            ("location", WEIGHTS),
            ("offset", str(place.offset)),
            ("length", str(place.length)),
        ):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _forget_origins(model: onnx.ModelProto) -> None:
    """Drops stack traces and names of source files, so that equal voices have equal bytes."""
    graph = model.graph
    model.doc_string = graph.doc_string = ""
    model.producer_name, model.producer_version = "driftwave", ""
    for holder in (model, graph, *graph.node, *graph.initializer):
        del holder.metadata_props[:]
        if hasattr(holder, "doc_string"):
            holder.doc_string = ""
    del graph.value_info[:]
    for value in (*graph.input, *graph.output):
        value.doc_string = ""
        del value.metadata_props[:]
