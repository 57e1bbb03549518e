"""The page in real Chromium: what a test does to it, and what it must never do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

CHROMIUM = Path("/usr/bin/chromium")
REFUSED = "ERR_CONNECTION_REFUSED"
WATCHDOG_MS = 60_000.0


class Screen(NamedTuple):
    """What a page is looked at with."""

    width: int
    height: int
    touch: bool


SCREENS = {
    "phone": Screen(390, 844, touch=True),
    "tablet": Screen(1024, 768, touch=True),
    "desktop": Screen(1440, 900, touch=False),
}


@contextmanager
def chromium() -> Iterator[Any]:
    """The browser; skips the test where it is missing, and says how to get it."""
    if not CHROMIUM.exists():
        pytest.skip("Chromium is missing: apt-get install chromium")
    api = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    api.expect.set_options(timeout=WATCHDOG_MS)
    with api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


class PageClient:
    """One visit of the page, in a browser profile of its own.

    Attributes:
        page: Playwright's page.
        troubles: console errors and exceptions so far.
        requests: address of everything that was asked for.
    """

    def __init__(self, browser: Any, port: int, screen: Screen) -> None:
        """Open the page and wait until it has read the engine."""
        self.origin = f"http://127.0.0.1:{port}"
        self.context = browser.new_context(
            viewport={"width": screen.width, "height": screen.height},
            has_touch=screen.touch,
            reduced_motion="reduce",
        )
        self.context.set_default_timeout(WATCHDOG_MS)
        self.page = self.context.new_page()
        self.troubles: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("websocket", lambda socket: self.requests.append(socket.url))
        self.page.goto(self.origin)
        self.wait_open()

    def __enter__(self) -> PageClient:
        return self

    def __exit__(self, kind: object, *exc: object) -> None:
        self.context.close()
        if kind is None:
            assert not self.troubles, self.troubles

    def leave(self) -> None:
        """End the visit of an engine that goes, or went: Chromium says so itself, and may."""
        self.context.close()
        self.troubles = [said for said in self.troubles if REFUSED not in said]

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(f"{message.text} {message.location}")

    def find(self, selector: str) -> Any:
        """Playwright's locator."""
        return self.page.locator(selector)

    def expect(self, selector: str) -> Any:
        """Playwright's assertion, which waits for what it expects."""
        from playwright.sync_api import expect

        return expect(self.find(selector))

    def wait_open(self) -> None:
        """Return once the page knows the engine's status."""
        self.expect("body[data-engine=ready], body[data-engine=busy]").to_be_attached()

    def press(self, key: str) -> None:
        """Press a key."""
        self.page.keyboard.press(key)

    def make(self, prompt: str, count: int, **extra: str) -> list[str]:
        """Generate by the page's own form; returns the clips' ids once the last is there."""
        self.fill_extra(**extra)
        self.page.fill("#prompt", prompt)
        self.page.locator("label", has=self.find(f"[name=count][value='{count}']")).click()
        self.page.click("#generate")
        self.expect("#variations .job:not(.running)").to_be_visible()
        self.expect("#variations .card").to_have_count(count)
        return self.cards()

    def cards(self) -> list[str]:
        """Ids of the variations that are shown."""
        return [str(card.get_attribute("data-clip")) for card in self.find(".card").all()]

    def fill_extra(self, **extra: str) -> None:
        """Fill fields of "More" by their labels."""
        if extra and not self.find(".extra .fields").is_visible():
            self.page.click(".extra summary")
        for label, value in extra.items():
            self.find(".extra").get_by_label(label).fill(value)

    def history(self) -> list[str]:
        """Ids of the history, newest first."""
        return [str(row.get_attribute("data-clip")) for row in self.find(".clips li").all()]

    def chosen(self, clip: str) -> None:
        """Return once a clip is the chosen one."""
        self.expect(f".clips li[data-clip='{clip}'] .choose[aria-current=true]").to_be_attached()

    def view(self, name: str) -> None:
        """Go to a view where the screen shows one at a time."""
        button = self.find(f"#views [data-view={name}]")
        if button.is_visible():
            button.click()

    def touch(self, kind: str, points: Sequence[tuple[float, float]]) -> None:
        """Fingers on the screen: touchStart, touchMove or touchEnd, each finger by its place."""
        if not hasattr(self, "_devtools"):
            self._devtools = self.context.new_cdp_session(self.page)
        touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self._devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
