"""Who can use the page: names for screen readers, contrast, and targets as large as a finger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import SCREENS, PageClient
from tests.support.serving import ServedEngine

VIEWS = ("make", "pads", "history")
NAMED = {
    "button", "checkbox", "combobox", "group", "img", "link", "meter", "progressbar", "radio",
    "radiogroup", "region", "searchbox", "slider", "spinbutton", "textbox", "image",
}  # fmt: skip
LEAST_PX = 48
LEAST_CONTRAST = 4.5
LOOK = (Path(__file__).parent / "look.js").read_text()


@pytest.fixture(params=list(SCREENS), scope="module")
def everything(
    request: pytest.FixtureRequest, engine: ServedEngine, browser: Any
) -> Iterator[PageClient]:
    """The page on each screen, with a clip, words, a notice and every field open."""
    with PageClient(browser, engine.web_port, SCREENS[request.param]) as here:
        here.make("short dark snare blorp", 2, Length="0.3", Steps="1")
        here.press("Escape")
        here.press("Delete")
        here.expect("#history-notices .notice").to_be_attached()
        yield here


def look(here: PageClient, what: str) -> list[Any]:
    """What `what` of look.js finds, in every view, with the mixer and with the messages open."""
    found: list[Any] = []

    def again() -> None:
        found.extend(here.page.evaluate(f"() => {{ {LOOK}; return {what}(); }}"))

    for view in VIEWS:
        here.view(view)
        again()
    here.view("pads")
    for button in ("#mixer", "#messages", "#help"):
        if not here.find(button).is_visible():
            continue  # a phone has no keys to tell of
        here.page.click(button)
        again()
        here.page.click(button)
    return found


def test_every_control_has_a_name(everything: PageClient) -> None:
    session = everything.context.new_cdp_session(everything.page)
    seen: set[str] = set()
    nameless = []
    for view in VIEWS:
        everything.view(view)
        for node in session.send("Accessibility.getFullAXTree")["nodes"]:
            role = node.get("role", {}).get("value", "")
            if node["ignored"] or role not in NAMED:
                continue
            seen.add(role)
            if not node.get("name", {}).get("value", "").strip():
                nameless.append((view, role, node.get("properties")))
    assert nameless == []
    assert {"button", "slider", "textbox", "searchbox", "meter", "radio"} <= seen


def test_text_stands_out_from_what_is_behind_it(everything: PageClient) -> None:
    measured = look(everything, "contrasts")
    assert len(measured) > 150
    assert [one for one in measured if one["contrast"] < LEAST_CONTRAST] == []


def test_everything_to_press_is_as_large_as_a_finger(everything: PageClient) -> None:
    measured = look(everything, "targets")
    assert len(measured) > 80
    small = [one for one in measured if min(one["width"], one["height"]) < LEAST_PX - 0.5]
    assert small == []


def test_nothing_is_cut_off_at_the_side(everything: PageClient) -> None:
    assert look(everything, "overflow") == []
