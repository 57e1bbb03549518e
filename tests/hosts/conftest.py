"""What the integration tests share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of voices with one small, untrained voice called `tiny`."""
    from tests.support.tiny_voice import tiny_voice

    folder = tmp_path_factory.mktemp("voices")
    tiny_voice(folder / "tiny")
    return folder
