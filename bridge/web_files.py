"""The files of the page, read from its folder and from nowhere else."""

from __future__ import annotations

import http
import re
from pathlib import Path
from typing import Final

from bridge.web_http import ALWAYS, HttpFault, HttpRequest, HttpResponse, content_response

PAGE: Final = Path(__file__).with_name("page")
INDEX: Final = "index.html"

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


class PageFiles:
    """Serves `folder`; a file that changes is seen at the next request."""

    def __init__(self, folder: Path = PAGE) -> None:
        self._folder = folder.resolve()

    def answer(self, request: HttpRequest, path: str) -> HttpResponse:
        """The file at `path`, such as "/style.css"; "/" is the page itself.

        Raises:
            HttpFault: 404 for what is not a file of the folder.
        """
        file = self._find(path.removeprefix("/") or INDEX)
        body = file.read_bytes()
        stat = file.stat()
        return content_response(
            request,
            body,
            _TYPES.get(file.suffix, "application/octet-stream"),
            tag=f"{stat.st_mtime_ns:x}-{len(body):x}",
            cache=ALWAYS,
        )

    def _find(self, path: str) -> Path:
        """The file. Names that begin with a dot, `..`, `\\` and links that lead out are refused."""
        segments = path.split("/")
        if all(_SEGMENT.fullmatch(segment) for segment in segments):
            file = self._folder.joinpath(*segments).resolve()
            if file.is_relative_to(self._folder) and file.is_file():
                return file
        raise HttpFault(
            http.HTTPStatus.NOT_FOUND,
            f"/{path[:60]} is not here; the page is at /, clips at /clips/ID.wav, "
            "OSC methods under /drift",
        )
