"""The network, framework and recipes that CONTRIBUTING shows are real: they train and sample."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import engine.frameworks
import engine.networks
from engine import registry, train
from engine.frameworks.sampling import Order
from engine.networks.interface import no_conditions
from engine.registry import check_pair, find
from engine.training.loop import MODEL, build_framework
from engine.training.recipe import parse_recipe, read_recipe

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
# A file is the next block after its name; a line of a table is a block of one entry.
FILE = re.compile(r"`(engine/\w+/(\w+)\.py|\w+\.toml)`:\n\n```(?:python|toml)\n(.*?)```", re.S)
ENTRY = re.compile(r'```python\n    "(\w+)": "(engine\.(\w+)\.\w+)",\n```')
FILES = {match[1]: match[3] for match in FILE.finditer(TEXT)}
ENTRIES = ENTRY.findall(TEXT)


def test_the_text_has_all_its_parts() -> None:
    assert sorted(FILES) == [
        "engine/frameworks/regression.py", "engine/networks/shallow.py", "shallow_flow.toml",
        "transformer_regression.toml",
    ]  # fmt: skip
    assert [name for name, _, _ in ENTRIES] == ["shallow", "regression"]


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files as if they lay in engine/, and the lines as if they stood in the registry."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for package in (engine.networks, engine.frameworks):
        folder = tmp_path / package.__name__.replace(".", "/")
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    for name, module, folder in ENTRIES:
        monkeypatch.setitem(getattr(registry, folder.upper()), name, module)
        monkeypatch.delitem(sys.modules, module, raising=False)
    return tmp_path


@pytest.mark.parametrize("recipe", sorted(name for name in FILES if name.endswith(".toml")))
def test_a_recipe_of_the_example_trains_and_samples(recipe: str, added: Path) -> None:
    shard = added / "latents.npz"
    write_latents(shard)
    out = added / "out"
    arguments = [str(added / recipe), "--data", str(shard), "--out", str(out), "--steps", "4"]
    threads = torch.get_num_threads()
    assert train.main([*arguments, "--device", "cpu", "--threads", "1"]) == 0
    torch.set_num_threads(threads)
    parts = read_recipe(added / recipe)
    source = parts.data.spec.build(parts.data.settings, shard)
    framework = build_framework(parts, source.info, out / MODEL).eval()
    told = no_conditions(torch.zeros(2, 1, 1), len(source.info.descriptors))

    def noise(draw: int, shape: tuple[int, ...]) -> torch.Tensor:
        return torch.randn(shape, generator=torch.Generator().manual_seed(draw))

    for sampler in framework.sampling().samplers:
        drawn = framework.sampling().draw(framework.network, Order(told, 11, noise), sampler, 1)
        assert drawn.x.shape == (2, 4, 11)
        assert drawn.x.isfinite().all()


def test_the_new_parts_go_with_the_old_ones_and_with_each_other(added: Path) -> None:
    check_pair(find("network", "shallow"), find("framework", "regression"))
    check_pair(find("network", "shallow"), find("framework", "autoregressive"))
    recipe = parse_recipe(FILES["shallow_flow.toml"].replace('"flow"', '"ddpm"'))
    assert recipe.network.settings.noise_scale == 1.0


def test_the_example_reads_like_the_rest(added: Path) -> None:
    for arguments in (["format", "--check"], ["check"]):
        config = ["--config", str(ROOT / "pyproject.toml")]
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *arguments, *config, str(added / "engine")],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


def write_latents(path: Path) -> None:
    """A small shard of latents of four dimensions."""
    rng = np.random.default_rng(0)
    count, frames = 6, 20
    np.savez(
        path,
        latents=rng.standard_normal((count * frames, 4)).astype(np.float16),
        silence=np.zeros(4, np.float32),
        start=np.arange(count) * frames,
        length=np.full(count, frames),
        category=np.arange(count) % 2,
        categories=np.array(["kick", "snare"]),
        descriptors=rng.random((count, 1)),
        descriptor_names=np.array(["height"]),
        held_out=np.zeros(count, bool),
        sample_rate=np.int64(44_100),
    )
