"""Plugins and engines find each other by one private socket; strangers are turned away."""

from __future__ import annotations

import os
import socket
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge import _native, link
from bridge.errors import EngineRunning, RuntimeFolderError
from bridge.link import LinkServer
from bridge.rendezvous import Rendezvous, socket_path
from tests.support.link_client import (
    check_served,
    connect,
    hello,
    mapped_segments,
    open_descriptors,
    wait_until,
)
from tests.support.link_echo import EchoHandler


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LinkServer]:
    running = LinkServer(EchoHandler(), tmp_path / "engine.sock")
    yield running
    running.close()


def test_another_abi_is_answered_with_both_versions(server: LinkServer) -> None:
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(server.path))
        caller.sendall(hello(major=_native.ABI_MAJOR + 1))
        answer = caller.recv(4096)
    assert struct.unpack_from("<I", answer, 16) == (1,)
    text = answer[40:].split(b"\0")[0].decode()
    assert f"{_native.ABI_MAJOR + 1}.{_native.ABI_MINOR}" in text
    assert "driftwave install" in text


@pytest.mark.parametrize("greeting", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\0" * 79, hello(magic=3)])
def test_callers_that_are_no_plugins_are_turned_away(server: LinkServer, greeting: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(server.path))
        caller.sendall(greeting)
        caller.shutdown(socket.SHUT_WR)
        caller.settimeout(30)
        caller.recv(4096)
    check_served(server.path)


def test_a_hello_in_pieces_is_accepted(server: LinkServer) -> None:
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(server.path))
        for byte in hello():
            caller.sendall(bytes([byte]))
        caller.settimeout(30)
        data, fds, _, _ = socket.recv_fds(caller, 4096, 4)
        for fd in fds:
            os.close(fd)
    assert (len(data), len(fds)) == (256, 1)


def test_one_plugin_too_many_is_told_so(
    server: LinkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "_MAX_LINKS", 2)
    clients = [connect(server.path) for _ in range(2)]
    third = _native.LinkClient()
    assert third.connect(str(server.path)) is _native.ConnectResult.REFUSED
    assert "close some" in third.message
    clients.pop().disconnect()
    wait_until(lambda: len(server.peers) == 1, "one has left")
    check_served(server.path)


def test_the_socket_is_private_and_goes_with_the_server(tmp_path: Path) -> None:
    path = tmp_path / "run" / "driftwave" / "engine.sock"
    server = LinkServer(EchoHandler(), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    server.close()
    assert not path.exists()


def test_a_second_engine_is_refused_with_the_pid_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    with Rendezvous(path):
        with pytest.raises(EngineRunning, match=f"pid {os.getpid()}.*DRIFTWAVE_RUNTIME_DIR"):
            Rendezvous(path)
        assert path.exists()
    Rendezvous(path).close()


def test_a_socket_left_by_a_killed_engine_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    server = LinkServer(EchoHandler(), path)
    check_served(path)
    server.close()


def test_a_folder_that_others_can_write_to_is_refused(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(RuntimeFolderError, match="DRIFTWAVE_RUNTIME_DIR"):
        Rendezvous(shared / "engine.sock")


def test_a_path_too_long_for_a_socket_says_so(tmp_path: Path) -> None:
    with pytest.raises(RuntimeFolderError, match="107"):
        Rendezvous(tmp_path / ("x" * 120) / "engine.sock")


def test_plugin_and_engine_compute_the_same_socket_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "xdg"))
    monkeypatch.delenv("DRIFTWAVE_RUNTIME_DIR", raising=False)
    assert socket_path() == tmp_path / "xdg/driftwave/engine.sock"
    monkeypatch.setenv("DRIFTWAVE_RUNTIME_DIR", str(tmp_path / "own"))
    assert socket_path() == tmp_path / "own/driftwave/engine.sock"
    monkeypatch.delenv("DRIFTWAVE_RUNTIME_DIR")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert socket_path() == Path(f"/tmp/driftwave-{os.geteuid()}/driftwave/engine.sock")


def test_nothing_stays_open_after_plugins_came_and_went(server: LinkServer) -> None:
    check_served(server.path)
    wait_until(lambda: not server.peers, "the first plugin has left")
    before = open_descriptors(), mapped_segments()
    for _ in range(30):
        check_served(server.path)
    wait_until(lambda: not server.peers, "every plugin has left")
    assert (open_descriptors(), mapped_segments()) == before
