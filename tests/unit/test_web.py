"""The web door over real sockets: files, caching, ranges, guards, ports, WebSockets."""

from __future__ import annotations

import http.client
import re
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from bridge.address_space import BY_ADDRESS, REPLY_ADDRESSES
from bridge.osc import OscServer
from bridge.web import MAX_SOCKETS, WebPortError, WebServer
from tests.support.osc_client import OscClient, bundle, message
from tests.support.osc_memory import MemoryHandler
from tests.support.web_client import WebSocketClient, get
from tests.support.web_memory import CLIP, SOUND, MemorySounds, serving

HTML = "text/html,application/xhtml+xml"


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[tuple[OscServer, WebServer, MemoryHandler, MemorySounds]]:
    with serving(tmp_path) as parts:
        yield parts


@pytest.fixture
def port(parts: tuple[OscServer, WebServer, MemoryHandler, MemorySounds]) -> int:
    return parts[1].port


@pytest.fixture
def sounds(parts: tuple[OscServer, WebServer, MemoryHandler, MemorySounds]) -> MemorySounds:
    return parts[3]


def test_the_page_is_served_to_browsers_and_the_tree_to_controllers(port: int) -> None:
    page = get(port, "/", Accept=HTML)
    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.text.startswith("<!doctype html>")
    assert get(port, "/index.html").body == page.body
    tree = get(port, "/")
    assert tree.headers["content-type"] == "application/json; charset=utf-8"
    assert tree.json["FULL_PATH"] == "/"
    assert "NAME" in get(port, "/?HOST_INFO", Accept=HTML).json


def test_every_answer_protects_the_page(port: int) -> None:
    for path in ("/", "/index.html", "/drift", f"/clips/{CLIP}.wav", "/nothing"):
        headers = get(port, path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert f"connect-src 'self' ws://127.0.0.1:{port};" in policy
        assert not re.search("unsafe|https?:", policy)
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers


def test_files_have_their_types_and_are_asked_for_again(tmp_path: Path) -> None:
    page = tmp_path / "page"
    (page / "parts").mkdir(parents=True)
    kinds = {
        "app.js": "text/javascript; charset=utf-8",
        "parts/pad.mjs": "text/javascript; charset=utf-8",
        "style.css": "text/css; charset=utf-8",
        "icon.svg": "image/svg+xml",
        "icon.png": "image/png",
        "app.webmanifest": "application/manifest+json",
    }
    for name in kinds:
        (page / name).write_text(name)
    (tmp_path / "secret.txt").write_text("treasure")
    (page / "link.txt").symlink_to(tmp_path / "secret.txt")
    (page / ".hidden").write_text("hidden")
    with serving(tmp_path, page=page) as (_osc, web, *_):
        for name, kind in kinds.items():
            got = get(web.port, f"/{name}")
            assert (got.status, got.headers["content-type"], got.text) == (200, kind, name)
            assert got.headers["cache-control"] == "no-cache"
            again = get(web.port, f"/{name}", If_None_Match=got.headers["etag"])
            assert (again.status, again.body) == (304, b"")
        (page / "app.js").write_text("changed since")
        assert get(web.port, "/app.js", If_None_Match=got.headers["etag"]).text == "changed since"
        for path in (
            "/../secret.txt", "/%2e%2e/secret.txt", "/parts/../../secret.txt", "/..%2fsecret.txt",
            "/parts/%2e%2e%5csecret.txt", "//etc/passwd", "/link.txt", "/.hidden", "/parts",
            "/parts/", "/app.js%00.css", "/%ff", "/parts//pad.mjs", "/C:/secret.txt",
        ):  # fmt: skip
            got = get(web.port, path)
            assert got.status in (400, 404), path
            assert b"treasure" not in got.body, path


def test_a_sound_comes_whole_or_in_ranges(port: int, sounds: MemorySounds) -> None:
    whole = get(port, f"/clips/{CLIP}.wav")
    assert whole.headers["content-type"] == "audio/wav"
    assert whole.headers["accept-ranges"] == "bytes"
    assert "immutable" in whole.headers["cache-control"]
    assert whole.body == b"wav" + SOUND
    assert get(port, f"/clips/{CLIP}.flac").body == b"flac" + SOUND
    size = len(whole.body)
    for wanted, first, last in (
        ("bytes=0-99", 0, 99),
        ("bytes=100-", 100, size - 1),
        ("bytes=-10", size - 10, size - 1),
        ("bytes=5-999999", 5, size - 1),
        (f"bytes=-{size * 2}", 0, size - 1),
    ):
        part = get(port, f"/clips/{CLIP}.wav", Range=wanted)
        assert (part.status, part.body) == (206, whole.body[first : last + 1])
        assert part.headers["content-range"] == f"bytes {first}-{last}/{size}"
    beyond = get(port, f"/clips/{CLIP}.wav", Range=f"bytes={size}-")
    assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    for wanted in ("bytes=0-1,5-6", "lines=1-2", "bytes=", "bytes=9-2", "bytes=x-y"):
        assert get(port, f"/clips/{CLIP}.wav", Range=wanted).body == whole.body
    stale = get(port, f"/clips/{CLIP}.wav", Range="bytes=0-1", If_Range='"other"')
    assert stale.body == whole.body
    head = get(port, f"/clips/{CLIP}.wav", method="HEAD")
    assert (head.status, head.headers["content-length"], head.body) == (200, str(size), b"")
    assert sounds.asked == 2, "a player's many ranges make the file once"


def test_an_outline_has_as_many_parts_as_asked_for(port: int) -> None:
    got = get(port, f"/clips/{CLIP}/peaks?count=4").json
    assert got == {
        "clip": CLIP, "sample_rate": 8_000, "frames": 4_000, "seconds": 0.5, "channels": 1,
        "count": 4, "low": [[0, -0.25, -0.5, -0.75]], "high": [[0, 0.25, 0.5, 0.75]],
    }  # fmt: skip
    assert get(port, f"/clips/{CLIP}/peaks").json["count"] == 512
    for count in ("0", "8193", "-1", "x", "", "1e3", "9" * 5_000):
        refused = get(port, f"/clips/{CLIP}/peaks?count={count}")
        assert refused.status == 400
        assert "1..8192" in refused.text


def test_what_is_missing_or_broken_is_said(port: int) -> None:
    assert get(port, "/clips/none.wav").status == 404
    assert "not in the library" in get(port, "/clips/none/peaks").text
    assert get(port, "/clips/broken.wav").status == 500
    assert get(port, "/drift/generate", method="DELETE").status == 405
    assert "/drift" in get(port, "/nothing").text


def test_names_of_others_are_refused_against_rebinding(port: int) -> None:
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", "192.168.1.5", "[::1]:9631"):
        assert get(port, "/drift", Host=host).status == 200
    assert get(port, "/drift", Host=f"{socket.gethostname()}:{port}").status == 200
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "a.b.c"):
        assert get(port, "/drift", Host=host).status == 421
    for host in ("", "127.0.0.1:x", "a b", "127.0.0.1/..", "user@127.0.0.1"):
        assert get(port, "/drift", Host=host).status in (400, 421)


def test_pages_of_others_cannot_connect(port: int) -> None:
    own = f"http://127.0.0.1:{port}"
    with WebSocketClient(port, Origin=own) as client:
        assert client.ask("/drift/ping", 1) == [("/drift/pong", [1])]
    for origin in ("http://evil.example", "null", f"http://127.0.0.1:{port + 1}", "file://"):
        with pytest.raises(InvalidStatus, match="403"):
            WebSocketClient(port, Origin=origin)
        assert get(port, "/drift", Origin=origin).status == 403


def test_a_websocket_carries_what_udp_carries(
    parts: tuple[OscServer, WebServer, MemoryHandler, MemorySounds],
) -> None:
    osc, web, _handler, _sounds = parts
    with WebSocketClient(web.port) as page, OscClient(osc.port) as controller:
        assert page.ask("/drift/version") == [("/drift/version/reply", ["1.2.3", 1])]
        page.send("/drift/generate", 7, "prompt", "snare", "count", 3, "duration", 0.1)
        answers = page.until("/drift/done")
        assert [a for a, _ in answers].count("/drift/clip/added") == 3
        assert page.ask("/drift/nothing")[0][1][2] == "bad_address"
        assert page.ask("/drift/vary", 1)[0][1][2] == "bad_type"
        controller.ask("/drift/notify", 1)
        page.ask("/drift/notify", 1)
        page.send("/drift/generate", 8, "duration", 0.1)
        page.until("/drift/done")
        assert controller.receive()[0] == "/drift/clip/added"
        controller.send("/drift/generate", 9, "duration", 0.1)
        assert page.receive()[1][1] == -1
        controller.until("/drift/done")


def test_a_client_that_leaves_is_forgotten(
    parts: tuple[OscServer, WebServer, MemoryHandler, MemorySounds],
) -> None:
    osc, web, _handler, _sounds = parts
    for _ in range(20):
        with WebSocketClient(web.port) as page:
            page.ask("/drift/notify", 1)
    with WebSocketClient(web.port) as page:
        page.drain()
    assert len(osc.dispatcher._subscribers.current()) <= 2


def test_too_many_websockets_are_refused(port: int) -> None:
    clients = [WebSocketClient(port) for _ in range(MAX_SOCKETS)]
    with pytest.raises(InvalidStatus, match="503"):
        WebSocketClient(port)
    for client in clients:
        client.connection.close()


def test_a_client_that_does_not_read_is_dropped_and_nobody_waits(
    parts: tuple[OscServer, WebServer, MemoryHandler, MemorySounds],
) -> None:
    osc, web, _handler, _sounds = parts
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.connect(("127.0.0.1", web.port))
        raw.sendall(
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        assert raw.recv(12) == b"HTTP/1.1 101"
        queries = bundle(1, *[message("/drift/query")] * 100)
        frame = bytes([0x82, 0x80 | 126]) + struct.pack(">H", len(queries)) + bytes(4) + queries
        with WebSocketClient(web.port) as other, OscClient(osc.port) as controller:
            # Each query is answered with some fifty messages, which the first does not read.
            while osc.stats.send_lost == 0:
                raw.sendall(frame)
                assert other.ask("/drift/ping", 3) == [("/drift/pong", [3])]
                assert controller.ask("/drift/ping", 4) == [("/drift/pong", [4])]
            assert other.ask("/drift/version")[0][0] == "/drift/version/reply"


def test_a_slow_sound_keeps_nobody_from_the_page(
    parts: tuple[OscServer, WebServer, MemoryHandler, MemorySounds],
) -> None:
    _osc, web, _handler, sounds = parts
    sounds.gate.clear()
    waiting = threading.Thread(target=get, args=(web.port, f"/clips/{CLIP}.wav"))
    waiting.start()
    assert get(web.port, "/", Accept=HTML).status == 200
    with WebSocketClient(web.port) as page:
        assert page.ask("/drift/ping", 1) == [("/drift/pong", [1])]
    sounds.gate.set()
    waiting.join()


def test_ports_and_hosts_that_are_refused(
    parts: tuple[OscServer, WebServer, MemoryHandler, MemorySounds],
) -> None:
    osc, web, _handler, sounds = parts
    with pytest.raises(WebPortError, match=rf"{web.port}.*already in use.*--web-port"):
        WebServer("127.0.0.1", web.port, osc, sounds).start()
    for host, words in (("0.0.0.0", "--lan"), ("::1", "not an IPv4 address")):
        with pytest.raises(WebPortError, match=words):
            WebServer(host, 0, osc, sounds).start()
    with pytest.raises(WebPortError, match="--web-port"):
        WebServer("127.0.0.1", 70_000, osc, sounds).start()


def test_stop_ends_the_thread_and_open_connections(tmp_path: Path) -> None:
    with serving(tmp_path) as (_osc, web, *_):
        page = WebSocketClient(web.port)
        half = http.client.HTTPConnection("127.0.0.1", web.port)
        half.connect()
        web.stop()
        web.stop()
        assert not [thread for thread in threading.enumerate() if thread.name == "web"]
        page.connection.close()
        half.close()


def test_nothing_is_missing_from_the_tree(port: int) -> None:
    for address in (*BY_ADDRESS, *REPLY_ADDRESSES):
        node = get(port, address).json
        assert node["FULL_PATH"] == address
        assert node["DESCRIPTION"]
    assert get(port, "/drift/nothing").status == 404
    assert get(port, "/drift/ping?TYPE").json == {"TYPE": "i"}
    assert get(port, "/drift/ping?CONTENTS").status == 204
    assert get(port, "/drift/ping?NONSENSE").status == 400
