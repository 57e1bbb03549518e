"""Every method of the served tree, called over every transport, answers as the tree says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.address_space import METHODS, REPLIES
from bridge.osc import OscServer
from bridge.osc_spec import VALUE_REPLY
from bridge.web import WebServer
from tests.support.osc_client import OscClient
from tests.support.osc_parameters import install
from tests.support.osc_walk import TRANSPORTS, call_everything, connector, served_methods
from tests.support.web_client import get
from tests.support.web_memory import serving

ROOT = Path(__file__).parents[2]
_LITERAL = re.compile(r"\"(/(?:drift|dirt)/[a-z_/]+)\"")


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[OscServer, WebServer]]:
    with serving(tmp_path) as (osc, web, *_):
        yield osc, web


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_method_answers_as_its_type_and_range_say(
    transport: str, servers: tuple[OscServer, WebServer], tmp_path: Path
) -> None:
    osc, web = servers
    with OscClient(osc.port) as client:
        client.send("/drift/generate", 900_000, "duration", 0.1)
        clip = client.until("/drift/done")[-2][1][0]
    path = str(tmp_path / "export.wav")
    known = {"clip": clip, "voice": "tone", "pattern": "/drift/ping", "path": path}
    connect = connector(transport, osc.port, web.port)
    assert call_everything(web.port, connect, known) == len(METHODS)


def test_parameters_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch)
    with serving(tmp_path) as (osc, web, *_):
        call_everything(web.port, connector("udp", osc.port, web.port), {})


def test_no_address_of_the_dispatcher_is_missing_from_the_tree(
    servers: tuple[OscServer, WebServer],
) -> None:
    osc, web = servers
    served = {node["FULL_PATH"] for node in served_methods(web.port)}
    assert served == set(osc.dispatcher._actions)
    for reply in REPLIES:
        assert get(web.port, reply.address).json["ACCESS"] == 0


def test_no_address_of_the_code_is_missing_from_the_tree_or_the_document(
    servers: tuple[OscServer, WebServer],
) -> None:
    _osc, web = servers
    document = (ROOT / "docs" / "osc.md").read_text(encoding="utf-8")
    files = [*(ROOT / "bridge").rglob("*.py"), *(ROOT / "engine").rglob("*.py")]
    found = {name for file in files for name in _LITERAL.findall(file.read_text("utf-8"))}
    assert len(found) > 30
    if not any(method.parameter for method in METHODS):
        found.discard(VALUE_REPLY)
    for address in found:
        # A family of slots is one row, written without its number.
        one = address.replace("/drift/slot/", "/drift/slot/1/").rstrip("/")
        assert 200 in (get(web.port, address.rstrip("/")).status, get(web.port, one).status), (
            address
        )
    for method in METHODS:
        assert f"### {method.family or method.address}\n" in document
