"""The page's OSC codec beside python-osc, in a real browser."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

CODEC = Path(__file__).parents[2] / "bridge" / "page" / "js" / "osc.js"
LOAD = "window.codec = import('data:text/javascript;base64,{}'); codec.then(() => 0)"


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    page = browser.new_page()
    page.evaluate(LOAD.format(base64.b64encode(CODEC.read_bytes()).decode()))
    yield page
    page.close()


def test_what_the_page_sends_is_what_python_osc_reads(page: Any) -> None:
    data = page.evaluate(
        "async () => [...(await codec).encode('/drift/x', 'sn\\u00e4re', -7, 0.25, true, false, "
        "9007199254740993n, {type: 'f', value: 1}, {type: 'd', value: 0.1})]"
    )
    message = OscMessage(bytes(data))
    assert message.address == "/drift/x"
    assert message.params == ["snäre", -7, 0.25, True, False, 2**53 + 1, 1.0, 0.1]


def test_what_python_osc_builds_is_what_the_page_reads(page: Any) -> None:
    builder = OscMessageBuilder("/drift/y")
    for value, kind in (("four", "s"), (-3, "i"), (0.5, "f"), (0.1, "d"), (2**40, "h")):
        builder.add_arg(value, kind)
    builder.add_arg(True)
    data = list(builder.build().dgram)
    read = page.evaluate("async data => (await codec).decode(new Uint8Array(data))", data)
    assert read == [{"address": "/drift/y", "args": ["four", -3, 0.5, 0.1, 2**40, True]}]


def test_a_cut_packet_is_refused_in_words(page: Any) -> None:
    said = page.evaluate(
        "async () => { const {encode, decode} = await codec;"
        " try { decode(encode('/a', 1).subarray(0, 10)); return ''; }"
        " catch (error) { return error.message; } }"
    )
    assert "the packet ends" in said
