"""Every network × framework × sampler of the registry is trained and sampled, or refused by name.

The cases come from the registry: a new network needs a line in TINY, a new framework none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.errors import BadRange, RecipeError
from engine.frameworks import Batch, DataInfo, Framework, Phase
from engine.frameworks.sampling import Drawn, Order
from engine.networks.interface import Conditions
from engine.pairs import markdown
from engine.registry import DATA, FRAMEWORKS, NETWORKS, find
from engine.training.ema import Ema
from engine.training.loop import MODEL, Run, Trainer, build_framework
from engine.training.recipe import Recipe, parse_recipe

TINY = {
    "convnext": """latent_dims = 6
encoder_bins = 257
encoder_width = 16
encoder_depth = 1
decoder_bins = 129
decoder_widths = [16, 16, 8]
decoder_depths = [1, 1, 1]
expansion = 2""",
    "freq_unet": "patch = 2\nregion = 2\nwidth = 8\nregion_width = 4\nmemory = 8",
    "mlp": "width = 16\ndepth = 1",
    "resnet1d": "width = 12\ndepth = 2\nkernel = 3\ndilations = [1, 2]",
    "rnn": "width = 12\ndepth = 1",
    "transformer": "width = 16\ndepth = 1\nheads = 2",
    "unet1d": "width = 8\nmultipliers = [1, 2]\nfactors = [2]\nblocks = 1\nheads = 2",
    "wavegrad_unet": """upsample_factors = [2, 2]
upsample_channels = [8, 8]
downsample_channels = [4, 8]
first_channels = 8""",
    "wavenet": "layers = 2\nchannels = 8\ncycle = 2\nupsample = [2]\nlabel_width = 8",
}
"""Settings of a small network of every kind."""

SMALLER = {
    "adversarial": "discriminator_width = 4\nadversarial_from_step = 0",
    "autoregressive": "width = 12",
    "gan": "discriminator_width = 8",
    "masking": "size = 64\nhop = 16\nheard_frames = 4",
    "vqgan": "discriminator_width = 4\nadversarial_from_step = 0",
}
"""Settings of frameworks that would be slow with their own."""
CODEC = """[codec]
name = "stft_vae"
encoder_fft = 512
encoder_hop = 128
decoder_fft = 256
decoder_hop = 64
latent_dims = 6
width = 12
"""
ROWS, STEPS, MOST_STEPS = 3, 12, 6
PAIRS = [(network, framework) for network in NETWORKS for framework in FRAMEWORKS]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Tiny networks are slower on several threads, much slower on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Toy:
    """A small Source of one kind of data, made on the spot: always the same few sounds."""

    def __init__(self, kind: str) -> None:
        assert kind in TOYS, f"data {kind!r} is registered, but has no toy in {__file__}"
        self.info, self._draw = TOYS[kind]

    def batch(self, seed: int, step: int, size: int) -> Batch:
        x = self._draw(torch.Generator().manual_seed(3), size)
        rows = torch.arange(size)
        lengths = torch.full((size,), x.shape[2])
        return Batch(x, lengths, rows % 2, (rows[:, None] / size).float())

    def held_out(self, size: int) -> Batch:
        return self.batch(0, 0, size)


def tones(generator: torch.Generator, rows: int) -> Tensor:
    """Decaying sines (B, 1, 2048), each of its own pitch."""
    t = torch.arange(2048) / 44_100
    hertz = torch.from_numpy(np.geomspace(200, 3000, rows)).float()[:, None]
    return (0.8 * torch.sin(2 * math.pi * hertz * t) * torch.exp(-20 * t))[:, None]


def mixtures(generator: torch.Generator, rows: int) -> Tensor:
    """Tones, noise, and more of that noise: (B, 3, 512)."""
    noise = 0.1 * torch.randn((rows, 2, 512), generator=generator)
    return torch.cat((tones(generator, rows)[:, :, :512], noise), dim=1)


Draw = Callable[[torch.Generator, int], Tensor]
KNOWN = ("kick", "snare"), ("height",)
TOYS: dict[str, tuple[DataInfo, Draw]] = {
    "audio": (DataInfo(44_100, 1, 2048, *KNOWN), tones),
    "latents": (
        DataInfo(44_100, 3, 8, *KNOWN),
        lambda generator, rows: torch.randn((rows, 3, 8), generator=generator),
    ),
    "codes": (
        DataInfo(44_100, 2, 6, *KNOWN, codebook_size=5),
        lambda generator, rows: torch.randint(5, (rows, 2, 6), generator=generator),
    ),
    "mixtures": (DataInfo(44_100, 3, 512, *KNOWN), mixtures),
}


def recipe_of(network: str, framework: str) -> Recipe:
    """The tiny recipe of a pair, on latents where the framework takes them."""
    assert network in TINY, f"network {network!r} is registered: give it a tiny size in {__file__}"
    kinds = find("framework", framework).data
    data = "latents" if "latents" in kinds else kinds[0]
    return parse_recipe(
        f'name = "tiny"\n[network]\nname = "{network}"\n{TINY[network]}\n'
        f"{CODEC if data == 'audio' else ''}"
        f'[framework]\nname = "{framework}"\n{SMALLER.get(framework, "")}\n'
        f'[data]\nname = "{data}"\n'
        f'[loop]\nsteps = 2\nbatch = {ROWS}\npreview_every = 0\nprecision = "float32"\n'
    )


def possible(pair: tuple[str, str]) -> bool:
    """Whether the traits of the network are those the framework asks for."""
    has, wants = find("network", pair[0]).traits, find("framework", pair[1])
    return wants.traits <= has and (not wants.either or bool(wants.either & has))


def noise(draw: int, shape: tuple[int, ...]) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1000 + draw))


def loss_of(phase: Phase, batch: Batch) -> Tensor:
    """The phase's loss, with the same noise each time."""
    return phase.loss(batch, torch.Generator().manual_seed(5), 3)["total"]


def overfit(framework: Framework, batch: Batch) -> None:
    """Each phase in turn, the others held, lowers its own loss of one batch and one noise."""
    for phase in framework.phases():
        optimizer = torch.optim.Adam(phase.parameters, lr=2e-3)
        found = []
        for _ in range(STEPS):
            total = loss_of(phase, batch)
            optimizer.zero_grad()
            torch.autograd.backward(total, inputs=list(phase.parameters))
            optimizer.step()
            found.append(float(total.detach()))
        assert all(math.isfinite(loss) for loss in found), (phase.name, found)
        assert found[-1] < found[0], (phase.name, found)


def samplers_of(framework: Framework) -> dict[str, int]:
    """The framework's samplers with few steps; none for one that makes no sounds by itself."""
    try:
        sampling = framework.sampling()
    except RecipeError as error:
        assert "makes sounds by itself" in str(error)  # noqa: PT017
        return {}
    return {name: min(usual, MOST_STEPS) for name, usual in sampling.samplers.items()}


def draw(framework: Framework, length: int, sampler: str, steps: int) -> Drawn:
    told = Conditions(
        torch.tensor([0, 1, -1]), torch.tensor([[0.2], [0.9], [math.nan]]), torch.full((3,), 1.5)
    )
    order = Order(told, length, noise)
    return framework.sampling().draw(framework.network, order, sampler, steps)


@pytest.mark.parametrize("pair", list(filter(possible, PAIRS)), ids=" x ".join)
def test_a_pair_learns_samples_and_comes_back(pair: tuple[str, str], tmp_path: Path) -> None:
    recipe = recipe_of(*pair)
    source = Toy(recipe.data.spec.name)
    batch = source.batch(0, 0, ROWS)
    trainer = Trainer(recipe, source, Run(tmp_path))
    built = trainer.framework
    with torch.no_grad():  # neither zero, which is consistent already, nor wild far from data
        for parameter in built.network.parameters():
            parameter.mul_(0.6).add_(0.03 * noise(7, tuple(parameter.shape)))
    step = trainer.take_step(batch)
    assert all(math.isfinite(loss) for loss in step.values())
    overfit(built, batch)
    trainer.ema = Ema(built.network, 0.9)  # which for so few steps is the network itself
    trainer.save()

    opened = build_framework(recipe, source.info, tmp_path / MODEL)
    for framework in (built.eval(), opened.eval()):
        framework.network.eval()
    for name, value in opened.network.state_dict().items():
        assert torch.equal(value, built.network.state_dict()[name]), name
    for sampler, steps in samplers_of(built).items():
        drawn = draw(built, batch.x.shape[2], sampler, steps)
        assert drawn.x.shape == batch.x.shape, sampler
        assert drawn.x.isfinite().all(), sampler
        assert drawn.nfe >= 1
        assert not drawn.x.requires_grad
        assert torch.equal(draw(opened, batch.x.shape[2], sampler, steps).x, drawn.x), sampler
        with pytest.raises(BadRange, match="steps"):
            draw(built, batch.x.shape[2], sampler, 100_000)

    resumed = Trainer(recipe, source, Run(tmp_path, resume=True))
    assert resumed.step == 1
    built.train()
    resumed.framework.train()
    assert resumed.take_step(batch) == trainer.take_step(batch)


@pytest.mark.parametrize("pair", [pair for pair in PAIRS if not possible(pair)], ids=" x ".join)
def test_an_impossible_pair_is_refused_by_name(pair: tuple[str, str]) -> None:
    recipe = recipe_of(*pair)
    network, framework = map(repr, pair)
    says = rf"network {network} cannot be trained by framework {framework}.*expected one of: "
    with pytest.raises(RecipeError, match=says):
        build_framework(recipe, TOYS[recipe.data.spec.name][0])


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_data_that_a_framework_cannot_learn_from_is_refused_by_name(framework: str) -> None:
    for kind in sorted(set(DATA) - set(find("framework", framework).data)):
        network = next(name for name in NETWORKS if possible((name, framework)))
        recipe = parse_recipe(
            f'name = "wrong"\n{CODEC}[network]\nname = "{network}"\n{TINY[network]}\n'
            f'[framework]\nname = "{framework}"\n[data]\nname = "{kind}"\n'
        )
        with pytest.raises(RecipeError, match=f"{framework!r} cannot be trained on data {kind!r}"):
            build_framework(recipe, TOYS[kind][0])


def test_the_page_of_pairs_is_current_and_every_part_names_its_paper() -> None:
    page = (Path(__file__).parents[2] / "docs" / "matrix.md").read_text(encoding="utf-8")
    assert page == markdown(), "run: python -m engine.pairs > docs/matrix.md"
    assert page.count("| yes ") == len(list(filter(possible, PAIRS)))
    for kind, names in (("network", NETWORKS), ("framework", FRAMEWORKS)):
        for name in names:
            assert find(kind, name).paper, f"{kind} {name!r}: say in its SPEC where it comes from"


@pytest.mark.parametrize(
    ("network", "framework", "settings", "scale"),
    [
        ("transformer", "flow", "", 1000.0),
        ("transformer", "consistency", "", 1000.0),
        ("transformer", "ddpm", "", 1.0),
        ("transformer", "ddpm", 'schedule = "diffwave"\ntimesteps = 50', 20.0),
        ("transformer", "wavegrad", "", 1000.0),
        ("transformer", "edm", "", 377.0),
        ("wavenet", "ddpm", 'schedule = "diffwave"\ntimesteps = 50', 1.0),
        ("wavenet", "flow", "", 50.0),
        ("transformer", "dae", "", 1000.0),  # hears nothing of noise: the network's own
    ],
)
def test_a_network_hears_a_frameworks_noise_at_its_own_scale(
    network: str, framework: str, settings: str, scale: float
) -> None:
    text = (
        f'name = "scaled"\n[network]\nname = "{network}"\nSCALE\n[framework]\n'
        f'name = "{framework}"\n{settings}\n[data]\nname = "latents"\n'
    )
    assert parse_recipe(text.replace("SCALE", "")).network.settings.noise_scale == scale
    told = parse_recipe(text.replace("SCALE", "noise_scale = 7.0"))
    assert told.network.settings.noise_scale == 7.0
