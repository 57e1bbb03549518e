"""The controller layouts agree with the table of OSC methods, and those shipped are up to date."""

from __future__ import annotations

import itertools
import json
import xml.etree.ElementTree as ET
import zlib
from pathlib import Path
from typing import Any

import pytest

from bridge.address_space import BY_ADDRESS
from bridge.layout_plan import HEIGHT, WIDTH, Kind, widgets
from bridge.layout_stage_control import stage_control
from bridge.layout_touchosc import touchosc_xml
from bridge.layouts import STAGE_CONTROL, TOUCHOSC, main
from bridge.osc_spec import Kind as OscKind

SHIPPED = Path(__file__).parents[2] / "bridge" / "page" / "layouts"
REMEDY = "run: python -m bridge.layouts --out bridge/page/layouts"


def texts(node: ET.Element, path: str) -> list[str]:
    return [found.text or "" for found in node.findall(path)]


@pytest.fixture(scope="module")
def tosc() -> ET.Element:
    return ET.fromstring(zlib.decompress((SHIPPED / TOUCHOSC).read_bytes()))


@pytest.fixture(scope="module")
def session() -> Any:
    return json.loads((SHIPPED / STAGE_CONTROL).read_bytes())


def test_the_shipped_layouts_are_up_to_date() -> None:
    kept = zlib.decompress((SHIPPED / TOUCHOSC).read_bytes())
    assert kept == touchosc_xml(widgets()), REMEDY
    assert (SHIPPED / STAGE_CONTROL).read_bytes() == stage_control(widgets()), REMEDY


def test_the_command_writes_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path / "new")]) == 0
    assert {file.name for file in (tmp_path / "new").iterdir()} == {TOUCHOSC, STAGE_CONTROL}
    assert main([]) == 2
    assert "--out FOLDER" in capsys.readouterr().err


def test_every_address_takes_the_number_that_is_sent() -> None:
    for widget in widgets():
        method = BY_ADDRESS[widget.address]
        assert method.args[0].kind in (OscKind.FLOAT, OscKind.INT, OscKind.BOOL), widget
        assert all(arg.optional for arg in method.args[1:]), widget
        if widget.kind in (Kind.FADER, Kind.ACROSS):
            assert (widget.low, widget.high) == (method.args[0].minimum, method.args[0].maximum)
        else:
            assert (widget.low, widget.high) == (0.0, 1.0)


def test_both_hold_every_widget_with_its_address_and_range(tosc: ET.Element, session: Any) -> None:
    wanted = {widget.address: widget for widget in widgets()}
    assert len(wanted) > 50
    in_tosc = {
        texts(osc, "path/partial/value")[0]: texts(osc, "arguments/partial/*")[-2:]
        for osc in tosc.iter("osc")
    }
    assert in_tosc == {
        address: [f"{widget.low:g}", f"{widget.high:g}"] for address, widget in wanted.items()
    }
    in_session = {found["address"]: found for found in session["content"]["widgets"]}
    assert in_session.keys() == wanted.keys() <= BY_ADDRESS.keys()
    for address, found in in_session.items():
        if found["type"] == "fader":
            widget = wanted[address]
            assert found["range"] == {"min": widget.low, "max": widget.high}
            assert widget.low <= found["default"] <= widget.high


def test_names_are_unique(tosc: ET.Element, session: Any) -> None:
    ids = [node.attrib["ID"] for node in tosc.iter("node")]
    assert len(ids) == len(set(ids))
    names = [found["id"] for found in session["content"]["widgets"]]
    assert len(names) == len(set(names))


def test_widgets_are_as_large_as_a_finger_and_do_not_overlap() -> None:
    for widget in widgets():
        assert min(widget.width, widget.height) >= 48, widget
        assert 0 <= widget.x < widget.x + widget.width <= WIDTH
        assert 0 <= widget.y < widget.y + widget.height <= HEIGHT
    for one, other in itertools.combinations(widgets(), 2):
        apart_across = one.x + one.width <= other.x or other.x + other.width <= one.x
        apart_down = one.y + one.height <= other.y or other.y + other.height <= one.y
        assert apart_across or apart_down, (one, other)
