"""Walks a served OSCQuery tree and calls each method rightly and wrongly, as the tree says."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.support.osc_client import Answer, OscClient
from tests.support.tcp_client import TcpClient
from tests.support.web_client import WebSocketClient, get

Node = dict[str, Any]
Connect = Callable[[], OscClient]

TRANSPORTS = ("udp", "tcp-slip", "tcp-length", "websocket")
MAY_FAIL = {"not_found", "busy", "no_voice", "late", "cancelled"}
"""Codes that a right call may meet, by the state of the engine."""
METHODS_A_CLIENT = 20
"""Beyond two hundred wrong messages the server answers fewer; another client starts afresh."""


def connector(transport: str, osc_port: int, web_port: int) -> Connect:
    """Makes clients of one transport."""
    return {
        "udp": lambda: OscClient(osc_port),
        "tcp-slip": lambda: TcpClient(osc_port, slip=True),
        "tcp-length": lambda: TcpClient(osc_port, slip=False),
        "websocket": lambda: WebSocketClient(web_port),
    }[transport]


def served_methods(web_port: int) -> list[Node]:
    """Every node of the tree that can be called, read over HTTP."""

    def walk(node: Node) -> Iterator[Node]:
        if "TYPE" in node and node["ACCESS"]:
            yield node
        for child in node.get("CONTENTS", {}).values():
            yield from walk(child)

    return list(walk(get(web_port, "/").json))


def call_everything(web_port: int, connect: Connect, known: Mapping[str, Any]) -> int:
    """Call every method with right, wrong and missing arguments; returns how many there are.

    `known` holds values for arguments that must name something that exists, such as a clip, or
    a function that makes a new one each time.
    """
    jobs = itertools.count(1)
    methods = served_methods(web_port)
    for start in range(0, len(methods), METHODS_A_CLIENT):
        with connect() as client:
            for node in methods[start : start + METHODS_A_CLIENT]:

                def values(node: Node = node) -> list[Any]:
                    return [_right(node, place, known, jobs) for place in range(_arity(node))]

                _call_rightly(client, node, values)
                _call_wrongly(client, node, values())
    return len(methods)


def _call_rightly(client: OscClient, node: Node, values: Callable[[], list[Any]]) -> None:
    shorter = [len(overload["TYPE"]) for overload in node.get("OVERLOADS", ())]
    for count in (_arity(node), *shorter):
        sent = values()[:count]
        answers = client.ask(node["FULL_PATH"], *sent)
        fails = [args for address, args in answers if address == "/drift/fail"]
        assert all(args[2] in MAY_FAIL for args in fails), (node["FULL_PATH"], sent, fails)


def _call_wrongly(client: OscClient, node: Node, values: list[Any]) -> None:
    path = node["FULL_PATH"]
    for place in range(len(values)):
        tag = node["TYPE"][place]
        before = values[:place]
        _refused(client, path, (*before, 1.5 if tag == "s" else "x"), "bad_type")
        limits = node["RANGE"][place] or {}
        if tag in "if" and "MAX" in limits:
            _refused(client, path, (*before, limits["MAX"] + 1.0 + abs(limits["MAX"])), "bad_range")
            _refused(client, path, (*before, limits["MIN"] - 1.0 - abs(limits["MIN"])), "bad_range")
            _refused(client, path, (*before, float("nan")), "bad_range")
        elif tag == "T":
            _refused(client, path, (*before, 7), "bad_range")
        elif "VALS" in limits:
            _refused(client, path, (*before, "none of them"), "bad_range")
    least = min([len(values), *(len(overload["TYPE"]) for overload in node.get("OVERLOADS", ()))])
    for count in range(least):
        _refused(client, path, tuple(values[:count]), "bad_type")
    if node.get("KEYS"):
        if not node["OTHER_KEYS"]:
            _refused(client, path, (*values, "no such key", 1), "bad_range")
        _refused(client, path, (*values, next(iter(node["KEYS"]))), "bad_type")
    else:
        _refused(client, path, (*values, 1), "bad_type")


def _refused(client: OscClient, path: str, args: tuple[Any, ...], code: str) -> None:
    answers: list[Answer] = [
        answer for answer in client.ask(path, *args) if answer[0] == "/drift/fail"
    ]
    refusals = [said for _address, said in answers if said[0] == path.removeprefix("/drift/")]
    # A right call from before may still fail, but never with this code.
    found = [said for said in refusals if said[2] == code]
    assert found, (path, args, answers)
    assert found[-1][3], (path, args)


def _arity(node: Node) -> int:
    return 0 if node["ACCESS"] == 1 else len(node["TYPE"])


def _right(node: Node, place: int, known: Mapping[str, Any], jobs: Iterator[int]) -> Any:
    """A value that TYPE and RANGE allow."""
    name, tag = node["ARGUMENTS"][place], node["TYPE"][place]
    limits = node["RANGE"][place] or {}
    if name == "job":
        return next(jobs)
    if name in known:
        return known[name]() if callable(known[name]) else known[name]
    if "VALS" in limits:
        return int(limits["VALS"][-1]) if tag == "T" else limits["VALS"][-1]
    if tag == "s":
        return "word"
    low, high = limits.get("MIN", 0), limits.get("MAX", 1)
    value = min(max(low, 1), high)
    return float(value) if tag == "f" else int(value)
