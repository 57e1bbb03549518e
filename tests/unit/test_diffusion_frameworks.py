"""Diffusion's frameworks on a toy whose right answer is known, and the hook that samples any."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from engine import train as train_command
from engine.denoisers import PARAMETERISATIONS, FlowDenoiser
from engine.errors import BadRange, RecipeError
from engine.frameworks import (
    Batch,
    DataInfo,
    Framework,
    Parts,
    consistency_training,
    ddpm,
    wavegrad,
)
from engine.frameworks.losses import ConditionDropout, spread, without_conditions
from engine.frameworks.sampling import Order
from engine.networks import transformer
from engine.networks.interface import SEQUENCE, Conditions
from engine.registry import check_pair, find, networks_with
from engine.samplers import euler
from engine.schedules import alpha_bar, flow_times
from engine.training.checkpoint import load_checkpoint
from engine.training.loop import Run, Trainer
from engine.training.recipe import parse_recipe, read_recipe
from tests.unit.test_networks import SMALL

INFO = DataInfo(44_100, 2, 3, ("left", "right"), ("height",))
NO_DROPOUT = ConditionDropout(0.1, 0.0, 0.0, 0.0)
DENOISING = ("consistency", "consistency_training", "dae", "ddpm", "edm", "flow", "wavegrad")


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


def noise(draw: int, shape: tuple[int, ...]) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1000 + draw))


def wanted(category: int, rows: int = 100, guidance: float = 1.0) -> Conditions:
    return Conditions(
        torch.full((rows,), category), torch.full((rows, 1), 0.9), torch.full((rows,), guidance)
    )


def tiny(noise_scale: float = 1000.0) -> nn.Module:
    settings = transformer.Settings(32, 2, 2, 2.0, noise_scale=noise_scale)
    return transformer.build(settings, INFO.network())


def build(name: str, network: nn.Module, **settings: Any) -> Framework:
    spec = find("framework", name)
    framework = spec.build(spec.settings(**settings), Parts(network, None, INFO, 100))
    assert isinstance(framework, Framework)
    return framework


def train(framework: Framework, steps: int, rate: float = 4e-3) -> list[float]:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    (phase,) = framework.phases()
    optimizer = torch.optim.Adam(phase.parameters, lr=rate)
    losses = []
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, 2.0 * (1.0 - step / steps))
        losses.append(phase.loss(toy_batch(generator, 96), generator, step)["total"])
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    return [float(loss.detach()) for loss in losses]


@dataclass(frozen=True)
class Case:
    """A framework on the toy: settings, the network's noise_scale, and samplers with steps."""

    name: str
    noise_scale: float
    samplers: dict[str, int]
    settings: dict[str, Any] = field(default_factory=dict)
    spread: float = 0.25  # most deviation of what is drawn; the toy's own is 0.05


CASES = {
    "ddpm-v": Case(
        "ddpm", 1.0, {"ancestral": 40, "ddim": 20, "dpmpp_2m": 12, "heun": 10, "edm": 20}
    ),
    "ddpm-x0": Case("ddpm", 1.0, {"ancestral": 20}, {"objective": "x0", "weighting": "min_snr"}),
    "diffwave": Case(
        "ddpm", 20.0, {"diffwave_fast": 6, "ancestral": 50, "edm": 20},
        {"objective": "eps", "schedule": "diffwave", "timesteps": 50},
    ),
    "edm": Case("edm", 100.0, {"heun": 9, "edm": 18, "dpmpp_2m": 12, "ancestral": 40}),
    "wavegrad": Case("wavegrad", 1000.0, {"wavegrad": 6, "ancestral": 50}),
    "dae": Case("dae", 1.0, {"ancestral": 20, "walkback": 10, "ddim": 20, "one_step": 1}),
    "flow": Case("flow", 1000.0, {"euler": 12, "heun": 8, "dpmpp_2m": 12, "ancestral": 40}),
    "consistency": Case(
        "consistency_training", 1000.0, {"one_step": 1, "consistency": 2}, {"last_gap": 0.2}, 0.4
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_framework_learns_the_toy_and_its_samplers_draw_it(case: Case) -> None:
    torch.manual_seed(0)
    network = tiny(case.noise_scale)
    framework = build(case.name, network, dropout=NO_DROPOUT, **case.settings)
    losses = train(framework, 220)
    assert np.mean(losses[-20:]) < 0.5 * np.mean(losses[:20])
    sampling = framework.sampling()
    network.eval()
    for sampler, steps in case.samplers.items():
        for category, sign in ((0, -1.0), (1, 1.0)):
            drawn = sampling.draw(network, Order(wanted(category), 3, noise), sampler, steps)
            assert drawn.x.shape == (100, 2, 3)
            assert drawn.nfe == (2 * steps - 1 if sampler in ("heun", "edm") else steps)
            assert drawn.x[:, 0].mean() == pytest.approx(sign, abs=0.2), sampler
            assert drawn.x[:, 1].mean() == pytest.approx(0.8, abs=0.2), sampler
            assert drawn.x.std(0).max() < case.spread, sampler


@pytest.mark.parametrize("name", DENOISING)
def test_any_sequence_network_is_trained_and_sampled(name: str) -> None:
    generator = torch.Generator().manual_seed(1)
    batch = toy_batch(generator, 2)
    for kind in networks_with(frozenset({SEQUENCE})):
        torch.manual_seed(0)
        network = find("network", kind).build(SMALL[kind], INFO.network())
        for parameter in network.parameters():  # fresh ones answer zero, which is consistent
            parameter.data += 0.05 * torch.randn(parameter.shape)
        framework = build(name, network)
        losses = framework.loss(batch, generator, 50)
        losses["total"].backward()
        assert math.isfinite(float(losses["total"].detach()))
        assert any(p.grad is not None and p.grad.abs().max() > 0 for p in network.parameters())
        sampling = framework.sampling()
        network.eval()
        for sampler, usual in sampling.samplers.items():
            order = Order(wanted(1, 2, 1.5), 3, noise)
            drawn = sampling.draw(network, order, sampler, min(usual, 6))
            assert drawn.x.shape == (2, 2, 3), (kind, sampler)
            assert not drawn.x.requires_grad


def test_every_framework_has_a_recipe() -> None:
    recipes = [read_recipe(p) for p in Path(train_command.__file__).parent.rglob("lab/*.toml")]
    assert {recipe.framework.spec.name for recipe in recipes} >= set(DENOISING)
    for recipe in recipes:
        check_pair(recipe.network.spec, recipe.framework.spec)


RECIPE = """
name = "tiny"
[network]
name = "transformer"
width = 8
depth = 1
heads = 1
[framework]
name = "NAME"
[data]
name = "latents"
[loop]
steps = 4
batch = 4
log_every = 1
save_every = 2
preview_every = 0
"""


class Toy:
    """The toy as a training source."""

    info = INFO

    def batch(self, seed: int, step: int, size: int) -> Batch:
        return toy_batch(torch.Generator().manual_seed(1000 * seed + step), size)

    def held_out(self, size: int) -> Batch:
        return self.batch(0, 0, size)


@pytest.mark.parametrize("name", DENOISING)
def test_a_stopped_run_continues_to_the_bit(name: str, tmp_path: Path) -> None:
    recipe = parse_recipe(RECIPE.replace("NAME", name))
    stopped, straight = Run(tmp_path / "stopped"), Run(tmp_path / "straight")
    first = Trainer(recipe, Toy(), stopped)
    first.train(lambda _row: None, lambda: first.step == 2)
    second = Trainer(recipe, Toy(), Run(stopped.out, resume=True))
    assert second.step == 2
    second.train(lambda _row: None, lambda: False)
    Trainer(recipe, Toy(), straight).train(lambda _row: None, lambda: False)
    here, _ = load_checkpoint(stopped.out / "checkpoint.safetensors")
    there, _ = load_checkpoint(straight.out / "checkpoint.safetensors")
    assert here.keys() == there.keys()
    for key, value in here.items():
        assert torch.equal(value, there[key]), key


class Echo(nn.Module):
    """Answers 0.5 x, plus the category where it is told; remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[Tensor, Tensor, Conditions]] = []

    def forward(self, x: Tensor, noise_cond: Tensor, cond: Conditions) -> Tensor:
        self.asked.append((x, noise_cond, cond))
        return 0.5 * x + spread(cond.category.clamp(min=0).float())


def test_guidance_asks_twice_unless_it_is_folded_in() -> None:
    network = Echo()
    sampling = build("flow", network).sampling()
    plain = sampling.draw(network, Order(wanted(1, 4), 3, noise), "euler", 3)
    assert plain.nfe == 3
    assert [x.shape[0] for x, _, _ in network.asked] == [4] * 3
    guided = sampling.draw(network, Order(wanted(1, 4, 2.0), 3, noise), "euler", 3)
    assert guided.nfe == 6
    x, told, conditions = network.asked[-1]
    assert x.shape[0] == told.shape[0] == 8
    assert torch.equal(conditions.guidance, torch.ones(8))
    assert conditions.category.tolist() == [1] * 4 + [-1] * 4
    assert conditions.descriptors[4:].isnan().all()
    # the echo's guided velocity is 0.5 x + 2: Euler's steps with it, done by hand
    by_hand = euler(
        FlowDenoiser(lambda x, _t: 0.5 * x + 2.0), noise(0, (4, 2, 3)), flow_times(3),
        lambda k: noise(k, (4, 2, 3)), lambda _done, _steps: None,
    )  # fmt: skip
    torch.testing.assert_close(guided.x, by_hand)
    folded = build("consistency", network).sampling()
    assert folded.draw(network, Order(wanted(1, 4, 2.0), 3, noise), "consistency", 3).nfe == 3
    assert torch.equal(network.asked[-1][2].guidance, torch.full((4,), 2.0))
    frames = torch.ones(4, 1, 3)
    assert without_conditions(wanted(1, 4)._replace(frames=frames)).frames is frames


def test_a_flow_is_sampled_as_the_runtime_does_it() -> None:
    torch.manual_seed(0)
    network = tiny()
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.1)
    drawn = build("flow", network).sampling().draw(network, Order(wanted(1, 5), 3, noise), "", 4)
    with torch.no_grad():
        runtime = euler(
            FlowDenoiser(lambda x, t: network(x, torch.full((5,), t), wanted(1, 5))),
            noise(0, (5, 2, 3)), flow_times(4),
            lambda k: noise(k, (5, 2, 3)), lambda _done, _steps: None,
        )  # fmt: skip
    assert torch.equal(drawn.x, runtime)


@pytest.mark.parametrize(
    ("sampler", "steps", "message"),
    [
        ("ddmi", 5, "sampler is 'ddmi'; expected one of: ancestral, ddim.*did you mean 'ddim'"),
        ("ddim", -1, "steps is -1; expected 1 to"),
        ("ancestral", 51, "'ancestral': steps must be from 1 to the 50 trained ones, not 51"),
        ("diffwave_fast", 5, "'diffwave_fast': steps is 5; this sampler takes 6 only"),
    ],
)
def test_an_order_that_cannot_be_met_says_why(sampler: str, steps: int, message: str) -> None:
    network = Echo()
    sampling = build("ddpm", network, schedule="diffwave", timesteps=50).sampling()
    with pytest.raises(BadRange, match=message):
        sampling.draw(network, Order(wanted(0), 3, noise), sampler, steps)
    assert not network.asked


def test_drawing_can_be_stopped_and_defaults_to_the_usual_steps() -> None:
    network = Echo()
    sampling = build("ddpm", network, schedule="diffwave", timesteps=50).sampling()
    assert next(iter(sampling.samplers.items())) == ("ancestral", 50)
    assert sampling.draw(network, Order(wanted(0, 1), 3, noise)).nfe == 50

    def hook(done: int, steps: int) -> None:
        assert steps == 6
        if done == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        sampling.draw(network, Order(wanted(0, 1), 3, noise, hook), "diffwave_fast")


def test_the_network_is_told_what_it_was_trained_on() -> None:
    """Timesteps, DiffWave's aligned ones too; noise levels; log sigma / 4; nothing."""
    network = Echo()

    def told(name: str, sampler: str, steps: int, **settings: Any) -> list[float]:
        network.asked.clear()
        sampling = build(name, network, **settings).sampling()
        sampling.draw(network, Order(wanted(0, 1), 3, noise), sampler, steps)
        return [float(noise_cond[0]) for _, noise_cond, _ in network.asked]

    diffwave = {"schedule": "diffwave", "timesteps": 50}
    np.testing.assert_allclose(
        told("ddpm", "ancestral", 50, **diffwave), range(49, -1, -1), atol=1e-5
    )
    np.testing.assert_allclose(
        told("ddpm", "diffwave_fast", 6, **diffwave),
        [42.919, 22.992, 10.452, 4.087, 0.894, 0.0], atol=6e-4,
    )  # fmt: skip
    betas = (0.1, 0.2, 0.3)
    np.testing.assert_allclose(
        told("wavegrad", "wavegrad", 3, betas=betas), np.sqrt(alpha_bar(betas))[::-1], atol=1e-6
    )
    assert told("edm", "ddim", 2)[0] == pytest.approx(math.log(80.0) / 4)
    assert told("dae", "walkback", 3) == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("objective", sorted(PARAMETERISATIONS))
def test_weightings_weigh_the_error_of_the_clean_sound(objective: str) -> None:
    sigma = torch.tensor([0.01, 0.5, 2.0, 100.0])
    out = PARAMETERISATIONS[objective](sigma).out

    def of_x0(weighting: str) -> Tensor:
        framework = build("ddpm", Echo(), objective=objective, weighting=weighting)
        assert isinstance(framework, ddpm.Ddpm)
        return framework._weights(sigma) / out**2

    torch.testing.assert_close(of_x0("snr"), sigma**-2)
    torch.testing.assert_close(of_x0("min_snr"), (sigma**-2).clamp(max=5.0))
    torch.testing.assert_close(of_x0("objective") * out**2, torch.ones(4))


def test_wavegrads_levels_fill_the_trained_range_evenly_in_steps() -> None:
    framework = build("wavegrad", Echo(), timesteps=10)
    assert isinstance(framework, wavegrad.WaveGrad)
    assert framework.levels.dtype == torch.float64
    drawn = framework._levels(torch.zeros(4000, 1, 1), torch.Generator().manual_seed(0))
    counts, _ = np.histogram(drawn.numpy(), bins=framework.levels.numpy()[::-1])
    assert counts.sum() == 4000
    assert counts.min() > 300


def test_consistency_training_follows_one_pair_of_sound_and_noise() -> None:
    framework = build("consistency_training", Echo())
    assert isinstance(framework, consistency_training.ConsistencyTraining)
    clean, eps = noise(0, (2, 5, 2, 3))
    t, s = torch.tensor([1.0, 0.8, 0.5, 0.2, 0.1]), torch.tensor([0.9, 0.4, 0.1, 0.1, 0.0])
    x_t = clean + spread(t) * (eps - clean)
    x_s = framework.earlier(x_t, t, s, eps - clean, wanted(0, 5))
    torch.testing.assert_close(x_s, clean * (1 - spread(s)) + eps * spread(s))


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("ddpm", {"objective": "esp"}, "objective is 'esp'.*did you mean 'eps'"),
        ("ddpm", {"schedule": "sine"}, "schedule is 'sine'; expected one of: linear, cosine"),
        ("ddpm", {"weighting": "none"}, "weighting is 'none'; expected one of: objective, snr"),
        ("ddpm", {"timesteps": 1}, "timesteps is 1; expected 2 or more"),
        ("wavegrad", {"timesteps": 0}, "timesteps is 0; expected 2 or more"),
        ("wavegrad", {"betas": (0.1, 1.5)}, "betas must be one or more numbers in"),
        ("dae", {"snr_low_db": 50.0}, "snr_low_db is 50.0; expected less than"),
    ],
)
def test_impossible_settings_say_what_is_wrong(
    name: str, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        build(name, Echo(), **settings)


def test_a_framework_that_generates_nothing_says_so() -> None:
    class Codec(Framework):
        def loss(self, batch: Batch, generator: torch.Generator, step: int) -> dict[str, Tensor]:
            return {}

    with pytest.raises(RecipeError, match="framework Codec trains no network that makes sounds"):
        Codec().sampling()
