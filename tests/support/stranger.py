"""Tries every door of an engine from another machine and prints what it found as JSON.

`python -m tests.support.stranger HOST OSC_PORT WEB_PORT`
"""

from __future__ import annotations

import json
import socket
import sys

from pythonosc.osc_message_builder import build_msg

ANSWER_S = 3.0
"""How long silence has to last to be called silence."""


def by_udp(host: str, port: int) -> str:
    """What a ping by UDP meets."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(ANSWER_S)
        sock.connect((host, port))
        try:
            sock.send(build_msg("/drift/ping", [7]).dgram)
            return "answered" if b"/drift/pong" in sock.recv(1500) else "nonsense"
        except ConnectionRefusedError:
            return "refused"
        except TimeoutError:
            return "silence"


def by_tcp(host: str, port: int, request: bytes, expected: bytes) -> str:
    """What a request by TCP meets."""
    try:
        with socket.create_connection((host, port), ANSWER_S) as sock:
            sock.sendall(request)
            data = sock.recv(1500)
            return "answered" if expected in data else "closed" if not data else "nonsense"
    except ConnectionRefusedError:
        return "refused"
    except ConnectionResetError:
        return "closed"
    except TimeoutError:
        return "silence"


def main(host: str, osc_port: int, web_port: int) -> None:
    """Print the findings."""
    ping = build_msg("/drift/ping", [7]).dgram
    web = f"GET /?HOST_INFO HTTP/1.1\r\nHost: {host}:{web_port}\r\n\r\n".encode()
    found = {
        "udp": by_udp(host, osc_port),
        "tcp": by_tcp(host, osc_port, len(ping).to_bytes(4, "big") + ping, b"/drift/pong"),
        "web": by_tcp(host, web_port, web, b"200 OK"),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
