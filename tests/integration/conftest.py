"""What the integration tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.jack_server import jack_environment, jack_server
from tests.support.jack_stage import PERIOD, RATE_HZ
from tests.support.osc_client import OscClient
from tests.support.serving import ROOT, ServedEngine


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, tiny_voices: Path) -> Iterator[ServedEngine]:
    """A process with the tiny voice, for the tests of one file."""
    folder = tmp_path_factory.mktemp("engine")
    with ServedEngine(folder, tiny_voices, voice="tiny") as engine:
        yield engine


@pytest.fixture
def client(engine: ServedEngine) -> Iterator[OscClient]:
    """A sender of its own, to `engine`."""
    with OscClient(engine.port) as client:
        yield client


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Training in this process leaves torch's threads and the signal handlers as they were."""
    import torch

    before = torch.get_num_threads()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A folder with a recipe and a shard of latents."""
    from tests.matrix.test_worked_example import write_latents
    from tests.support.small_run import RECIPE

    (tmp_path / "small.toml").write_text(RECIPE)
    write_latents(tmp_path / "latents.npz")
    return tmp_path


@pytest.fixture
def jack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The environment of a JACK server of its own, which this process has too."""
    for name, value in {
        **jack_environment(),
        "MIDO_BACKEND": "tests.support.mido_socket",
        "MIDO_SOCKET": str(tmp_path / "midi.sock"),
        "PYTHONPATH": str(ROOT),
    }.items():
        monkeypatch.setenv(name, value)
    with jack_server(dict(os.environ), tmp_path, RATE_HZ, PERIOD):
        yield dict(os.environ)
