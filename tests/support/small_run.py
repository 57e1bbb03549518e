"""A small training run over a shard of random latents, for tests of what may go wrong in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[2]
CHECKPOINT, MODEL = "checkpoint.safetensors", "model.safetensors"
RECIPE = """
name = "small"
[network]
name = "resnet1d"
width = 32
depth = 2
[framework]
name = "flow"
[data]
name = "latents"
frames = [12, 16]
[loop]
steps = 60
batch = 4
log_every = 1
save_every = 3
preview_every = 0
precision = "float32"
"""
AUDIO = RECIPE.replace('"latents"\nframes = [12, 16]', '"audio"\nframes = 4096')


def arguments(made: Path, *more: str, out: str = "out") -> list[str]:
    data, folder = str(made / "latents.npz"), str(made / out)
    return [str(made / "small.toml"), "--data", data, "--out", folder, "--device", "cpu", *more]


def changed(path: Path, **columns: Any) -> None:
    """The shard with other columns; None takes one away."""
    table = dict(np.load(path)) | columns
    np.savez(path, **{k: v for k, v in table.items() if v is not None})


class Hostile:
    """Makes a file where it is unpickled."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.proof, "run")
