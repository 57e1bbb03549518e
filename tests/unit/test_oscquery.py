"""OSCQuery and feedback: values over HTTP, LISTEN, the dump for a new subscriber."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.address_space import METHODS, REPLIES
from bridge.osc import OscServer
from bridge.osc_limits import MAX_LISTENED
from bridge.oscquery import ATTRIBUTES, build_tree
from bridge.web import WebServer
from tests.support.osc_client import Answer, OscClient
from tests.support.osc_parameters import GAIN, NORMALIZED, ON, WORDS, Parameters, install
from tests.support.web_client import WebSocketClient, get
from tests.support.web_memory import serving


@pytest.fixture
def parameters(monkeypatch: pytest.MonkeyPatch) -> Parameters:
    return install(monkeypatch)


@pytest.fixture
def servers(parameters: Parameters, tmp_path: Path) -> Iterator[tuple[OscServer, WebServer]]:
    with serving(tmp_path) as (osc, web, *_):
        yield osc, web


def test_host_info_names_ports_and_what_is_there(servers: tuple[OscServer, WebServer]) -> None:
    osc, web = servers
    info = get(web.port, "/drift/ping?HOST_INFO").json
    assert (info["OSC_PORT"], info["WS_PORT"], info["OSC_TRANSPORT"]) == (osc.port, web.port, "UDP")
    ours = {"FULL_PATH", "CONTENTS", "ARGUMENTS", "KEYS", "OTHER_KEYS"}
    assert set(ATTRIBUTES) - ours <= set(info["EXTENSIONS"])


def test_every_node_has_every_attribute_of_its_kind() -> None:
    nodes = build_tree(METHODS, REPLIES)
    for method in METHODS:
        node = nodes[method.address]
        assert {"FULL_PATH", "TYPE", "ACCESS", "RANGE", "DESCRIPTION", "UNIT", "TAGS", "CLIPMODE",
                "EXTENDED_TYPE", "CRITICAL"} <= set(node)  # fmt: skip
        for name in ("RANGE", "UNIT", "EXTENDED_TYPE", "CLIPMODE", "ARGUMENTS"):
            assert len(node[name]) == len(node["TYPE"]), (method.address, name)
        assert ("KEYS" in node) == bool(method.keys)
    for path, node in nodes.items():
        folder, _, name = path.rpartition("/")
        if path != "/":
            assert nodes[folder or "/"]["CONTENTS"][name] is node
        assert node["DESCRIPTION"], path


def test_types_and_ranges_are_those_of_the_table(servers: tuple[OscServer, WebServer]) -> None:
    _osc, web = servers
    vary = get(web.port, "/drift/vary").json
    assert vary["TYPE"] == "isfi"
    assert vary["RANGE"][2] == {"MIN": 0.0, "MAX": 1.0}
    assert [overload["TYPE"] for overload in vary["OVERLOADS"]] == ["isf", "is"]
    assert vary["KEYS"]["seed"]["TYPE"] == "h"
    assert vary["ACCESS"] == 2
    gain = get(web.port, GAIN).json
    assert (gain["ACCESS"], gain["UNIT"], gain["TAGS"]) == (3, ["gain.db"], ["parameter"])
    assert gain["OVERLOADS"][0]["TYPE"] == ""
    export = get(web.port, "/drift/clip/export?EXTENDED_TYPE").json
    assert export["EXTENDED_TYPE"][:2] == ["", "filepath"]


def test_values_are_the_present_ones(
    servers: tuple[OscServer, WebServer], parameters: Parameters
) -> None:
    osc, web = servers
    assert get(web.port, f"{GAIN}?VALUE").json == {"VALUE": [-6.0]}
    assert get(web.port, f"{NORMALIZED}?VALUE").json == {"VALUE": [0.75]}
    assert get(web.port, f"{ON}?VALUE").json == {"VALUE": [True]}
    assert get(web.port, "/drift/generate?VALUE").status == 204
    assert get(web.port, "/drift?VALUE").status == 204
    assert get(web.port, "/drift/version?VALUE").json == {"VALUE": ["1.2.3", 1]}
    status = get(web.port, "/drift/status").json
    assert (status["ACCESS"], len(status["VALUE"])) == (1, len(status["TYPE"]))
    with OscClient(osc.port) as client:
        client.ask(GAIN, -12.0)
    tree = get(web.port, "/").json
    test = tree["CONTENTS"]["drift"]["CONTENTS"]["test"]["CONTENTS"]
    assert test["gain"]["VALUE"] == [-12.0]
    assert test["words"]["VALUE"] == ["deep kick"]
    assert get(web.port, "/drift/test?CONTENTS").json["CONTENTS"] == test


def test_a_parameter_without_a_value_is_asked(servers: tuple[OscServer, WebServer]) -> None:
    with OscClient(servers[0].port) as client:
        assert client.ask(GAIN)[0] == ("/drift/value", [GAIN, -6.0])
        assert client.ask(GAIN, 99.0)[0][1][2] == "bad_range"


def test_subscribers_get_everything_first_and_then_what_others_change(
    servers: tuple[OscServer, WebServer], parameters: Parameters
) -> None:
    osc, web = servers
    with OscClient(osc.port) as fader, WebSocketClient(web.port) as page:
        first = page.ask("/drift/notify", 1)
        assert first[0][0] == "/drift/done"
        assert sorted(values(first)) == [GAIN, NORMALIZED, ON, WORDS]
        assert values(first)[GAIN] == [-6.0]
        fader.ask("/drift/notify", 1)
        fader.ask(GAIN, 12.0)
        assert page.receive() == (GAIN, [12.0])
        assert page.receive() == (NORMALIZED, [1.0])
        page.ask(NORMALIZED, 0.0)
        assert fader.receive() == (GAIN, [-60.0])
        assert fader.receive() == (NORMALIZED, [0.0])
        assert page.drain() == [], "who sets a value is not told it"


def test_listening_to_one_address(
    servers: tuple[OscServer, WebServer], parameters: Parameters
) -> None:
    osc, web = servers
    with WebSocketClient(web.port) as page, OscClient(osc.port) as other:
        page.command("LISTEN", GAIN)
        assert page.receive() == (GAIN, [-6.0]), "the present value comes at once"
        other.ask(WORDS, "hat")
        other.ask(GAIN, 3.0)
        assert page.receive() == (GAIN, [3.0])
        page.command("LISTEN", "/drift/clip/added")
        page.drain()
        other.send("/drift/generate", 1, "duration", 0.1)
        other.until("/drift/done")
        assert page.receive()[0] == "/drift/clip/added"
        page.command("IGNORE", GAIN)
        page.drain()
        other.ask(GAIN, 1.0)
        assert page.drain() == []


def test_commands_that_are_wrong_are_said_to_be(servers: tuple[OscServer, WebServer]) -> None:
    _osc, web = servers
    with WebSocketClient(web.port) as page:
        for text in ("{", "[]", "7", '{"COMMAND": "LISTEN"}', '{"COMMAND": "X", "DATA": "/a"}',
                     '{"COMMAND": ["LISTEN"], "DATA": "/a"}', "[" * 5_000):  # fmt: skip
            page.connection.send(text)
            answer = page.receive_text()
            assert answer["COMMAND"] == "ERROR"
            assert "LISTEN" in answer["DATA"]
        page.command("LISTEN", "/drift/generat")
        assert "did you mean /drift/generate" in page.receive_text()["DATA"]
        assert page.ask("/drift/ping", 1) == [("/drift/pong", [1])]


def test_a_client_cannot_listen_without_end(
    servers: tuple[OscServer, WebServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_LISTENED > 1_000
    monkeypatch.setattr("bridge.osc_limits.MAX_LISTENED", 2)
    _osc, web = servers
    with WebSocketClient(web.port) as page:
        for address in (GAIN, ON, GAIN, WORDS):
            page.command("LISTEN", address)
        assert "IGNORE some" in page.receive_text()["DATA"]


def values(answers: list[Answer]) -> dict[str, list[object]]:
    """What was told at the addresses of the parameters."""
    return {address: args for address, args in answers if address in (GAIN, NORMALIZED, ON, WORDS)}
