"""Runtimes: load a voice and make sound with it, on ONNX Runtime or on torch.

Both run the same samplers on the same noise, so that a seed gives the same sound on either
within the tolerance that tests/unit/test_runtime.py states. Importing this loads neither.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Protocol

from engine.errors import UsageError
from engine.runtime.generation import LoadedVoice
from engine.types import Generated
from engine.voice import Voice

__all__ = ["DEVICES", "Generated", "LoadedVoice", "Runtime", "open_runtime"]

DEVICES = ("auto", "cpu", "cuda")


class Runtime(Protocol):
    """A way to run networks. A pool of GPUs could stand behind this as well."""

    @property
    def name(self) -> str:
        """What it runs on, for people: "ONNX Runtime 1.20 on 2 threads"."""
        ...

    def load(self, voice: Voice) -> LoadedVoice:
        """Loads and warms up a voice; VoiceError when its graphs or weights do not fit it."""
        ...


def open_runtime(device: str = "auto", *, threads: int | None = None) -> Runtime:
    """The runtime for a device: "cpu" is ONNX Runtime, "cuda" is torch, "auto" the better one.

    threads: CPU threads of one network call; None takes what measured best.
    Raises UsageError for an unknown device, and for "cuda" where it cannot run.
    """
    if device not in DEVICES:
        raise UsageError(f"device is {device!r}; expected one of {', '.join(DEVICES)}")
    if device == "cuda" or (device == "auto" and _cuda_is_likely()):
        from engine.runtime.cuda import TorchRuntime, cuda_is_available

        if cuda_is_available():
            return TorchRuntime("cuda")
        if device == "cuda":
            raise UsageError("device 'cuda' needs a CUDA GPU and its driver; use --device cpu")
    from engine.runtime.onnx import OnnxRuntime

    return OnnxRuntime(threads)


def _cuda_is_likely() -> bool:
    """Whether importing torch (over a second) is worth while: it is there, and so is a driver."""
    if importlib.util.find_spec("torch") is None:
        return False
    return not sys.platform.startswith("linux") or Path("/dev/nvidiactl").exists()
