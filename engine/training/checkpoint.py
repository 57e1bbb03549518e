"""Checkpoints: safetensors files written so that a crash leaves the old one or the new one whole.

One file holds weights, averages, optimizer state and generator states as tensors; the step, the
recipe and other scalars stand in its metadata as JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from engine.errors import RecipeError, StorageError


def replace_file(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file through ``write`` and put it at ``path`` in one step, flushed to disk.

    Raises StorageError when that is impossible; what was at ``path`` before is then still there.
    """
    try:
        _replace_file(path, write)
    except OSError as error:
        raise _cannot_write(path, error, "what was there before is kept") from error


def _cannot_write(path: Path, error: OSError, kept: str) -> StorageError:
    return StorageError(
        f"cannot write {path}: {error.strerror or error}; make room or choose another folder: "
        + kept
    )


def _replace_file(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def save_checkpoint(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write tensors and JSON-able facts to ``path``, atomically. Raises StorageError.

    What a killed process left half written for the same path is removed.
    """
    for left in path.parent.glob(f".{path.name}.*"):
        with contextlib.suppress(OSError):
            left.unlink()
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    data = save(whole, metadata={"driftwave": json.dumps(facts)})
    try:
        _replace_file(path, lambda file: file.write(data))
    except OSError as error:
        raise _cannot_write(path, error, "the last checkpoint is whole") from error


def load_checkpoint(path: Path, prefix: str = "") -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read (tensors whose name starts with ``prefix``, without it; facts).

    Raises RecipeError when the file is missing, truncated or not a checkpoint, or holds numbers
    that are none.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118
            tensors = {name[len(prefix) :]: file.get_tensor(name).clone() for name in names}
    except (SafetensorError, OSError) as error:
        raise RecipeError(f"cannot read checkpoint {path}: {error}") from error
    if "driftwave" not in metadata:
        raise RecipeError(f"{path} is not a Driftwave checkpoint: it has no driftwave metadata")
    try:
        facts = json.loads(metadata["driftwave"])
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"{path} is no checkpoint: its facts are not JSON ({error})") from error
    if not isinstance(facts, dict):
        raise RecipeError(f"{path} is no checkpoint: its facts are no table")
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise RecipeError(
                f"{path}: {name!r} has values that are not finite, as after a training that "
                "diverged; go back to an earlier model"
            )
    return tensors, facts
