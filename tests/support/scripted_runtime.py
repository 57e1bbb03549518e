"""A runtime whose sounds take exactly as long as a test wants, for tests of the queue."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from engine.errors import Cancelled, DriftwaveError, VoiceError
from engine.types import Generated, GenerateRequest


@dataclass(frozen=True)
class ScriptedSampling:
    """How the voice is sampled unless a request says otherwise."""

    default_steps: int = 2


@dataclass(frozen=True)
class ScriptedVoice:
    """What the jobs need to know of a voice."""

    name: str
    folder: Path
    hash: str = "0" * 64
    sample_rate: int = 8_000
    channels: int = 1
    max_seconds: float = 4.0
    description: str = "made by a test"
    version: str = "1"
    sampling: ScriptedSampling = field(default_factory=ScriptedSampling)


@dataclass
class ScriptedRuntime:
    """Every sampler step waits for `gate`; prompts that begin with an error's name raise it."""

    gate: threading.Event = field(default_factory=threading.Event)
    started: threading.Event = field(default_factory=threading.Event)
    order: list[tuple[str, int]] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    name: str = "scripted"

    def load(self, voice: ScriptedVoice) -> ScriptedLoadedVoice:
        if voice.name == "broken":
            raise VoiceError("voice 'broken': model.safetensors has another hash; reinstall it")
        self.loads.append(voice.name)
        return ScriptedLoadedVoice(self, voice)


@dataclass
class ScriptedLoadedVoice:
    runtime: ScriptedRuntime
    voice: ScriptedVoice

    def generate(
        self,
        request: GenerateRequest,
        *,
        index: int,
        on_step: Callable[[int, int], None],
        cancelled: Callable[[], bool],
    ) -> Generated:
        self.runtime.order.append((request.prompt, index))
        self.runtime.started.set()
        for step in range(request.steps):
            while not self.runtime.gate.wait(0.01):
                if cancelled():
                    raise Cancelled("cancelled between steps")
            if cancelled():
                raise Cancelled("cancelled between steps")
            on_step(step + 1, request.steps)
        errors: dict[str, BaseException] = {
            "memory": MemoryError(),
            "bug": ZeroDivisionError("a bug"),
            "voice": VoiceError("broken"),
            "exit": DriftwaveError("unlucky"),
        }
        if request.prompt in errors:
            raise errors[request.prompt]
        seed = (request.seed or 0) + index
        noise = np.random.default_rng(seed).uniform(-0.5, 0.5, (1, 800))
        audio = (np.round(noise * 2**23) / 2**23).astype(np.float32)
        return Generated(audio, tuple(request.prompt.split()), (), {"category": "none"})
