"""SuperDirt's messages: which slot is meant, and what it is told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bridge import address_space as space
from bridge.dirt import DirtPlay, chosen_slot, slot_messages
from bridge.osc import OscServer
from bridge.osc_call import OscCall
from bridge.osc_dispatch import OscDispatcher
from bridge.osc_spec import VALUE_REPLY, Access, Arg, Kind, Method, OscFault
from tests.support.osc_client import OscClient, bundle, message, timetag
from tests.support.osc_memory import MemoryHandler

PROMPTS = {1: "deep kick", 2: "short dark snare", 3: "closed hat", 4: "open hat", 5: "", 6: "kick"}


def event(**given: Any) -> DirtPlay:
    """An event as the door makes it."""
    rest: dict[str, Any] = dict.fromkeys(("note", "midinote", "pan", "speed"))
    return DirtPlay(**{"s": "drift", "n": 0.0, "gain": 1.0, "velocity": 1.0, **rest, **given})


@pytest.mark.parametrize(
    ("s", "n", "slot"),
    [
        ("drift", 0, 1), ("drift", 4, 5), ("Driftwave", 6, 1), ("drift", -1, 6), ("bd", 0, 1),
        ("bd", 1, 6), ("bd", 2, 1), ("sn", 0, 2), ("snare", 3, 2), ("hh", 1, 4), ("oh", 0, 4),
        ("kick:3", 0, 1), ("drift", 1.9, 2),
    ],
)  # fmt: skip
def test_s_and_n_choose_the_slot(s: str, n: float, slot: int) -> None:
    assert chosen_slot(s, n, PROMPTS) == slot


@pytest.mark.parametrize(
    ("s", "words"), [("superpiano", "superpiano"), ("cb", "cowbell"), ("", "")]
)
def test_what_no_slot_has_is_said(s: str, words: str) -> None:
    with pytest.raises(OscFault, match=f"no slot has the words '{words}'"):
        chosen_slot(s, 0, PROMPTS)
    with pytest.raises(OscFault, match="has no slots"):
        chosen_slot("drift", 0, {})


def test_an_event_becomes_what_the_slot_understands() -> None:
    assert slot_messages(event(), 3) == [("/drift/slot/3/play", (1.0,))]
    assert slot_messages(event(gain=0.5, velocity=0.5, pan=0.25, speed=2.0), 3) == [
        ("/drift/slot/3/pan", (-0.5,)),
        ("/drift/slot/3/pitch", (12.0,)),
        ("/drift/slot/3/play", (0.25,)),
    ]
    assert slot_messages(event(midinote=72.0), 1)[0] == ("/drift/slot/1/pitch", (12.0,))
    assert slot_messages(event(note=-99.0, gain=9.0), 1) == [
        ("/drift/slot/1/pitch", (-24.0,)), ("/drift/slot/1/play", (1.0,)),
    ]  # fmt: skip
    assert slot_messages(event(speed=0.0), 1)[0] == ("/drift/slot/1/pitch", (0.0,))
    assert slot_messages(event(), 1, pitched=True)[0] == ("/drift/slot/1/pitch", (0.0,))


@dataclass(frozen=True, slots=True)
class Put:
    """Set or ask."""

    value: Any


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Slots that keep what they are told."""
    if "/drift/slot/1/play" in space.BY_ADDRESS:
        told: list[tuple[str, Any]] = []
        rows = [m for m in space.METHODS if m.address.startswith("/drift/slot/")]
    else:
        told = []
        rows = [
            Method(
                f"/drift/slot/{slot}/{name}", Put, "part of a slot",
                args=(Arg("value", kind, "value", minimum=low, maximum=high, optional=True),),
                replies=(VALUE_REPLY, space.DONE), access=Access.BOTH,
            )
            for slot in PROMPTS
            for name, kind, low, high in (
                ("prompt", Kind.STRING, None, None), ("pan", Kind.FLOAT, -1, 1),
                ("pitch", Kind.FLOAT, -24, 24), ("play", Kind.FLOAT, 0, 1),
            )
        ]  # fmt: skip
        monkeypatch.setattr(space, "METHODS", (*space.METHODS, *rows))
        monkeypatch.setattr(space, "BY_ADDRESS", {m.address: m for m in space.METHODS})

    def act(call: OscCall, request: Any) -> None:
        _, _, _, slot, name = call.method.address.split("/")[:5]
        if name == "prompt":
            call.item(VALUE_REPLY, call.method.address, PROMPTS.get(int(slot), ""))
        else:
            told.append(
                (f"{slot}/{name}", getattr(request, "value", getattr(request, "velocity", 0)))
            )
        call.done(*(() if call.method.done == () else [0] * len(call.method.done or ())))

    bind = OscDispatcher._bind

    def bind_all(self: OscDispatcher, *args: Any) -> Any:
        actions = bind(self, *args)
        actions.update(dict.fromkeys((row.address for row in rows), act))
        return actions

    monkeypatch.setattr(OscDispatcher, "_bind", bind_all)
    return told


@pytest.fixture
def client(played: list[tuple[str, Any]], tmp_path: Path) -> Iterator[OscClient]:
    handler = MemoryHandler(tmp_path)
    server = OscServer("127.0.0.1", 0, handler)
    server.start()
    with OscClient(server.port) as client:
        yield client
    server.stop()
    handler.close()


TIDAL = ("_id_", "1", "cps", 0.5625, "cycle", 4.25, "delta", 0.44, "orbit", 0, "cut", 1)


def test_a_bundle_of_tidal_plays_at_its_time(
    client: OscClient, played: list[tuple[str, Any]]
) -> None:
    client.ask("/dirt/play", *TIDAL, "s", "sn", "gain", 0.5, "pan", 1.0, "room", 0.3)
    assert played == [("2/pan", 1.0), ("2/play", 0.5)]
    played.clear()
    due_s = time.time() + 0.2
    client.send_raw(bundle(timetag(due_s), message("/dirt/play", *TIDAL, "s", "bd", "n", 1.0)))
    assert client.receive() == ("/drift/done", ["/dirt/play", -1, 6])
    assert time.time() >= due_s - 0.001
    assert played == [("6/play", 1.0)]


def test_a_pitch_lasts_for_one_event(client: OscClient, played: list[tuple[str, Any]]) -> None:
    for more in (("note", 5.0), (), ()):
        client.ask("/dirt/play", "s", "drift", *more)
    assert [one for one in played if "pitch" in one[0]] == [("1/pitch", 5.0), ("1/pitch", 0.0)]


def test_what_is_wrong_is_answered(client: OscClient) -> None:
    assert client.ask("/dirt/play", "s", "xylophone")[0][1][2] == "not_found"
    assert client.ask("/dirt/play", "s", 3)[0][1][2] == "bad_type"
    assert client.ask("/dirt/play", "n")[0][1][2] == "bad_type"
    assert client.ask("/dirt/play", "n", float("nan"))[0][1][2] == "bad_range"


def test_tidal_shakes_hands(client: OscClient) -> None:
    port = client.server[1]
    assert client.ask("/dirt/handshake") == [
        ("/dirt/handshake/reply", ["&serverHostname", "127.0.0.1", "&serverPort", port])
    ]
