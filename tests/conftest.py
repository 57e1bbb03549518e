"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Spinning OpenMP threads starve each other on shared cores: tests use one, and it sleeps.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take `--soak`."""
    parser.addoption("--soak", action="store_true", help="run the long tests too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes long, unless it was asked for."""
    if not config.getoption("--soak"):
        for item in items:
            if "soak" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="long: only with --soak"))


@pytest.fixture(scope="session")
def tiny_voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of voices with one small, untrained voice called `tiny`."""
    from tests.support.tiny_voice import tiny_voice

    folder = tmp_path_factory.mktemp("voices")
    tiny_voice(folder / "tiny")
    return folder
