"""The import order of ARCHITECTURE.md: who may know whom."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# A module may import modules of its own layer or of a lower one.
LAYERS: dict[str, int] = {
    "__version__": 0,
    "errors": 0,
    "types": 0,
    "registry": 0,
    "console": 1,
    "onnx_library": 1,
    "stft": 1,
    "networks": 1,
    "schedules": 1,
    "quantizers": 1,
    "conditioning": 1,
    "denoisers": 2,
    "interpolation": 2,
    "audio_files": 2,
    "codecs": 3,
    "samplers": 3,
    "frameworks": 3,
    "voice_format": 3,
    "voice": 3,
    "denoising": 3,
    "voice_networks": 3,
    "training": 4,
    "metrics": 4,
    "operations": 4,
    "runtime": 4,
    "laboratory": 5,
    "adaptation": 6,
    "denoising_evaluation": 5,
    "jobs": 5,
    "library": 5,
    "stage": 5,
    "patterns": 5,
    "config": 5,
    "logs": 5,
}
COMMANDS = 6
# Pairs that the layers alone would allow.
FORBIDDEN = [
    ("engine.runtime", "engine.training"),
    ("engine.runtime", "engine.frameworks"),
    ("engine.operations", "engine.runtime"),
    ("engine.operations", "engine.training"),
    ("engine.networks", "engine.schedules"),
    ("engine.networks", "engine.samplers"),
    ("engine.training", "engine.runtime"),
]


def imports_of(path: Path) -> set[str]:
    """Absolute names of every module that the file imports, also inside functions."""
    package = ".".join(path.relative_to(ROOT).with_suffix("").parts[:-1])
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parts, base] if base else parts)
            found |= {f"{base}.{alias.name}" for alias in node.names} | {base}
    return found


def layer(module: str) -> int:
    parts = module.split(".")
    return LAYERS.get(parts[1], COMMANDS) if len(parts) > 1 else 0


def sources(folder: str) -> list[Path]:
    return sorted(path for path in (ROOT / folder).rglob("*.py") if "/." not in str(path))


@pytest.mark.parametrize("path", sources("engine"), ids=lambda p: str(p.relative_to(ROOT)))
def test_engine_imports_only_its_own_or_lower_layers(path: Path) -> None:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for name in imports_of(path):
        if name.startswith("plugin_host"):
            assert module == "engine.doors.stage_host", f"{module} imports {name}"
        if name.startswith("bridge"):
            assert layer(module) == COMMANDS, f"{module} imports {name}; only engine.serve may"
        if name.startswith("engine."):
            assert layer(name) <= layer(module), f"{module} imports {name}, a higher layer"
            for above, below in FORBIDDEN:
                assert not (module.startswith(above) and name.startswith(below)), (module, name)


@pytest.mark.parametrize("folder", ["bridge", "plugin_host"])
def test_bridge_and_host_know_neither_engine_nor_torch(folder: str) -> None:
    for path in sources(folder):
        for name in imports_of(path):
            assert name.split(".")[0] not in {"engine", "torch"}, f"{path} imports {name}"


@pytest.mark.parametrize("folder", ["engine", "bridge", "plugin_host", "benchmarks", "tests"])
def test_onnx_runtime_is_imported_where_its_telemetry_is_off(folder: str) -> None:
    for path in sources(folder):
        alone = path == ROOT / "engine" / "onnx_library.py"
        assert alone or "onnxruntime" not in imports_of(path), f"{path} imports onnxruntime"
