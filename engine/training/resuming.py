"""Check a checkpoint against the run that would continue it, before anything is taken over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.errors import RecipeError
from engine.frameworks import Framework, Phase

_ADAM = ("step", "exp_avg", "exp_avg_sq")


def check_resumable(
    path: Path,
    tensors: Mapping[str, Tensor],
    facts: Mapping[str, Any],
    framework: Framework,
    phases: Iterable[Phase],
) -> None:
    """Raise RecipeError, naming the first wrong entry, unless the checkpoint is of this run.

    tensors: "framework.*" and "ema.*" as state_dicts have them, "optimizer.PHASE.INDEX.FIELD".
    """
    step = facts.get("step")
    if not isinstance(step, int) or isinstance(step, bool) or step < 0:
        raise RecipeError(f"{path}: its step is {step!r}; expected a whole number: begin anew")
    shapes = {f"framework.{k}": v.shape for k, v in framework.state_dict().items()}
    shapes |= {f"ema.{k}": v.shape for k, v in framework.network.state_dict().items()}
    wanted = dict(shapes)
    for phase in phases:
        for index, parameter in enumerate(phase.parameters):
            for field in _ADAM:
                shape = torch.Size() if field == "step" else parameter.shape
                wanted[f"optimizer.{phase.name}.{index}.{field}"] = shape
    for name, tensor in tensors.items():
        if name not in wanted or tensor.shape != wanted[name]:
            raise _of_another(path, f"it holds {name!r} of shape {tuple(tensor.shape)}")
    for name in shapes:
        if name not in tensors:
            raise _of_another(path, f"it lacks {name!r}")


def _of_another(path: Path, why: str) -> RecipeError:
    return RecipeError(
        f"{path} was made by another recipe than this one ({why}): resume with that one, or choose "
        "another --out"
    )
