"""Playing the page with fingers: faders, pads, and the level of the engine's own output."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import PageClient
from tests.support.engine_process import wait_for
from tests.support.jack_server import jack_environment, jack_server
from tests.support.osc_client import OscClient
from tests.support.serving import ServedEngine

Visit = Callable[..., PageClient]


def middle(locator: Any) -> tuple[float, float]:
    """Centre of an element on the screen."""
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def fill_slot(engine: ServedEngine, slot: int, words: str) -> None:
    """A new sound of some seconds on a slot, so that it is seen before it ends."""
    with OscClient(engine.port) as client:
        client.send("/drift/generate", 1, "prompt", words, "duration", 4.0, "steps", 1)
        answers = client.until("/drift/done", "/drift/fail")
        clip = next(args[0] for address, args in answers if address == "/drift/clip/added")
        client.send(f"/drift/slot/{slot}/clip", clip)
        assert client.until("/drift/done", "/drift/fail")[-1][0] == "/drift/done"


@pytest.mark.parametrize("screen", ["phone", "tablet"])
def test_two_fingers_move_two_faders_at_once(
    engine: ServedEngine, visit: Visit, screen: str
) -> None:
    here = visit(engine, screen)
    here.view("pads")
    here.page.click("#mixer")
    with OscClient(engine.port) as client:
        for slot in (2, 3):
            client.send(f"/drift/slot/{slot}/gain", -24.0)
            client.until("/drift/done")
    faders = [f"#pads [data-address='/drift/slot/{slot}/gain']" for slot in (2, 3)]
    for fader in faders:
        here.expect(fader).to_have_attribute("aria-valuenow", "-24")
    (left, top), (right, _) = (middle(here.find(f"{fader} .fader-track")) for fader in faders)

    # One goes up while the other goes down, in the same events.
    here.touch("touchStart", [(left, top), (right, top)])
    for pixels in (5, 10, 15):
        here.touch("touchMove", [(left, top - pixels), (right, top + pixels)])
    for fader in faders:
        here.expect(f"{fader}.held").to_be_visible()
    here.touch("touchEnd", [])
    louder, softer = (float(here.find(fader).get_attribute("aria-valuenow")) for fader in faders)
    assert louder > -24 > softer
    assert louder + 24 == pytest.approx(-24 - softer, abs=0.5), "both follow their finger alike"
    with OscClient(engine.port) as client:
        for slot, value in ((2, louder), (3, softer)):
            address = f"/drift/slot/{slot}/gain"

            def arrived(address: str = address, value: float = value) -> bool:
                return abs(float(client.ask(address)[0][1][1]) - value) < 0.01

            wait_for(arrived, f"{address} to be {value:g}")


def test_a_pad_is_hit_in_the_browser_and_lights_up(engine: ServedEngine, visit: Visit) -> None:
    fill_slot(engine, 5, "closed hat")
    here = visit(engine, "phone")
    here.view("pads")
    here.expect("[data-slot='5']").to_have_attribute("aria-label", "Pad 5: closed hat")
    here.expect(".meter >> nth=0").to_have_attribute("aria-valuetext", "silence")
    here.find("[data-slot='5']").tap()
    here.expect("[data-slot='5'].playing").to_be_visible()
    here.expect(".meter >> nth=0").not_to_have_attribute("aria-valuetext", "silence")


def test_what_another_controller_does_is_seen(engine: ServedEngine, visit: Visit) -> None:
    here = visit(engine)
    with OscClient(engine.port) as client:
        client.send("/drift/slot/1/gain", -7.5)
        client.send("/drift/transport/tempo", 93.0)
        client.send("/drift/transport/play", 1)
        here.expect("#slot [data-address='/drift/slot/1/gain']").to_have_attribute(
            "aria-valuetext", "-7.5 dB"
        )
        here.expect(".transport input").to_have_value("93")
        here.expect("#transport-play").to_have_attribute("aria-pressed", "true")
        here.expect(".lamps .on").to_have_count(1)
        client.send("/drift/transport/play", 0)
        here.expect("#transport-play").to_have_attribute("aria-pressed", "false")
        here.expect(".lamps .on").to_have_count(0)


def test_a_snapshot_brings_the_faders_back(engine: ServedEngine, visit: Visit) -> None:
    here = visit(engine)
    fader = "#slot [data-address='/drift/slot/1/pitch']"
    here.find(fader).press("Home")
    here.expect(fader).to_have_attribute("aria-valuetext", "-24.0 st")
    here.page.get_by_label("Name of the snapshot").fill("Low")
    here.press("Enter")
    here.expect("#slot-notices").to_contain_text("controls as “Low”")
    here.find(fader).press("End")
    here.expect(fader).to_have_attribute("aria-valuetext", "+24.0 st")
    here.page.get_by_role("button", name="Recall Low").click()
    here.expect(fader).to_have_attribute("aria-valuetext", "-24.0 st")
    here.page.get_by_role("button", name="Delete snapshot Low").click()
    here.expect(".chip").to_have_count(0)


def test_the_meter_shows_what_the_engine_plays(
    browser: Any, tmp_path: Path, tiny_voices: Path, monkeypatch: pytest.MonkeyPatch, visit: Visit
) -> None:
    for name, value in jack_environment().items():
        monkeypatch.setenv(name, value)
    with (
        jack_server(dict(os.environ), tmp_path, 44_100, 1024),
        ServedEngine(tmp_path, tiny_voices, voice="tiny", flags=("--audio",)) as engine,
    ):
        fill_slot(engine, 1, "long crash cymbal")
        here = visit(engine)
        here.expect("#output option >> nth=0").to_contain_text("JACK")
        here.expect("[data-slot='1']").to_have_attribute("aria-label", "Pad 1: long crash cymbal")
        here.expect(".meter >> nth=0").to_have_attribute("aria-valuetext", "silence")
        here.page.click("[data-slot='1']")
        here.expect("[data-slot='1'].playing").to_be_visible()
        for side in (0, 1):
            here.expect(f".meter >> nth={side}").not_to_have_attribute("aria-valuetext", "silence")
        here.page.click("#panic")
        here.expect("#make-notices").to_contain_text("Panic: everything is silent")
        here.expect(".meter >> nth=0").to_have_attribute("aria-valuetext", "silence")
        here.leave()
