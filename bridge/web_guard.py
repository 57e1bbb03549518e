"""Which requests a browser may make: Host and Origin, against DNS rebinding and foreign pages.

A foreign web site can make a browser on this machine connect here under a name of its own that
it points at 127.0.0.1. Such a request carries that name as Host. An address cannot be
pointed elsewhere, so addresses, localhost and this machine's own name are accepted.
"""

from __future__ import annotations

import http
import ipaddress
import re
import socket
from collections.abc import Mapping

from bridge.web_http import HttpFault

_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]{1,253})(:\d{1,5})?")


def check_host(headers: Mapping[str, str]) -> str:
    """The Host header, once it is known to mean this machine.

    Raises:
        HttpFault: 400 without one, 421 for a name that is not ours.
    """
    host = headers.get("host", "")
    match = _HOST.fullmatch(host)
    if match is None:
        raise HttpFault(
            http.HTTPStatus.BAD_REQUEST,
            f"Host {host[:60]!r}: expected the address of this server",
        )
    name = match["name"].strip("[]").lower().rstrip(".")
    if not (_is_address(name) or name in own_names()):
        raise HttpFault(
            http.HTTPStatus.MISDIRECTED_REQUEST,
            f"Host {name[:60]!r} is not this machine; open the page by its address, "
            "as `driftwave serve` prints it",
        )
    return host


def check_origin(headers: Mapping[str, str], host: str) -> None:
    """Refuse what another web site's page asks for.

    Raises:
        HttpFault: 403 when there is an Origin and it is not this server's page.
    """
    origin = headers.get("origin")
    if origin is not None and origin.lower() not in (f"http://{host}".lower(),):
        raise HttpFault(
            http.HTTPStatus.FORBIDDEN,
            f"Origin {origin[:60]!r}: only the page of this server (http://{host}) may connect",
        )


def own_names() -> frozenset[str]:
    """Names that mean this machine."""
    name = socket.gethostname().lower()
    short = name.split(".")[0]
    return frozenset({"localhost", name, short, f"{short}.local", f"{short}.lan"} - {""})


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
