"""Which answer each request gets: the page, clips, or the OSC address space.

/                     the page; OSCQuery's root for whoever does not ask for HTML
/style.css ...        files of the page
/clips/ID.wav .flac   the sound, with ranges
/clips/ID/peaks       its outline as JSON, ?count=N parts
/drift/... ?VALUE ... OSCQuery
"""

from __future__ import annotations

import http
import logging
import re
from collections import OrderedDict
from typing import Final
from urllib.parse import parse_qs

from bridge.oscquery import OscQuery
from bridge.web_files import PageFiles
from bridge.web_handler import WebHandler
from bridge.web_http import (
    FOREVER,
    HttpFault,
    HttpRequest,
    HttpResponse,
    content_response,
    json_response,
)

_log = logging.getLogger("driftwave.web")

DEFAULT_PEAKS: Final = 512
MAX_PEAKS: Final = 8192
_SOUND: Final = re.compile(r"/clips/([0-9A-Za-z_-]{1,64})\.(wav|flac)")
_PEAKS: Final = re.compile(r"/clips/([0-9A-Za-z_-]{1,64})/peaks")
_KEPT_SOUNDS: Final = 8
_KEPT_SOUND_BYTES: Final = 32 << 20


class Site:
    """Answers requests that passed the guard. [worker threads]"""

    def __init__(self, handler: WebHandler, query: OscQuery, files: PageFiles) -> None:
        self._handler = handler
        self._query = query
        self._files = files
        self._sounds: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Answer one GET or HEAD.

        Raises:
            HttpFault: for what is not here.
        """
        path = request.path
        if sound := _SOUND.fullmatch(path):
            return self._sound(request, *sound.groups())
        if peaks := _PEAKS.fullmatch(path):
            return self._peaks(request, peaks[1])
        wants_page = path == "/" and "text/html" in request.headers.get("accept", "")
        if self._query.has(path) and (request.query or not wants_page):
            return self._query.answer(path, request.query)
        return self._files.answer(request, path)

    def _sound(self, request: HttpRequest, clip: str, form: str) -> HttpResponse:
        # A player asks for many ranges of one clip; making the file each time would be slow.
        key = (clip, form)
        body = self._sounds.get(key)
        if body is None:
            try:
                body = self._handler.clip_audio(clip, form)
            except Exception as error:
                raise _fault(error, request.path) from error
            self._sounds[key] = body
            while len(self._sounds) > _KEPT_SOUNDS or self._kept_bytes() > _KEPT_SOUND_BYTES:
                self._sounds.popitem(last=False)
        kind = f"audio/{form}"
        return content_response(request, body, kind, tag=f"{clip}-{form}", cache=FOREVER)

    def _kept_bytes(self) -> int:
        return sum(len(body) for body in list(self._sounds.values()))

    def _peaks(self, request: HttpRequest, clip: str) -> HttpResponse:
        count = _whole(request.query, "count", DEFAULT_PEAKS, 1, MAX_PEAKS)
        try:
            peaks = self._handler.clip_peaks(clip, count)
        except Exception as error:
            raise _fault(error, request.path) from error
        return json_response(
            {
                "clip": clip,
                "sample_rate": peaks.sample_rate,
                "frames": peaks.frames,
                "seconds": peaks.frames / peaks.sample_rate,
                "channels": len(peaks.low),
                "count": len(peaks.low[0]) if peaks.low else 0,
                "low": peaks.low,
                "high": peaks.high,
            }
        )


def _fault(error: Exception, path: str) -> HttpFault:
    if getattr(error, "code", "") == "not_found":
        return HttpFault(http.HTTPStatus.NOT_FOUND, str(error))
    _log.error("%s", path, exc_info=error)
    return HttpFault(http.HTTPStatus.INTERNAL_SERVER_ERROR, f"{path}: {error}")


def _whole(query: str, name: str, default: int, low: int, high: int) -> int:
    """A whole number from the query string."""
    found = parse_qs(query, keep_blank_values=True).get(name)
    if found is None:
        return default
    try:
        value = int(found[-1])
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise HttpFault(
            http.HTTPStatus.BAD_REQUEST,
            f"{name} is {found[-1][:20]!r}; expected a whole number in {low}..{high}",
        )
    return value
