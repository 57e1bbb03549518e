"""What the browser tests share: one engine, and one Chromium for each file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import SCREENS, PageClient, chromium
from tests.support.serving import ServedEngine


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory, tiny_voices: Path) -> Iterator[ServedEngine]:
    """An engine without a sound device."""
    folder = tmp_path_factory.mktemp("page")
    with ServedEngine(folder, tiny_voices, voice="tiny") as engine:
        yield engine


# A file, not the session: Playwright keeps an event loop in this thread while it runs.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., PageClient]]:
    """Opens the page: visit(engine, "phone")."""
    with ExitStack() as visits:

        def open_page(engine: ServedEngine, screen: str = "desktop") -> PageClient:
            return visits.enter_context(PageClient(browser, engine.web_port, SCREENS[screen]))

        yield open_page
