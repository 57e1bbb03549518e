"""Flow matching and consistency distillation on a toy whose right answer is known."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from engine import train as train_command
from engine.conditioning.descriptors import DESCRIPTORS
from engine.denoisers import FlowDenoiser
from engine.frameworks import Batch, DataInfo, Framework, Parts
from engine.frameworks import consistency as consistency_framework
from engine.frameworks import flow as flow_framework
from engine.frameworks.losses import ConditionDropout, dropped_conditions, weighted_mean
from engine.networks import transformer
from engine.networks.interface import Conditions
from engine.samplers import consistency, euler
from engine.schedules import flow_times

INFO = DataInfo(44_100, 2, 3, ("left", "right"), ("height",))
NO_DROPOUT = ConditionDropout(0.1, 0.0, 0.0, 0.0)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Tiny networks are slower on several threads, much slower on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def toy_batch(generator: torch.Generator, rows: int) -> Batch:
    """Category sets the sign of dimension 0, the descriptor sets dimension 1; little noise."""
    category = torch.randint(2, (rows,), generator=generator)
    height = torch.rand((rows, 1), generator=generator)
    place = torch.stack((category * 2.0 - 1.0, height[:, 0] * 2 - 1), dim=1)
    x = place[:, :, None] + 0.05 * torch.randn((rows, 2, 3), generator=generator)
    return Batch(x, torch.full((rows,), 3), category, height)


def train(framework: Framework, steps: int, rate: float) -> list[float]:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    (phase,) = framework.phases()
    optimizer = torch.optim.Adam(phase.parameters, lr=rate)
    losses = []
    for step in range(steps):
        losses.append(phase.loss(toy_batch(generator, 128), generator, step)["total"])
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    return [float(loss.detach()) for loss in losses]


def sample(network: torch.nn.Module, sampler, steps: int, guidance: float, category: int):
    torch.manual_seed(1)
    conditions = Conditions(
        torch.full((200,), category), torch.full((200, 1), 0.9), torch.full((200,), guidance)
    )
    with torch.no_grad():
        denoise = FlowDenoiser(lambda x, t: network(x, torch.full((200,), t), conditions))
        return sampler(
            denoise,
            torch.randn(200, 2, 3),
            flow_times(steps),
            lambda _draw: torch.randn(200, 2, 3),
            lambda _done, _steps: None,
        )


def test_flow_then_consistency_learn_the_toy_and_the_student_needs_one_step() -> None:
    torch.manual_seed(0)
    network = transformer.build(transformer.Settings(32, 2, 2, 2.0), INFO.network())
    settings = flow_framework.Settings(dropout=NO_DROPOUT)
    flow = flow_framework.build(settings, Parts(network, None, INFO, 400))
    losses = train(flow, 400, 3e-3)
    assert np.mean(losses[-20:]) < 0.5 * np.mean(losses[:20])
    for category, sign in ((0, -1.0), (1, 1.0)):
        points = sample(network, euler, 16, 1.0, category)
        assert points[:, 0].mean() == pytest.approx(sign, abs=0.15)
        assert points[:, 1].mean() == pytest.approx(0.8, abs=0.15)

    student = consistency_framework.build(
        consistency_framework.Settings(dropout=NO_DROPOUT, guidance_high=1.5, last_gap=0.2),
        Parts(network, None, INFO, 250),
    )
    teacher = [p.clone() for p in student.teacher.parameters()]
    train(student, 250, 1e-3)
    for before, after in zip(teacher, student.teacher.parameters(), strict=True):
        torch.testing.assert_close(before, after)
    for steps in (1, 2, 4):
        points = sample(network, consistency, steps, 1.0, 1)
        assert points[:, 0].mean() == pytest.approx(1.0, abs=0.15)
        assert points[:, 1].mean() == pytest.approx(0.8, abs=0.2)
        assert points[:, 0].std() < 0.25


def test_conditions_can_be_withheld_and_the_silence_weighs_less() -> None:
    generator = torch.Generator().manual_seed(3)
    batch = toy_batch(generator, 500)
    dropout = ConditionDropout(0.1, 0.2, 0.0, 0.5)
    conditions = dropped_conditions(batch, dropout, generator)
    assert (conditions.category == -1).float().mean() == pytest.approx(0.28, abs=0.08)
    assert conditions.descriptors.isnan().float().mean() == pytest.approx(0.55, abs=0.08)
    kept = ~conditions.descriptors.isnan()
    assert torch.equal(conditions.descriptors[kept], batch.descriptors[kept])
    short = Batch(batch.x, torch.ones(500, dtype=torch.int64), batch.category, batch.descriptors)
    error = torch.zeros_like(batch.x)
    error[:, :, 1:] = 1.0
    assert float(weighted_mean(error, short, 0.5)[0]) == pytest.approx(0.5)
    assert float(weighted_mean(error, short, 1.0)[0]) == pytest.approx(2 / 3)


def test_the_gap_of_consistency_shrinks_and_then_stays() -> None:
    network = transformer.build(transformer.Settings(32, 1, 2, 2.0), INFO.network())
    settings = consistency_framework.Settings(first_gap=1.0, last_gap=0.1, gap_until=0.5)
    student = consistency_framework.build(settings, Parts(network, None, INFO, 100))
    gaps = [student.gap(step) for step in range(0, 101, 10)]
    assert gaps[0] == 1.0
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[5:] == pytest.approx([0.1] * 6)


@pytest.mark.parametrize("frames", [1, 2, 43, 517])
def test_the_transformer_takes_any_length_and_starts_at_zero(frames: int) -> None:
    network = transformer.build(transformer.Settings(32, 2, 2, 2.0), INFO.network())
    conditions = Conditions(
        torch.tensor([-1, 1]), torch.tensor([[float("nan")], [0.2]]), torch.ones(2)
    )
    with torch.no_grad():
        answer = network(torch.randn(2, 2, frames), torch.tensor([0.0, 1.0]), conditions)
    assert answer.shape == (2, 2, frames)
    assert float(answer.abs().max()) == 0.0


def test_the_drums_recipes_train_one_after_the_other(tmp_path: Path) -> None:
    """Both shipped recipes, made small, through the train command: flow, then --from it."""
    count = 24
    rng = np.random.default_rng(2)
    shard = tmp_path / "latents.npz"
    np.savez(
        shard,
        latents=rng.standard_normal((count * 10, 8)).astype(np.float16),
        start=np.arange(count) * 10,
        length=np.full(count, 10),
        silence=np.zeros(8, np.float32),
        category=np.arange(count) % 3,
        descriptors=np.where(rng.random((count, 7)) < 0.2, np.nan, 0.5).astype(np.float32),
        held_out=np.arange(count) % 6 == 0,
        categories=np.array(("kick", "snare", "clap")),
        descriptor_names=np.array(DESCRIPTORS),
        sample_rate=np.int64(44_100),
    )
    before: list[str] = []
    for name in ("drums_flow", "drums_consistency"):
        text = (Path(train_command.__file__).parent / "recipes" / f"{name}.toml").read_text()
        for find, put in (
            ("width = 256", "width = 32"), ("depth = 8", "depth = 1"), ("heads = 4", "heads = 2"),
            ("batch = 32", "batch = 4"), ("batch = 24", "batch = 4"),
        ):  # fmt: skip
            text = text.replace(find, put)
        recipe = tmp_path / f"{name}.toml"
        recipe.write_text(text)
        out = tmp_path / name
        arguments = [str(recipe), "--data", str(shard), "--out", str(out), "--steps", "3"]
        assert train_command.main([*arguments, *before, "--device", "cpu", "--threads", "1"]) == 0
        assert (out / "model.safetensors").exists()
        before = ["--from", str(out / "model.safetensors")]
