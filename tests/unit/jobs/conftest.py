"""An engine whose runtime does as the test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.jobs import Engine
from tests.support.job_ear import WATCHDOG_S
from tests.support.scripted_runtime import ScriptedRuntime, ScriptedVoice


@pytest.fixture
def runtime() -> ScriptedRuntime:
    runtime = ScriptedRuntime()
    runtime.gate.set()
    return runtime


@pytest.fixture
def voices(tmp_path: Path) -> list[ScriptedVoice]:
    names = ["drums", "bass", "broken"]
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(bytes(1000))
    return [ScriptedVoice(name, tmp_path / name) for name in names]


@pytest.fixture
def make(runtime: ScriptedRuntime, voices: list[ScriptedVoice]) -> Iterator[Callable[..., Engine]]:
    engines: list[Engine] = []

    def make(**options: object) -> Engine:
        engines.append(Engine(lambda broken: voices, lambda: runtime, **options))  # type: ignore[arg-type]
        return engines[-1]

    yield make
    runtime.gate.set()
    for engine in engines:
        assert engine.close(timeout_s=WATCHDOG_S)
