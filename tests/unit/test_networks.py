"""What every sequence network promises: any length, every condition heard, no frame from later."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import engine
from engine.errors import RecipeError
from engine.networks import (
    freq_unet,
    mlp,
    resnet1d,
    rnn,
    transformer,
    unet1d,
    wavegrad_unet,
    wavenet,
)
from engine.networks.conditioning import frames_at_hops
from engine.networks.interface import (
    CAUSAL,
    FIXED_LENGTH,
    SEQUENCE,
    STEPPING,
    Conditions,
    NetworkInfo,
    no_conditions,
)
from engine.registry import NETWORKS, find, networks_with
from engine.runtime.cuda import TorchRuntime
from engine.runtime.onnx import OnnxRuntime
from engine.types import GenerateRequest
from engine.voice import load_voice

# Small networks of every kind; a kind that is registered and missing here fails a test.
SMALL = {
    "freq_unet": freq_unet.Settings(1, 2, 2, 8, 4, 8),
    "mlp": mlp.Settings(16, 2),
    "resnet1d": resnet1d.Settings(8, 2, 3, (1, 2), 2),
    "rnn": rnn.Settings(8, 2),
    "transformer": transformer.Settings(16, 2, 2, 2.0),
    "unet1d": unet1d.Settings(8, (1, 2, 2), (2, 3), 1, 2),
    "wavegrad_unet": wavegrad_unet.Settings((3, 2), (8, 8), (4, 8), 8, 1),
    "wavenet": wavenet.Settings(4, 8, 2, (2, 3), 8),
}
SEQUENCES = sorted(SMALL)
CAUSALS = networks_with(frozenset({SEQUENCE, CAUSAL}))
STEPPERS = networks_with(frozenset({SEQUENCE, STEPPING}))
ROWS, CHANNELS, ANSWERS, CURVES = 3, 2, 5, 4
CATEGORIES, DESCRIPTORS = ("kick", "snare", "hat"), ("height", "length")
ABSENT = float("nan")


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Tiny networks are slower on several threads, much slower on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def shapes(frames: int, **changes: object) -> NetworkInfo:
    info = {"out_channels": ANSWERS, "frame_channels": CURVES, "frames": frames, **changes}
    return NetworkInfo(CHANNELS, CATEGORIES, DESCRIPTORS, **info)  # type: ignore[arg-type]


def make(name: str, info: NetworkInfo) -> nn.Module:
    """The small network with every weight drawn at random: what begins at zero is heard too."""
    torch.manual_seed(0)
    network: nn.Module = find("network", name).build(SMALL[name], info)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape))
    return network


def draw(frames: int, curve_frames: int = 0, seed: int = 1) -> tuple[Tensor, Tensor, Conditions]:
    """x, noise_cond and full conditions; the curves have a frame for each of x's, or fewer."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(ROWS, CHANNELS, frames, generator=generator)
    conditions = Conditions(
        torch.tensor([0, 1, 2]),
        torch.rand(ROWS, len(DESCRIPTORS), generator=generator),
        torch.tensor([1.5, 2.0, 3.0]),
        torch.randn(ROWS, CURVES, curve_frames or frames, generator=generator),
    )
    return x, torch.tensor([0.2, 0.5, 0.9]), conditions


def test_every_sequence_network_is_tested_here() -> None:
    assert networks_with(frozenset({SEQUENCE})) == SEQUENCES
    assert CAUSALS == ["freq_unet", "resnet1d", "rnn", "transformer", "wavenet"]
    assert [name for name in NETWORKS if FIXED_LENGTH in find("network", name).traits] == ["mlp"]


@pytest.mark.parametrize("frames", [1, 2, 17, 64, 517])
@pytest.mark.parametrize("name", SEQUENCES)
def test_any_length_goes_in_and_comes_out(name: str, frames: int) -> None:
    network = make(name, shapes(frames))
    lengths = (frames,) if name == "mlp" else (frames, frames + 1)
    with torch.no_grad():
        for length in lengths:
            answer = network(*draw(length))
            assert answer.shape == (ROWS, ANSWERS, length)
            assert answer.isfinite().all()
            assert float(answer.std()) > 0.0


@pytest.mark.parametrize("name", SEQUENCES)
def test_curves_may_be_slower_than_x_and_cover_its_frames(name: str) -> None:
    network = make(name, shapes(24))
    with torch.no_grad():
        for curve_frames in (1, 4, 8, 24):
            x, t, conditions = draw(24, curve_frames)
            answer = network(x, t, conditions)
            assert answer.shape == (ROWS, ANSWERS, 24)
            louder = conditions.frames.clone()
            louder[:, :, -1] += 1.0
            moved = (network(x, t, conditions._replace(frames=louder)) - answer).abs()
            assert float(moved[:, :, -24 // curve_frames :].max()) > 1e-4


@pytest.mark.parametrize(
    ("name", "causal"), [(name, False) for name in SEQUENCES] + [(name, True) for name in CAUSALS]
)
def test_every_parameter_learns(name: str, causal: bool) -> None:
    network = make(name, shapes(24, causal=causal))
    x, t, conditions = draw(24, 4)
    weights = torch.randn(ROWS, ANSWERS, 24, generator=torch.Generator().manual_seed(2))
    (network(x, t, conditions) * weights).sum().backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.isfinite().all(), key
        assert float(parameter.grad.abs().max()) > 0.0, key


@pytest.mark.parametrize("name", SEQUENCES)
def test_every_condition_is_heard_by_its_own_row_alone(name: str) -> None:
    network = make(name, shapes(17))
    x, t, conditions = draw(17)
    curves = conditions.frames.clone()
    curves[0] += 1.0
    changes = {
        "noise_cond": (t + torch.tensor([0.3, 0.0, 0.0]), conditions),
        "category": (t, conditions._replace(category=torch.tensor([2, 1, 2]))),
        "no category": (t, conditions._replace(category=torch.tensor([-1, 1, 2]))),
        "guidance": (t, conditions._replace(guidance=torch.tensor([4.0, 2.0, 3.0]))),
        "frames": (t, conditions._replace(frames=curves)),
    }
    for kind in range(len(DESCRIPTORS)):
        for value in (0.0, 1.0, ABSENT):
            descriptors = conditions.descriptors.clone()
            descriptors[0, kind] = value
            changed = conditions._replace(descriptors=descriptors)
            changes[f"descriptor {kind} = {value}"] = (t, changed)
    with torch.no_grad():
        answer = network(x, t, conditions)
        for what, (noise, changed) in changes.items():
            other = network(x, noise, changed)
            assert float((other[0] - answer[0]).abs().max()) > 1e-4, what
            torch.testing.assert_close(other[1:], answer[1:], msg=what)


@pytest.mark.parametrize("name", SEQUENCES)
def test_absent_conditions_are_finite_and_differ_from_zeros(name: str) -> None:
    network = make(name, shapes(17))
    x, t, _ = draw(17)
    nothing = no_conditions(x, len(DESCRIPTORS))
    answer = network(x, t, nothing)
    assert answer.isfinite().all()
    answer.square().sum().backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is None or parameter.grad.isfinite().all(), key
    zeros = nothing._replace(frames=torch.zeros(ROWS, CURVES, 17))
    assert float((network(x, t, zeros) - answer).detach().abs().max()) > 1e-4


@pytest.mark.parametrize("noise", [-2.0, 0.0, 0.5, 37.25, 999.0])
@pytest.mark.parametrize("name", SEQUENCES)
def test_any_noise_level_is_finite(name: str, noise: float) -> None:
    """Logs of sigmas, times, levels and timesteps alike."""
    x, _, conditions = draw(17)
    with torch.no_grad():
        answer = make(name, shapes(17))(x, torch.full((ROWS,), noise), conditions)
    assert answer.isfinite().all()


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_network_without_conditions_takes_any_and_hears_none(name: str) -> None:
    """Data without names and curves; as many channels out as in."""
    network = make(name, NetworkInfo(CHANNELS, frames=17))
    x, t, _ = draw(17)
    with torch.no_grad():
        answer = network(x, t, no_conditions(x))
        assert answer.shape == x.shape
        assert float((network(x, t + 0.3, no_conditions(x)) - answer).abs().max()) > 1e-4
        curves = no_conditions(x)._replace(frames=torch.ones(ROWS, 9, 17))
        torch.testing.assert_close(network(x, t, curves), answer)


@pytest.mark.parametrize("frame", [0, 1, 8, 16])
@pytest.mark.parametrize("name", CAUSALS)
def test_causal_answers_know_nothing_of_later_frames(name: str, frame: int) -> None:
    x, t, conditions = draw(17)
    later = x.clone()
    later[:, :, frame + 1 :] = 10.0
    now = x.clone()
    now[:, :, frame] += 1.0
    with torch.no_grad():
        network = make(name, shapes(17, causal=True))
        answer = network(x, t, conditions)
        same = network(later, t, conditions)
        torch.testing.assert_close(same[:, :, : frame + 1], answer[:, :, : frame + 1])
        moved = (network(now, t, conditions) - answer).abs().amax(dim=(0, 1))
        assert float(moved[frame]) > 1e-4
        both_ways = make(name, shapes(17))
        moved = (both_ways(later, t, conditions) - both_ways(x, t, conditions)).abs()
        if frame < 16:
            assert float(moved[:, :, frame].max()) > 1e-6


@pytest.mark.parametrize("sizes", [[1] * 17, [17], [4, 1, 12], [1, 16]])
@pytest.mark.parametrize("name", STEPPERS)
def test_steps_answer_as_the_whole_does(name: str, sizes: list[int]) -> None:
    network = make(name, shapes(17, causal=True))
    x, t, conditions = draw(17)
    answers, state = [], None
    with torch.no_grad():
        curves = conditions.frames.split(sizes, dim=2)
        for part, curve in zip(x.split(sizes, dim=2), curves, strict=True):
            answer, state = network.step(part, t, conditions._replace(frames=curve), state)
            answers.append(answer)
        whole = network(x, t, conditions)
    torch.testing.assert_close(torch.cat(answers, dim=2), whole, atol=1e-5, rtol=1e-5)


def test_a_step_leaves_the_state_it_came_from_as_it_was() -> None:
    """So that a search or a second variation may go on from the same frame."""
    for name in STEPPERS:
        network = make(name, shapes(17, causal=True, frame_channels=0))
        x, t, conditions = draw(17)
        with torch.no_grad():
            _, state = network.step(x[:, :, :9], t, conditions)
            first, _ = network.step(x[:, :, 9:], t, conditions, state)
            again, _ = network.step(x[:, :, 9:], t, conditions, state)
        assert torch.equal(first, again)


@pytest.mark.parametrize("name", SEQUENCES)
def test_state_comes_back_and_answers_repeat_bit_for_bit(name: str) -> None:
    network, inputs = make(name, shapes(17)), draw(17)
    other = find("network", name).build(SMALL[name], shapes(17))
    other.load_state_dict(network.state_dict())
    with torch.no_grad():
        assert torch.equal(network(*inputs), network(*inputs))
        assert torch.equal(network(*inputs), other(*inputs))
        assert torch.equal(network.eval()(*inputs), network.train()(*inputs))


@pytest.mark.parametrize("name", sorted(set(SEQUENCES) - set(CAUSALS)))
def test_what_cannot_be_causal_says_so_and_names_what_can(name: str) -> None:
    with pytest.raises(RecipeError, match=rf"{name}.*one of: freq_unet, resnet1d, rnn, tr"):
        make(name, shapes(17, causal=True))


@pytest.mark.parametrize("name", STEPPERS)
def test_steps_want_a_causal_network(name: str) -> None:
    with pytest.raises(RecipeError, match="causal = True"):
        make(name, shapes(17)).step(*draw(17))


@pytest.mark.parametrize("name", SEQUENCES)
def test_curves_of_other_channels_are_refused(name: str) -> None:
    x, t, conditions = draw(17)
    wrong = conditions._replace(frames=torch.zeros(ROWS, CURVES + 1, 17))
    with pytest.raises(RecipeError, match=f"have {CURVES + 1} channels.*built for {CURVES}"):
        make(name, shapes(17))(x, t, wrong)


@pytest.mark.parametrize(
    ("name", "settings", "says"),
    [
        ("freq_unet", freq_unet.Settings(planes=3), "2 channels cannot be 3 planes.*planes = 1"),
        ("resnet1d", resnet1d.Settings(kernel=4), "kernel is 4.*odd"),
        ("resnet1d", resnet1d.Settings(dilations=()), r"dilations are \(\).*\[1, 2, 4, 8\]"),
        ("rnn", rnn.Settings(width=9), "width is 9.*even"),
        ("transformer", transformer.Settings(width=20, heads=4), "width 20.*multiple of 8"),
        ("unet1d", unet1d.Settings(factors=(2,)), "4 multipliers and 1 factors.*one factor fewer"),
        ("unet1d", unet1d.Settings(factors=(2, 1, 2)), r"factors are \(2, 1, 2\).*2 or more"),
        ("unet1d", unet1d.Settings(heads=3), "3 heads do not divide.*256 channels"),
        ("wavegrad_unet", wavegrad_unet.Settings((5, 5)), "2 upsample_factors.*as many"),
        ("wavegrad_unet", wavegrad_unet.Settings((2,), (4,), (3,)), r"\(3,\).*even"),
        ("wavegrad_unet", wavegrad_unet.Settings((0,), (4,), (4,)), r"\(0,\).*1 or more"),
        ("wavenet", wavenet.Settings(cycle=0), "cycles of 0.*1 or more"),
        ("wavenet", wavenet.Settings(upsample=(16, 1)), r"\(16, 1\).*2 or more"),
    ],
)
def test_impossible_sizes_are_refused(name: str, settings: object, says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        find("network", name).build(settings, shapes(17))


def test_the_perceptron_wants_its_one_length() -> None:
    with pytest.raises(RecipeError, match="windows of 17 frames, not 18"):
        make("mlp", shapes(17))(*draw(18))
    with pytest.raises(RecipeError, match="the data's is 0 frames"):
        make("mlp", shapes(0))
    with pytest.raises(RecipeError, match=r"2 x 300000 values.*shorter windows"):
        make("mlp", shapes(300_000))


def test_published_sizes() -> None:
    """Within 1 % of what the authors state; to the parameter what lmnt's layouts hold."""
    vocoder = wavenet.build(wavenet.Settings(), NetworkInfo(1, frame_channels=80))
    assert parameters(vocoder) == 2_619_971 == pytest.approx(2.64e6, rel=0.01)
    keys = set(vocoder.state_dict())
    for key in (
        "input_projection", "diffusion_embedding.projection1", "diffusion_embedding.projection2",
        "spectrogram_upsampler.conv1", "spectrogram_upsampler.conv2",
        "residual_layers.29.dilated_conv", "residual_layers.29.diffusion_projection",
        "residual_layers.29.conditioner_projection", "residual_layers.29.output_projection",
        "skip_projection", "output_projection",
    ):  # fmt: skip
        assert {f"{key}.weight", f"{key}.bias"} <= keys
    unconditional = wavenet.build(wavenet.Settings(), NetworkInfo(1))
    assert set(unconditional.state_dict()) == {
        key for key in keys if "spectrogram" not in key and "conditioner" not in key
    }

    wavegrad = wavegrad_unet.build(wavegrad_unet.Settings(), NetworkInfo(1, frame_channels=128))
    assert parameters(wavegrad) == 15_920_993 == pytest.approx(15.9e6, rel=0.01)
    assert wavegrad.hop == 300
    assert wavegrad_unet.Settings().downsample_factors == (1, 2, 2, 3, 5)
    keys = set(wavegrad.state_dict())
    assert {key.split(".")[0] for key in keys} == {
        "downsample", "film", "upsample", "first_conv", "last_conv",
    }  # fmt: skip
    for key in (
        "downsample.0", "downsample.4.residual_dense", "downsample.4.conv.2", "film.4.input_conv",
        "film.4.output_conv", "upsample.4.block1", "upsample.4.block2.1", "upsample.4.block3.1",
    ):  # fmt: skip
        assert {f"{key}.weight", f"{key}.bias"} <= keys


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_curves_at_hops_repeat_or_average() -> None:
    curves = torch.tensor([[[1.0, 2.0, 4.0, 8.0]]])
    at = {hop: frames_at_hops(curves, 8, hop)[0, 0].tolist() for hop in (1, 2, 4, 8)}
    assert at[1] == [1, 1, 2, 2, 4, 4, 8, 8]
    assert at[2] == [1, 2, 4, 8]
    assert at[4] == [1.5, 6.0]
    assert at[8] == [3.75]
    assert frames_at_hops(curves, 4, 3)[0, 0].tolist() == pytest.approx([7 / 3, 8.0])


def test_the_reach_of_the_resnet_is_what_it_says() -> None:
    settings = SMALL["resnet1d"]
    network = make("resnet1d", shapes(65, frame_channels=0))
    x, t, conditions = draw(65)
    x.requires_grad_()
    (gradient,) = torch.autograd.grad(network(x, t, conditions)[:, :, 32].sum(), x)
    heard = gradient.abs().amax(dim=(0, 1)).nonzero()
    assert (int(heard.min()), int(heard.max())) == (32 - settings.reach, 32 + settings.reach)
    assert math.isclose(resnet1d.Settings().reach, 135)


def test_the_shipped_voice_fits_its_network_and_sounds_as_its_graph_does() -> None:
    """Its weights and graph are older than any change here: names and meaning must stay."""
    voice = load_voice(Path(engine.__file__).parent / "voices" / "drums")
    request = GenerateRequest("drums", prompt="dark snare", seed=3, steps=2, seconds=0.5)
    graph = OnnxRuntime(1).load(voice).generate(request).audio
    module = TorchRuntime("cpu").load(voice).generate(request).audio
    assert np.abs(graph).max() > 0.1
    np.testing.assert_allclose(module, graph, atol=1e-4)
