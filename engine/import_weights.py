"""Take up other people's weights: python -m engine.import_weights FILE --kind KIND --out FOLDER.

FILE is a DiffWave or WaveGrad checkpoint in the layout of the lmnt implementations: a state_dict,
or {"model": state_dict, "params": {...}, "step": n}, saved by torch or as safetensors. It is read
without running anything in it, every key and shape is checked, and --out becomes a run's folder as
engine.train writes it: a model that carries its recipe.

| in the file                                   | in the recipe                              |
|-----------------------------------------------|--------------------------------------------|
| keys and shapes                               | layers, channels, strides, mel bands       |
| params.dilation_cycle_length, else --cycle    | network.cycle                              |
| params.noise_schedule                         | framework.schedule, framework.timesteps    |
| params.sample_rate, else --sample-rate        | DataInfo.sample_rate                       |
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine import console
from engine.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from engine.frameworks import DataInfo

__all__ = ["Foreign", "Imported", "command", "import_weights", "main", "read_foreign"]

_MOST_CYCLE = 24  # a dilation of 2 ** 23 samples is minutes
_CROP_FRAMES = 62  # condition frames of a training crop
_UNCONDITIONAL_FRAMES = 16_384  # samples of a crop without conditions
_SAMPLE_RATE = 22_050
_CYCLE = 10


@dataclass(frozen=True)
class Foreign:
    """What a file holds: its weights, its settings if it tells them, and how long it trained."""

    state: dict[str, Tensor]
    params: Mapping[str, Any]
    step: int


@dataclass(frozen=True)
class Imported:
    """A checked model: recipe text, the shapes it is built for, and its weights."""

    recipe: str
    info: DataInfo
    state: dict[str, Tensor]


@click.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--kind", required=True, type=click.Choice(["diffwave", "wavegrad"]))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the run.")
@click.option("--cycle", type=int, help="DiffWave's dilation cycle, where the file does not say.")
@click.option("--sample-rate", type=int, help="Rate of its sounds, where the file does not say.")
def command(file: Path, kind: str, out: Path, cycle: int | None, sample_rate: int | None) -> None:
    """Make the run folder --out of the DiffWave or WaveGrad checkpoint FILE."""
    from engine.training.checkpoint import save_checkpoint
    from engine.training.loop import MODEL

    if (out / MODEL).exists():
        raise UsageError(f"{out} already holds a run; choose another folder")
    foreign = read_foreign(file)
    told: dict[str, Any] = {"dilation_cycle_length": cycle, "sample_rate": sample_rate}
    params = {**{k: v for k, v in told.items() if v is not None}, **foreign.params}
    imported = import_weights(dataclasses.replace(foreign, params=params), kind, str(file))
    facts = {
        "step": foreign.step,
        "name": kind,
        "recipe": imported.recipe,
        "data": dataclasses.asdict(imported.info),
    }
    save_checkpoint(out / MODEL, imported.state, facts)
    count = sum(tensor.numel() for tensor in imported.state.values())
    console.note(f"{out}: {kind} of {count:,} parameters, trained for {foreign.step:,} steps")


def read_foreign(path: Path) -> Foreign:
    """Read a checkpoint, running nothing in it.

    Raises UsageError when it is missing, broken, wants to run code, or holds no plain weights.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise UsageError(f"no file {path}; expected a checkpoint of torch, or safetensors")
    if path.suffix == ".safetensors":
        try:
            held: Any = load_file(path)
        except (SafetensorError, OSError) as error:
            raise UsageError(f"cannot read {path} as safetensors: {error}") from error
    else:
        try:
            held = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # a hostile file may fail in any way: all of them end here
            reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
            raise UsageError(
                f"cannot read {path} as a plain checkpoint of torch ({reason[:200]}); nothing in "
                "it was run. Expected tensors, numbers and words alone"
            ) from error
    if not isinstance(held, Mapping):
        raise UsageError(f"{path} holds a {type(held).__name__}; expected a state_dict")
    state, params = held.get("model", held), held.get("params", {})
    step = held.get("step", 0)
    if not isinstance(state, Mapping) or not isinstance(params, Mapping):
        raise UsageError(f"{path}: 'model' and 'params' are not tables; expected a state_dict")
    return Foreign(
        {
            str(name).removeprefix("module."): _plain(str(name), tensor, path)
            for name, tensor in state.items()
        },
        params,
        step if isinstance(step, int) and step >= 0 else 0,
    )


def _plain(name: str, tensor: Any, path: Path) -> Tensor:
    """A tensor as float32, with memory of its own. UsageError for what is none, or no number."""
    import torch

    if not isinstance(tensor, torch.Tensor) or not tensor.is_floating_point():
        raise UsageError(f"{path}: {name!r} is no tensor of floats; expected weights alone")
    if tensor.layout != torch.strided or tensor.device.type != "cpu":
        raise UsageError(f"{path}: {name!r} is not a dense tensor; expected plain weights")
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise UsageError(f"{path}: {name!r} claims {tuple(tensor.shape)} values it does not hold")
    if not bool(torch.isfinite(tensor).all()):
        raise UsageError(f"{path}: {name!r} has values that are not finite; the file is of no use")
    return tensor.detach().float().contiguous().clone()


def import_weights(foreign: Foreign, kind: str, where: str = "the file") -> Imported:
    """Check weights of a kind ("diffwave" or "wavegrad") and say what recipe they are of.

    Raises UsageError naming the first key that is missing, unknown or of another shape.
    """
    import torch

    from engine.training.building import build_network
    from engine.training.recipe import parse_recipe

    recipe, info = _KINDS[kind](_Layout(foreign, kind, where))
    with torch.device("meta"):
        network = build_network(parse_recipe(recipe), None, info)
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    for name, tensor in foreign.state.items():
        if name not in wanted and name not in _COMPUTED:
            raise UsageError(f"{where} is no {kind} of this layout: it has an unknown key {name!r}")
        if name in wanted and tuple(tensor.shape) != wanted[name]:
            raise UsageError(
                f"{where} is no {kind} of this layout: {name!r} has the shape "
                f"{tuple(tensor.shape)}; expected {wanted[name]}"
            )
    for name in wanted:
        if name not in foreign.state:
            raise UsageError(f"{where} is no {kind} of this layout: it lacks the key {name!r}")
    return Imported(recipe, info, {name: foreign.state[name] for name in wanted})


_COMPUTED = frozenset({"diffusion_embedding.embedding"})
"""Keys of old files that hold what the network computes itself."""


@dataclass(frozen=True)
class _Layout:
    """Questions to a file whose answers decide the network's sizes."""

    foreign: Foreign
    kind: str
    where: str

    def shape(self, name: str, axes: int) -> tuple[int, ...]:
        """The shape of a tensor with so many axes. UsageError when there is none such."""
        tensor = self.foreign.state.get(name)
        if tensor is None:
            raise UsageError(
                f"{self.where} is no {self.kind} of this layout: it lacks the key {name!r}"
            )
        if tensor.ndim != axes or 0 in tensor.shape:
            raise UsageError(
                f"{self.where} is no {self.kind} of this layout: {name!r} has the shape "
                f"{tuple(tensor.shape)}; expected {axes} axes, none of them empty"
            )
        return tuple(tensor.shape)

    def has(self, name: str) -> bool:
        return name in self.foreign.state

    def count(self, prefix: str) -> int:
        """How many layers are numbered ``prefix``0, ``prefix``1, ... without a gap."""
        numbers = {name.removeprefix(prefix).split(".")[0] for name in self.foreign.state
                   if name.startswith(prefix)}  # fmt: skip
        found = 0
        while str(found) in numbers:
            found += 1
        return found

    def number(self, name: str, usual: int, most: int) -> int:
        """A whole number of the params, 1 to ``most``; ``usual`` when they do not tell."""
        value = self.foreign.params.get(name, usual)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            raise UsageError(f"{self.where}: params.{name} is {value!r}; expected 1 to {most}")
        return value

    def schedule(self, usual: str, steps: int) -> tuple[str, int]:
        """Name and length of the noise schedule. UsageError when it is none that is known."""
        import numpy as np

        from engine.schedules import BETAS

        told = self.foreign.params.get("noise_schedule")
        if told is None:
            return usual, steps
        numbers = isinstance(told, Sequence) and not isinstance(told, str) and len(told) >= 2
        if numbers and all(isinstance(beta, float | int) for beta in told):
            for name in (usual, *sorted(set(BETAS) - {usual})):
                if np.allclose(BETAS[name](len(told)), np.array(told), rtol=1e-4, atol=1e-9):
                    return name, len(told)
        raise UsageError(
            f"{self.where}: params.noise_schedule is none of {', '.join(BETAS)}; the network would "
            "be sampled at noise levels it was not trained on"
        )


def _diffwave(layout: _Layout) -> tuple[str, DataInfo]:
    """Recipe and shapes of a DiffWave."""
    channels = layout.shape("input_projection.weight", 3)[0]
    layers = layout.count("residual_layers.")
    if not layers:
        layout.shape("residual_layers.0.dilated_conv.weight", 3)
    mels = 0
    strides: list[int] = []
    if layout.has("spectrogram_upsampler.conv1.weight"):
        mels = layout.shape("residual_layers.0.conditioner_projection.weight", 3)[1]
        while layout.has(key := f"spectrogram_upsampler.conv{len(strides) + 1}.weight"):
            strides.append(layout.shape(key, 4)[3] // 2)
    cycle = layout.number("dilation_cycle_length", _CYCLE, _MOST_CYCLE)
    schedule, timesteps = layout.schedule("diffwave", 50)
    return _recipe(
        layout,
        f'name = "wavenet"\nlayers = {layers}\nchannels = {channels}\ncycle = {cycle}\n'
        f"upsample = {strides}\nlabel_width = 0",
        f'name = "ddpm"\nobjective = "eps"\nschedule = "{schedule}"\ntimesteps = {timesteps}',
        mels,
        strides,
    )


def _wavegrad(layout: _Layout) -> tuple[str, DataInfo]:
    """Recipe and shapes of a WaveGrad, whose strides stand in no key and are always these."""
    factors = [5, 5, 3, 2, 2]
    levels = layout.count("upsample.")
    if levels != len(factors):
        layout.shape(f"upsample.{min(levels, 4)}.block1.weight", 3)
        raise UsageError(
            f"{layout.where} is no wavegrad of this layout: it has {levels} blocks "
            f"upsample.N; expected {len(factors)}"
        )
    first, mels, _ = layout.shape("first_conv.weight", 3)
    up = [layout.shape(f"upsample.{i}.block1.weight", 3)[0] for i in range(levels)]
    down = [layout.shape("downsample.0.weight", 3)[0]]
    down += [layout.shape(f"downsample.{i}.residual_dense.weight", 3)[0] for i in range(1, levels)]
    hop = layout.number("hop_samples", 300, 100_000)
    if hop != 300:
        raise UsageError(f"{layout.where}: params.hop_samples is {hop}; expected 300")
    schedule, timesteps = layout.schedule("wavegrad", 1000)
    if schedule != "wavegrad":
        raise UsageError(f"{layout.where}: params.noise_schedule is {schedule}, not WaveGrad's")
    return _recipe(
        layout,
        f'name = "wavegrad_unet"\nupsample_factors = {factors}\nupsample_channels = {up}\n'
        f"downsample_channels = {down}\nfirst_channels = {first}",
        f'name = "wavegrad"\ntimesteps = {timesteps}',
        mels,
        factors,
    )


def _recipe(
    layout: _Layout, network: str, framework: str, mels: int, strides: Sequence[int]
) -> tuple[str, DataInfo]:
    import math

    from engine.frameworks import DataInfo

    hop = math.prod(strides)
    frames = _CROP_FRAMES * hop if mels else _UNCONDITIONAL_FRAMES
    text = (
        f"# Imported by driftwave import --kind {layout.kind}.\n"
        f'name = "{layout.kind}"\n\n[network]\n{network}\n'
        "noise_scale = 1.0  # as it was trained\n\n"
        f'[framework]\n{framework}\n\n[data]\nname = "audio"\nframes = {frames}\n'
    )
    if mels:
        text += f'\n[data.condition]\nkind = "mel"\nhop = {hop}\nbands = {mels}\nscale = "lmnt"\n'
    rate = layout.number("sample_rate", _SAMPLE_RATE, 1_000_000)
    return text, DataInfo(rate, 1, frames, (), (), frame_channels=mels)


_KINDS: Mapping[str, Callable[[_Layout], tuple[str, DataInfo]]] = {
    "diffwave": _diffwave,
    "wavegrad": _wavegrad,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run `import`; returns the exit status."""
    return console.run(command, argv, "import")


if __name__ == "__main__":
    sys.exit(main())
