"""HTTP answers: headers that protect the page, caching, conditional and range requests.

Pure functions of a request; no socket. Sources: RFC 9110 (conditions, ranges), CSP level 3.
"""

from __future__ import annotations

import http
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

ALWAYS: Final = "no-cache"
"""Kept by the browser, asked for again each time."""
NEVER: Final = "no-store"
FOREVER: Final = "private, max-age=31536000, immutable"

_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request without a body. `path` is percent-decoded, `query` as it came.

    `headers` have names in lower case.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """`headers` lack those that every answer has (`common_headers`)."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class HttpFault(Exception):
    """A refusal; its message is the body of the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def common_headers(host: str) -> dict[str, str]:
    """Headers of every answer; `host` is the checked Host of the request.

    The page may load only what this server serves, and nobody else may show or read it.
    """
    socket_source = f" ws://{host}" if host else ""  # older Safari: 'self' excludes ws
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
        "img-src 'self' data: blob:; media-src 'self' blob:; worker-src 'self'; "
        f"manifest-src 'self'; connect-src 'self'{socket_source}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


def json_response(value: object, status: int = 200) -> HttpResponse:
    """A JSON answer that is never cached."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", "Cache-Control": NEVER}
    return HttpResponse(status, body, headers)


def text_response(status: int, message: str) -> HttpResponse:
    """A refusal in words."""
    headers = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": NEVER}
    return HttpResponse(status, f"{message}\n".encode(), headers)


def content_response(
    request: HttpRequest, body: bytes, content_type: str, *, tag: str, cache: str
) -> HttpResponse:
    """Content with an entity tag: 200, 206 for one range, 304 when the asker has it, 416."""
    etag = f'"{tag}"'
    headers = {
        "Content-Type": content_type,
        "ETag": etag,
        "Cache-Control": cache,
        "Accept-Ranges": "bytes",
    }
    known = [part.strip() for part in request.headers.get("if-none-match", "").split(",")]
    if "*" in known or etag in (part.removeprefix("W/") for part in known):
        return HttpResponse(http.HTTPStatus.NOT_MODIFIED, b"", headers)
    wanted = request.headers.get("range", "")
    if not wanted or request.headers.get("if-range", etag) != etag:
        return HttpResponse(http.HTTPStatus.OK, body, headers)
    return _range_response(wanted, body, headers)


def _range_response(wanted: str, body: bytes, headers: dict[str, str]) -> HttpResponse:
    match = _RANGE.fullmatch(wanted.replace(" ", ""))
    if match is None or not any(match.groups()):
        # Several ranges, another unit or nonsense: the whole is a valid answer.
        return HttpResponse(http.HTTPStatus.OK, body, headers)
    first_text, last_text = match.groups()
    size = len(body)
    if first_text:
        first = int(first_text)
        last = min(int(last_text), size - 1) if last_text else size - 1
    else:
        first, last = max(0, size - int(last_text)), size - 1
    if last_text and first_text and int(last_text) < first:
        return HttpResponse(http.HTTPStatus.OK, body, headers)
    if first >= size:
        headers = {**headers, "Content-Range": f"bytes */{size}"}
        return HttpResponse(http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, b"", headers)
    headers = {**headers, "Content-Range": f"bytes {first}-{last}/{size}"}
    return HttpResponse(http.HTTPStatus.PARTIAL_CONTENT, body[first : last + 1], headers)
