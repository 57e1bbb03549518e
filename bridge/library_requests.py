"""The validated requests of the library's OSC methods; see `bridge.library_space`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipConditions:
    """Conditions that a clip has to meet, all of them.

    `text` and `tags` are words joined by spaces, `since` and `before` days such as
    2026-11-25, "" for any; lengths are in seconds.
    """

    text: str
    voice: str
    tags: str
    favourite: bool
    shortest: float
    longest: float
    since: str
    before: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipFind(ClipConditions):
    """List clips."""

    sort: str
    offset: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipExportAll(ClipConditions):
    """Write clips into `folder`, None for the export folder, at `rate` Hz, None for their own."""

    folder: str | None
    format: str
    rate: int | None
    depth: str


@dataclass(frozen=True, slots=True)
class FileImport:
    """Take the sound file `path` as a clip called `name`, "" for the file's own name."""

    path: str
    name: str


@dataclass(frozen=True, slots=True)
class FileShow:
    """Report the record inside the sound file `path`."""

    path: str


@dataclass(frozen=True, slots=True)
class ClipLineage:
    """Report the relatives of `clip`, `depth` generations each way."""

    clip: str
    depth: int


@dataclass(frozen=True, slots=True)
class UndoCommand:
    """Undo or redo; `trigger` is False for the release of a momentary button."""

    trigger: bool


@dataclass(frozen=True, slots=True)
class HistoryList:
    """Report the last `limit` changes of the library."""

    limit: int
