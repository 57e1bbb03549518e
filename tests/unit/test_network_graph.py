"""A graph of any sequence network: free length, the answers of torch, or a clear refusal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from engine import export, import_weights, train
from engine.errors import RecipeError
from engine.network_graph import FILE, check_exportable, write_network
from engine.networks.interface import Conditions, NetworkInfo
from engine.onnx_library import onnxruntime
from engine.registry import NETWORKS, find
from engine.training.checkpoint import save_checkpoint
from engine.training.loop import MODEL
from tests.matrix.test_worked_example import write_latents
from tests.unit.test_import_weights import BANDS, DIFFWAVE_PARAMS, diffwave_state
from tests.unit.test_networks import make

GOOD = ("resnet1d", "transformer", "unet1d", "wavegrad_unet", "wavenet")


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_every_network_is_exported_or_refused_by_name() -> None:
    for name in GOOD:
        check_exportable(find("network", name))
    for name in sorted(set(NETWORKS) - set(GOOD)):
        with pytest.raises(RecipeError, match=f"'{name}' .* is made of: {', '.join(GOOD)}"):
            check_exportable(find("network", name))


@pytest.mark.parametrize("frame_channels", [0, 4])
@pytest.mark.parametrize("name", GOOD)
def test_a_graph_answers_as_torch_at_any_length(
    name: str, frame_channels: int, tmp_path: Path
) -> None:
    info = NetworkInfo(2, ("kick", "snare"), ("height",), frame_channels=frame_channels)
    network = make(name, info).eval()
    assert write_network(tmp_path, find("network", name), network, info) < 1e-4
    session = onnxruntime.InferenceSession(str(tmp_path / FILE), providers=["CPUExecutionProvider"])
    stride, hop = getattr(network, "multiple", 1), getattr(network, "hop", 1)
    for strides in (2, 5, 30):
        x = torch.randn(1, 2, strides * stride)
        frames = torch.randn(1, 4, strides * stride // hop) if frame_channels else None
        told = Conditions(torch.tensor([1]), torch.tensor([[0.3]]), torch.tensor([2.0]), frames)
        noise = torch.tensor([0.4])
        inputs = {
            "x": x, "noise_cond": noise, "category": told.category,
            "descriptors": told.descriptors, "guidance": told.guidance, "frames": frames,
        }  # fmt: skip
        given = {k: v.numpy() for k, v in inputs.items() if v is not None}
        with torch.no_grad():
            expected = network(x, noise, told).numpy()
        answer = session.run(["answer"], given)[0]
        np.testing.assert_allclose(answer, expected, atol=1e-4 * np.abs(expected).max())


def test_the_command_exports_an_imported_network(tmp_path: Path) -> None:
    torch.save({"model": diffwave_state(), "params": DIFFWAVE_PARAMS}, tmp_path / "weights.pt")
    run, graph = tmp_path / "run", tmp_path / "graph"
    arguments = [str(tmp_path / "weights.pt"), "--kind", "diffwave", "--out", str(run)]
    assert import_weights.main(arguments) == 0
    assert export.main([str(run), "--onnx", str(graph)]) == 0
    session = onnxruntime.InferenceSession(str(graph / FILE), providers=["CPUExecutionProvider"])
    assert [entry.name for entry in session.get_inputs()] == ["x", "noise_cond", "frames"]
    x = np.zeros((1, 1, 512), np.float32)
    mel = np.zeros((1, BANDS, 2), np.float32)
    answer = session.run(None, {"x": x, "noise_cond": np.zeros(1, np.float32), "frames": mel})[0]
    assert answer.shape == (1, 1, 512)
    held = load_file(graph / "model.safetensors")
    assert held.keys() == {f"network.{name}" for name in diffwave_state()}


def test_the_command_exports_a_trained_network_with_its_shard(tmp_path: Path) -> None:
    recipe = (
        'name = "run"\n[network]\nname = "resnet1d"\nwidth = 8\ndepth = 1\n[framework]\n'
        'name = "flow"\n[data]\nname = "latents"\n[loop]\nsteps = 2\npreview_every = 0\n'
    )
    (tmp_path / "run.toml").write_text(recipe)
    shard, run, graph = tmp_path / "latents.npz", tmp_path / "run", tmp_path / "graph"
    write_latents(shard)
    flags = ["--data", str(shard), "--out", str(run), "--device", "cpu"]
    assert train.main([str(tmp_path / "run.toml"), *flags]) == 0
    assert export.main([str(run), "--onnx", str(graph), "--latents", str(shard)]) == 0
    session = onnxruntime.InferenceSession(str(graph / FILE), providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    assert names == ["x", "noise_cond", "category", "descriptors", "guidance"]


@pytest.mark.parametrize(
    ("network", "framework", "says"),
    [
        ('"rnn"\nwidth = 8\ndepth = 1', "flow", "'rnn' goes frame by frame"),
        ('"mlp"\nwidth = 8\ndepth = 1', "flow", "'mlp' takes windows of one length"),
        ('"convnext"', "vae", "'convnext' is no sequence network"),
        ('"resnet1d"', "autoregressive", "'autoregressive' puts its network into another"),
        ('"resnet1d"', "flow", "does not say what it was trained on; add --latents"),
    ],
)
def test_runs_of_which_no_graph_is_made_say_why(
    network: str, framework: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = (
        f'name = "run"\n[network]\nname = {network}\n[framework]\nname = "{framework}"\n'
        '[data]\nname = "latents"\n'
    )
    save_checkpoint(tmp_path / MODEL, {"a": torch.ones(1)}, {"recipe": recipe})
    assert export.main([str(tmp_path), "--onnx", str(tmp_path / "graph")]) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "graph").exists()


def test_a_voice_still_needs_its_parts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export.main([str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "needs --codec, --latents and --out" in capsys.readouterr().err
