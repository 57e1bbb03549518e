"""The GAN on toys: categories are obeyed, R1 by hand, resuming, interpolation, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from engine.errors import BadRange, RecipeError
from engine.frameworks import Batch, DataInfo, Parts
from engine.frameworks.gan import Gan, GanSettings, build, gradient_penalty
from engine.frameworks.sampling import Order
from engine.interpolation import row, slerp
from engine.networks import resnet1d, rnn
from engine.networks.interface import Conditions, no_conditions
from engine.training.loop import Run, Trainer, build_framework
from engine.training.recipe import parse_recipe

INFO = DataInfo(44_100, 2, 4, ("left", "right"), ("height",))
RECIPE = """
name = "tiny"
[network]
name = "rnn"
width = 16
depth = 1
[framework]
name = "gan"
discriminator_width = 8
r1_every = 2
[data]
name = "latents"
[loop]
steps = 6
batch = 4
log_every = 1
save_every = 3
preview_every = 0
precision = "float32"
"""


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def toy(rows: int, seed: int) -> Batch:
    """Category sets the sign of dimension 0; dimension 1 is spread evenly over -1..1."""
    generator = torch.Generator().manual_seed(seed)
    category = torch.randint(2, (rows,), generator=generator)
    place = torch.rand((rows, 1), generator=generator) * 2 - 1
    x = torch.stack((category[:, None] * 2.0 - 1.0, place), dim=1).expand(-1, -1, 4)
    x = x + 0.1 * torch.randn(x.shape, generator=generator)
    return Batch(x, torch.full((rows,), 4), category, torch.zeros(rows, 1))


@dataclass(frozen=True)
class Toys:
    """A Source of toys, all a function of seed and step."""

    info: DataInfo = INFO

    def batch(self, seed: int, step: int, size: int) -> Batch:
        return toy(size, seed * 1000 + step)

    def held_out(self, size: int) -> Batch:
        return toy(size, 0)


def told(category: list[int]) -> Conditions:
    nothing = no_conditions(torch.zeros(len(category), 1, 1), 1)
    return nothing._replace(category=torch.tensor(category))


def noise(k: int, shape: tuple[int, ...]) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(k))


def test_it_learns_the_toy_and_obeys_the_category() -> None:
    torch.manual_seed(0)
    network = resnet1d.build(resnet1d.Settings(width=32, depth=2), INFO.network())
    gan = build(GanSettings(32, 1, any_category=0.0), Parts(network, None, INFO, 300))
    optimizers = {p.name: torch.optim.Adam(p.parameters, 1e-3, (0.0, 0.99)) for p in gan.phases()}
    for step in range(300):
        generator = torch.Generator().manual_seed(step)
        for phase in gan.phases():
            loss = phase.loss(toy(48, step), generator, step)["total"]
            optimizers[phase.name].zero_grad()
            torch.autograd.backward(loss, inputs=list(phase.parameters))
            optimizers[phase.name].step()
    drawn = gan.sampling().draw(network, Order(told([0, 1] * 200), 4, noise))
    assert drawn.nfe == 1
    left, right = drawn.x[::2], drawn.x[1::2]
    assert left[:, 0].mean() == pytest.approx(-1.0, abs=0.3)
    assert right[:, 0].mean() == pytest.approx(1.0, abs=0.3)
    assert 0.4 < drawn.x[:, 1].mean(1).std() < 0.8  # no mode is lost; that of the data is 0.58


def test_r1_by_hand() -> None:
    x = torch.randn(3, 2, 5, generator=torch.Generator().manual_seed(0), requires_grad=True)
    # D = the mean of x^2 over a row's patches, times 3: its slope is 6 x / 5
    penalty = gradient_penalty(3 * x.square().sum(dim=1, keepdim=True), x)
    assert torch.allclose(penalty, (6 * x / 5).square().flatten(1).sum(1).mean())
    (slope,) = torch.autograd.grad(penalty, x)
    assert torch.allclose(slope, 2 * 36 / 25 * x / 3)


def test_r1_is_lazy_and_can_be_left_out() -> None:
    torch.manual_seed(0)
    network = rnn.build(rnn.Settings(16, 1), INFO.network())

    def added(settings: GanSettings, step: int) -> float:
        torch.manual_seed(1)
        gan = build(settings, Parts(network, None, INFO, 10))
        batch, generator = toy(4, 0), torch.Generator().manual_seed(0)
        gan.loss(batch, generator, step)
        losses = gan.discriminator_loss(batch, generator, step)
        return float((losses["total"] - losses["hinge"]).detach())

    assert added(GanSettings(8, r1_every=3), 3) > 0
    assert added(GanSettings(8, r1_every=3), 4) == 0
    assert added(GanSettings(8, r1_weight=0.0), 0) == 0


def test_runs_resume_to_the_bit(tmp_path: Path) -> None:
    for folder, steps in (("parts", 3), ("parts", 6), ("whole", 6)):
        recipe = parse_recipe(RECIPE.replace("steps = 6", f"steps = {steps}"))
        run = Run(tmp_path / folder, resume=True)
        Trainer(recipe, Toys(), run).train(lambda row: None, lambda: False)
    first, second = (load_file(tmp_path / d / "checkpoint.safetensors") for d in ("parts", "whole"))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    loaded = build_framework(
        parse_recipe(RECIPE), INFO, start_from=tmp_path / "whole" / "model.safetensors"
    )
    assert isinstance(loaded, Gan)
    drawn = loaded.sampling().draw(loaded.network, Order(told([0, -1]), 9, noise))
    assert drawn.x.shape == (2, 2, 9)


def test_a_row_of_noise_makes_a_row_of_sounds_between_its_ends() -> None:
    gan = build_framework(parse_recipe(RECIPE), INFO)
    assert isinstance(gan, Gan)
    rng = np.random.default_rng(0)
    ends = rng.standard_normal((2, 2, 4)).astype(np.float32)
    between = torch.from_numpy(row(ends[0], ends[1], 5, slerp))

    def made(given: torch.Tensor) -> torch.Tensor:
        order = Order(told([0] * len(given)), 4, lambda k, shape: given)
        return gan.sampling().draw(gan.network, order).x

    torch.testing.assert_close(made(between)[[0, -1]], made(torch.from_numpy(ends)))
    with pytest.raises(BadRange, match="steps is 2; a generator makes its sound in 1"):
        gan.sampling().draw(gan.network, Order(told([0]), 4, noise), steps=2)


def test_audio_is_judged_as_spectra() -> None:
    audio = DataInfo(44_100, 1, 2048, ("kick",), ())
    text = RECIPE.replace("r1_every = 2", "r1_every = 1\nstft = 256")
    gan = build_framework(parse_recipe(text), audio)
    assert isinstance(gan, Gan)
    x = 0.1 * torch.randn(2, 1, 2000, generator=torch.Generator().manual_seed(0))
    batch = Batch(x, torch.full((2,), 2000), torch.tensor([0, -1]), torch.zeros(2, 0))
    for phase in gan.phases():
        total = phase.loss(batch, torch.Generator().manual_seed(0), 0)["total"]
        torch.autograd.backward(total, inputs=list(phase.parameters))
    slopes = [p.grad for p in gan.discriminator.parameters()]
    assert all(slope is not None and slope.isfinite().all() for slope in slopes)
    with pytest.raises(RecipeError, match="stft = 256 judges mono audio, but x has 2 channels"):
        build_framework(parse_recipe(text), INFO)


def test_an_autoencoder_is_no_generator() -> None:
    text = RECIPE.replace('name = "rnn"\nwidth = 16\ndepth = 1', 'name = "convnext"')
    with pytest.raises(RecipeError, match=r"'convnext'.*'gan'.*sequence.*transformer"):
        build_framework(parse_recipe(text), INFO)
