"""Other people's weights: read without running them, checked to the key, and equal in effect.

The expected answers are computed here, from the papers' formulas and a state_dict alone: DiffWave
(arXiv 2009.09761) figure 2 and section 3.1, WaveGrad (arXiv 2009.00713) figures 3 to 6.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from engine import import_weights
from engine.errors import UsageError
from engine.frameworks import DataInfo
from engine.frameworks.sampling import Order
from engine.laboratory.model import open_model
from engine.networks.interface import no_conditions
from engine.training.checkpoint import load_checkpoint
from engine.training.loop import MODEL, build_framework
from engine.training.recipe import parse_recipe

State = dict[str, Tensor]
LAYERS, CHANNELS, CYCLE, BANDS = 5, 8, 3, 6
UP, DOWN, FIRST = (12, 12, 8, 6, 6), (4, 6, 6, 8, 12), 16
FACTORS = (5, 5, 3, 2, 2)
DIFFWAVE_PARAMS = {
    "dilation_cycle_length": CYCLE,
    "noise_schedule": np.linspace(1e-4, 0.05, 50).tolist(),
    "sample_rate": 22_050,
    "n_mels": BANDS,
    "unconditional": False,
}
WAVEGRAD_PARAMS = {"noise_schedule": np.linspace(1e-6, 0.01, 1000).tolist(), "hop_samples": 300}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def drawn(shapes: dict[str, tuple[int, ...]], scale: float = 1.0) -> State:
    """Random weights, and a bias beside each, of about this gain."""
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, shape in shapes.items():
        gain = scale * math.prod(shape[1:]) ** -0.5
        state[f"{name}.weight"] = gain * torch.randn(shape, generator=generator)
        outputs = shape[1] if "upsampler" in name else shape[0]
        state[f"{name}.bias"] = 0.3 * torch.randn(outputs, generator=generator)
    return state


def diffwave_state(bands: int = BANDS) -> State:
    wide = 2 * CHANNELS
    shapes: dict[str, tuple[int, ...]] = {
        "input_projection": (CHANNELS, 1, 1),
        "diffusion_embedding.projection1": (512, 128),
        "diffusion_embedding.projection2": (512, 512),
        "skip_projection": (CHANNELS, CHANNELS, 1),
        "output_projection": (1, CHANNELS, 1),
    }
    if bands:
        shapes |= {f"spectrogram_upsampler.conv{n}": (1, 1, 3, 32) for n in (1, 2)}
    for layer in range(LAYERS):
        key = f"residual_layers.{layer}"
        shapes[f"{key}.dilated_conv"] = (wide, CHANNELS, 3)
        shapes[f"{key}.diffusion_projection"] = (CHANNELS, 512)
        shapes[f"{key}.output_projection"] = (wide, CHANNELS, 1)
        if bands:
            shapes[f"{key}.conditioner_projection"] = (wide, bands, 1)
    return drawn(shapes)


def wavegrad_state() -> State:
    shapes: dict[str, tuple[int, ...]] = {
        "downsample.0": (DOWN[0], 1, 5),
        "first_conv": (FIRST, BANDS, 3),
        "last_conv": (1, UP[-1], 3),
    }
    for i in range(1, 5):
        shapes[f"downsample.{i}.residual_dense"] = (DOWN[i], DOWN[i - 1], 1)
        for j in range(3):
            shapes[f"downsample.{i}.conv.{j}"] = (DOWN[i], DOWN[i] if j else DOWN[i - 1], 3)
    for i, (width, modulated) in enumerate(zip(DOWN, reversed(UP), strict=True)):
        shapes[f"film.{i}.input_conv"] = (width, width, 3)
        shapes[f"film.{i}.output_conv"] = (2 * modulated, width, 3)
    for i, (before, width) in enumerate(zip((FIRST, *UP[:-1]), UP, strict=True)):
        shapes[f"upsample.{i}.block1"] = (width, before, 1)
        for j in range(2):
            shapes[f"upsample.{i}.block2.{j}"] = (width, width if j else before, 3)
            shapes[f"upsample.{i}.block3.{j}"] = (width, width, 3)
    return drawn(shapes, 0.75)  # FiLM multiplies, so that gains grow by powers


def convolved(state: State, key: str, x: Tensor, dilation: int = 1) -> Tensor:
    weight, bias = state[f"{key}.weight"], state[f"{key}.bias"]
    around = dilation * (weight.shape[2] - 1) // 2
    return F.conv1d(x, weight, bias, padding=around, dilation=dilation)


def linear(state: State, key: str, x: Tensor) -> Tensor:
    return x @ state[f"{key}.weight"].T + state[f"{key}.bias"]


def swish(x: Tensor) -> Tensor:
    return x * torch.sigmoid(x)


def diffwave(state: State, x: Tensor, t: Tensor, mel: Tensor | None) -> Tensor:
    """DiffWave of a state: figure 2; t_embedding of section 3.1 at 10^(4 i / 63), i = 0..63."""
    rates = 10.0 ** (4.0 * torch.arange(64) / 63)
    angles = t[:, None] * rates
    step = torch.cat((angles.sin(), angles.cos()), dim=1)
    for n in (1, 2):
        step = swish(linear(state, f"diffusion_embedding.projection{n}", step))
    if mel is not None:
        told = mel[:, None]
        for n in (1, 2):
            key = f"spectrogram_upsampler.conv{n}"
            told = F.leaky_relu(
                F.conv_transpose2d(
                    told, state[f"{key}.weight"], state[f"{key}.bias"], stride=(1, 16),
                    padding=(1, 8),
                ), 0.4,
            )  # fmt: skip
        mel = told[:, 0]
    h = convolved(state, "input_projection", x).relu()
    skips = torch.zeros_like(h)
    for layer in range(LAYERS):
        key = f"residual_layers.{layer}"
        y = h + linear(state, f"{key}.diffusion_projection", step)[:, :, None]
        y = convolved(state, f"{key}.dilated_conv", y, 2 ** (layer % CYCLE))
        if mel is not None:
            y = y + convolved(state, f"{key}.conditioner_projection", mel)
        y = torch.sigmoid(y[:, :CHANNELS]) * torch.tanh(y[:, CHANNELS:])
        y = convolved(state, f"{key}.output_projection", y)
        h, skips = (h + y[:, :CHANNELS]) / 2**0.5, skips + y[:, CHANNELS:]
    skips = convolved(state, "skip_projection", skips / LAYERS**0.5).relu()
    return convolved(state, "output_projection", skips)


def leaky(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 0.2 * x)


def wavegrad(state: State, x: Tensor, level: Tensor, mel: Tensor) -> Tensor:
    """WaveGrad of a state: DBlocks down, FiLM between, UBlocks up."""
    films, h = [], convolved(state, "downsample.0", x)
    for i, factor in enumerate((1, *reversed(FACTORS[1:]))):
        if i:
            key = f"downsample.{i}"
            h = h[:, :, ::factor]
            y = h
            for j in range(3):
                y = convolved(state, f"{key}.conv.{j}", leaky(y), 2**j)
            h = y + convolved(state, f"{key}.residual_dense", h)
        y = leaky(convolved(state, f"film.{i}.input_conv", h))
        half = y.shape[1] // 2
        angles = level[:, None] * 10_000.0 ** (-torch.arange(half) / half)
        y = y + torch.cat((angles.sin(), angles.cos()), dim=1)[:, :, None]
        films.append(convolved(state, f"film.{i}.output_conv", y).chunk(2, dim=1))
    h = convolved(state, "first_conv", mel)
    for i, (factor, (shift, scale)) in enumerate(zip(FACTORS, reversed(films), strict=True)):
        a, b, c, d = (1, 2, 1, 2) if i < 2 else (1, 2, 4, 8)
        key = f"upsample.{i}"
        h = h.repeat_interleave(factor, dim=2)
        y = convolved(state, f"{key}.block2.0", leaky(h), a)
        y = convolved(state, f"{key}.block2.1", leaky(shift + scale * y), b)
        h = y + convolved(state, f"{key}.block1", h)
        y = convolved(state, f"{key}.block3.0", leaky(shift + scale * h), c)
        h = h + convolved(state, f"{key}.block3.1", leaky(shift + scale * y), d)
    return convolved(state, "last_conv", h)


def imported(file: Path, kind: str, out: Path, *flags: str) -> tuple[nn.Module, Any]:
    """Through the command, and opened as any run is."""
    assert import_weights.main([str(file), "--kind", kind, "--out", str(out), *flags]) == 0
    _, facts = load_checkpoint(out / MODEL)
    info = DataInfo(**{k: tuple(v) if isinstance(v, list) else v for k, v in facts["data"].items()})
    framework = build_framework(parse_recipe(facts["recipe"]), info, out / MODEL)
    return framework.eval(), facts


def test_diffwave_answers_as_its_paper_says(tmp_path: Path) -> None:
    state = diffwave_state()
    held = {"model": state, "params": DIFFWAVE_PARAMS, "step": 1234, "optimizer": {"state": {}}}
    torch.save(held, tmp_path / "weights.pt")
    framework, facts = imported(tmp_path / "weights.pt", "diffwave", tmp_path / "out")
    assert facts["step"] == 1234
    assert facts["data"]["frame_channels"] == BANDS
    x, t = torch.randn(2, 1, 256 * 5), torch.tensor([0.0, 37.0])
    mel = torch.rand(2, BANDS, 5)
    told = no_conditions(x)._replace(frames=mel)
    with torch.no_grad():
        answer = framework.network(x, t, told)
    expected = diffwave(state, x, t, mel)
    assert float(expected.std()) > 0.1
    torch.testing.assert_close(answer, expected, atol=1e-5, rtol=1e-5)
    order = Order(told, 256 * 5, lambda k, shape: torch.randn(shape))
    assert (
        framework.sampling().draw(framework.network, order, "diffwave_fast", 6).x.isfinite().all()
    )


@pytest.mark.parametrize(("kind", "rate"), [("diffwave", 22_050), ("wavegrad", 22_050)])
def test_an_imported_vocoder_makes_sound_of_sound(kind: str, rate: int, tmp_path: Path) -> None:
    state, params = (
        (diffwave_state(), DIFFWAVE_PARAMS) if kind == "diffwave"
        else (wavegrad_state(), WAVEGRAD_PARAMS)
    )  # fmt: skip
    torch.save({"model": state, "params": params}, tmp_path / "weights.pt")
    assert import_weights.main(
        [str(tmp_path / "weights.pt"), "--kind", kind, "--out", str(tmp_path / "out")]
    ) == 0  # fmt: skip
    model = open_model(tmp_path / "out")
    assert (model.kind, model.sample_rate, model.condition.scale) == ("vocodes", rate, "lmnt")
    sound = np.sin(np.arange(4000) * 0.1).astype(np.float32)
    made = model.render([sound], seed=1, steps=6).audio[0]
    assert made.shape == sound.shape
    assert np.isfinite(made).all()


def test_diffwave_without_conditions_as_a_bare_state_dict(tmp_path: Path) -> None:
    state = diffwave_state(0)
    torch.save({f"module.{k}": v for k, v in state.items()}, tmp_path / "weights.pt")
    flags = ("--cycle", str(CYCLE), "--sample-rate", "16000")
    framework, facts = imported(tmp_path / "weights.pt", "diffwave", tmp_path / "out", *flags)
    assert facts["data"]["sample_rate"] == 16_000
    x, t = torch.randn(2, 1, 300), torch.tensor([3.0, 11.0])
    with torch.no_grad():
        answer = framework.network(x, t, no_conditions(x))
    torch.testing.assert_close(answer, diffwave(state, x, t, None), atol=1e-5, rtol=1e-5)


def test_wavegrad_answers_as_its_paper_says(tmp_path: Path) -> None:
    state = wavegrad_state()
    torch.save({"model": state, "params": WAVEGRAD_PARAMS, "step": 7}, tmp_path / "weights.pt")
    framework, facts = imported(tmp_path / "weights.pt", "wavegrad", tmp_path / "out")
    assert facts["data"]["frame_channels"] == BANDS
    x, level = torch.randn(2, 1, 900), torch.tensor([0.2, 0.97])
    mel = torch.rand(2, BANDS, 3)
    told = no_conditions(x)._replace(frames=mel)
    with torch.no_grad():
        answer = framework.network(x, level, told)
    expected = wavegrad(state, x, level, mel)
    assert float(expected.std()) > 0.1
    torch.testing.assert_close(answer, expected, atol=1e-5, rtol=1e-5)


def test_safetensors_are_read_too(tmp_path: Path) -> None:
    save_file(wavegrad_state(), tmp_path / "weights.safetensors")
    framework, _ = imported(tmp_path / "weights.safetensors", "wavegrad", tmp_path / "out")
    for name, tensor in wavegrad_state().items():
        assert torch.equal(framework.network.state_dict()[name], tensor)


def test_a_run_is_not_overwritten(tmp_path: Path) -> None:
    torch.save(wavegrad_state(), tmp_path / "weights.pt")
    arguments = [str(tmp_path / "weights.pt"), "--kind", "wavegrad", "--out", str(tmp_path)]
    assert import_weights.main(arguments) == 0
    before = (tmp_path / MODEL).read_bytes()
    assert import_weights.main(arguments) == 2
    assert (tmp_path / MODEL).read_bytes() == before


def without(state: State, key: str) -> State:
    return {name: tensor for name, tensor in state.items() if name != key}


GOOD = diffwave_state()
LAST = f"residual_layers.{LAYERS - 1}.output_projection.bias"


@pytest.mark.parametrize(
    ("kind", "held", "says"),
    [
        ("diffwave", without(GOOD, LAST), f"lacks the key '{LAST}'"),
        ("diffwave", without(GOOD, "input_projection.weight"), "lacks the key 'input_projection"),
        ("diffwave", GOOD | {"extra.weight": torch.ones(2)}, "unknown key 'extra.weight'"),
        ("diffwave", GOOD | {LAST: torch.ones(3)}, rf"'{LAST}' has the shape \(3,\).*\(16,\)"),
        ("diffwave", GOOD | {LAST: torch.full((16,), math.nan)}, f"'{LAST}'.*not finite"),
        ("diffwave", GOOD | {LAST: torch.ones(1).expand(10**15)}, f"'{LAST}' claims"),
        ("diffwave", GOOD | {LAST: 3}, f"'{LAST}' is no tensor"),
        ("diffwave", GOOD | {LAST: torch.ones(16, dtype=torch.int64)}, "no tensor of floats"),
        ("diffwave", wavegrad_state(), "lacks the key 'input_projection.weight'"),
        ("wavegrad", GOOD, "lacks the key 'upsample.0.block1.weight'"),
        ("diffwave", {}, "lacks the key"),
        ("diffwave", [1, 2], "holds a list; expected a state_dict"),
        ("diffwave", {"model": 3}, "are not tables"),
        (
            "diffwave",
            {"model": GOOD, "params": {"noise_schedule": [0.1, 0.2, 0.3]}},
            "noise_schedule is none of",
        ),
        (
            "diffwave",
            {"model": GOOD, "params": {"dilation_cycle_length": 10**6}},
            "dilation_cycle_length is 1000000; expected 1 to 24",
        ),
        (
            "wavegrad",
            {"model": wavegrad_state(), "params": {"hop_samples": 256}},
            "hop_samples is 256; expected 300",
        ),
    ],
)
def test_another_layout_is_refused_by_its_first_wrong_key(
    kind: str, held: Any, says: str, tmp_path: Path
) -> None:
    path = tmp_path / "weights.pt"
    torch.save(held, path)
    with pytest.raises(UsageError, match=says):
        import_weights.import_weights(import_weights.read_foreign(path), kind)
    out = tmp_path / "out"
    assert import_weights.main([str(path), "--kind", kind, "--out", str(out)]) == 2
    assert not out.exists()


class Hostile:
    """Makes a file where it is unpickled."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.proof, "run")


def test_a_hostile_file_runs_nothing(tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    torch.save({"model": {"a": Hostile(proof)}}, tmp_path / "zip.pt")
    (tmp_path / "bare.pt").write_bytes(pickle.dumps(Hostile(proof)))
    (tmp_path / "short.pt").write_bytes((tmp_path / "zip.pt").read_bytes()[:200])
    (tmp_path / "text.pt").write_text("no weights")
    (tmp_path / "empty.pt").write_bytes(b"")
    (tmp_path / "lie.safetensors").write_bytes(b"\xff" * 7 + b"\x7f{}")
    for name in ("zip.pt", "bare.pt", "short.pt", "text.pt", "empty.pt", "lie.safetensors"):
        with pytest.raises(UsageError, match=f"cannot read .*{name}"):
            import_weights.read_foreign(tmp_path / name)
        assert not proof.exists()
    with pytest.raises(UsageError, match="no file"):
        import_weights.read_foreign(tmp_path / "none.pt")
