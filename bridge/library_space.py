"""Rows of the table of OSC methods that search, import, export and undo in the library."""

from __future__ import annotations

from typing import Final

from bridge import library_requests as requests
from bridge.osc_requests import ClipId, Nothing
from bridge.osc_spec import Access, Arg, Kind, Method, Reply

DONE: Final = "/drift/done"
CLIP_ITEM: Final = "/drift/clip/item"
CLIP_ADDED: Final = "/drift/clip/added"
CLIP_CHANGED: Final = "/drift/clip/changed"
CLIP_FILE: Final = "/drift/clip/file"
CLIP_RELATIVE: Final = "/drift/clip/relative"
TAG_ITEM: Final = "/drift/tag/item"
HISTORY_ITEM: Final = "/drift/history/item"

FORMATS: Final = ("wav", "flac", "aiff")
DEPTHS: Final = ("16", "24", "32f")
SORTS: Final = ("newest", "oldest", "longest", "shortest")

_I, _F, _B, _S = Kind.INT, Kind.FLOAT, Kind.BOOL, Kind.STRING
_MOST = 1_000_000

_CLIP = Arg("clip", _S, "id of a clip, as /drift/clip/added gave it", max_chars=64)
_PATH = Arg("path", _S, "sound file on the engine's machine", max_chars=1000, local_only=True)
_TRIGGER = Arg(
    "trigger", _B, "0 does nothing: the release of a button", default=True, optional=True
)
FORMAT: Final = Arg(
    "format", _S, "format of the file", choices=FORMATS, default="wav", optional=True
)
RATE: Final = Arg(
    "rate", _I, "sample rate of the file; 0: that of the clip", unit="Hz", minimum=0,
    maximum=768_000, absent=0, optional=True,
)  # fmt: skip
DEPTH: Final = Arg(
    "depth", _S, "bits of a sample: 16 with dither, 24, or 32 floating point", choices=DEPTHS,
    default="24", optional=True,
)  # fmt: skip

_CONDITIONS = (
    Arg("text", _S, "words that prompt, name or tags must have", default="", optional=True),
    Arg("voice", _S, "voice of the clip, import for imported ones", default="", optional=True),
    Arg("tags", _S, "tags it must all have, joined by spaces", default="", optional=True),
    Arg("favourite", _B, "1: favourites only", default=False, optional=True),
    Arg("shortest", _F, "least length", unit="s", minimum=0, maximum=3600, default=0.0,
        optional=True),
    Arg("longest", _F, "greatest length", unit="s", minimum=0, maximum=3600, default=3600.0,
        optional=True),
    Arg("since", _S, "made on this day or later, such as 2026-11-25", default="", optional=True),
    Arg("before", _S, "made before this day", default="", optional=True),
)  # fmt: skip

LIBRARY_METHODS: Final[tuple[Method, ...]] = (
    Method(
        "/drift/clip/find", requests.ClipFind, "List the clips that meet every condition",
        keys=(
            *_CONDITIONS,
            Arg("sort", _S, "order", choices=SORTS, default="newest", optional=True),
            Arg("offset", _I, "clips to skip", minimum=0, maximum=_MOST, default=0, optional=True),
            Arg("limit", _I, "most clips to list", minimum=1, maximum=200, default=50,
                optional=True),
        ),
        replies=(CLIP_ITEM, DONE),
        done=(Arg("count", _I, "clips listed"), Arg("total", _I, "clips that match")),
        access=Access.READ,
    ),
    Method(
        "/drift/clip/exportall", requests.ClipExportAll,
        "Write every clip that meets the conditions as a file, never over another sound",
        keys=(
            *_CONDITIONS,
            Arg("folder", _S, "folder for the files; left out: the export folder", optional=True,
                max_chars=1000, local_only=True),
            FORMAT, RATE, DEPTH,
        ),
        replies=(CLIP_FILE, DONE),
        done=(Arg("count", _I, "files written"), Arg("folder", _S, "where they are")),
        by_pattern=False,
    ),
    Method(
        "/drift/clip/import", requests.FileImport,
        "Take a sound file into the library, as a source for vary and the like",
        args=(
            _PATH,
            Arg("name", _S, "name of the clip, \"\" for the file's", default="", optional=True),
        ),
        replies=(CLIP_ADDED, DONE),
        done=(Arg("clip", _S, "id of the clip"), Arg("new", _I, "0 when it was here already")),
        by_pattern=False,
    ),
    Method(
        "/drift/clip/show", requests.FileShow, "Report the clip that a sound file holds",
        args=(_PATH,), replies=(CLIP_ITEM, DONE), access=Access.READ,
    ),
    Method(
        "/drift/clip/restore", ClipId, "Take a clip out of the trash", args=(_CLIP,),
        replies=(DONE,), announces=CLIP_CHANGED, by_pattern=False,
    ),
    Method(
        "/drift/clip/trash", Nothing, "List the deleted clips, the last deleted first",
        replies=(CLIP_ITEM, DONE),
        done=(
            Arg("count", _I, "clips listed"),
            Arg("days", _I, "for how long a deleted clip is kept", unit="days"),
        ),
        access=Access.READ,
    ),
    Method(
        "/drift/clip/tags", Nothing, "List the tags in use", replies=(TAG_ITEM, DONE),
        done=(Arg("count", _I, "tags listed"),), access=Access.READ,
    ),
    Method(
        "/drift/clip/lineage", requests.ClipLineage,
        "List what a clip was made from and what was made from it",
        args=(
            _CLIP,
            Arg("depth", _I, "generations each way", minimum=1, maximum=100, default=20,
                optional=True),
        ),
        replies=(CLIP_RELATIVE, DONE), done=(Arg("count", _I, "relatives listed"),),
        access=Access.READ,
    ),
    Method(
        "/drift/undo", requests.UndoCommand,
        "Take back the last change of the library, whoever made it",
        args=(_TRIGGER,), replies=(DONE, CLIP_CHANGED), by_pattern=False,
        done=(
            Arg("label", _S, "what was undone"), Arg("clips", _I, "clips it changed"),
        ),
    ),
    Method(
        "/drift/redo", requests.UndoCommand, "Make the change again that was undone last",
        args=(_TRIGGER,), replies=(DONE, CLIP_CHANGED), by_pattern=False,
        done=(
            Arg("label", _S, "what was done again"), Arg("clips", _I, "clips it changed"),
        ),
    ),
    Method(
        "/drift/history", requests.HistoryList, "List the changes that can be undone, newest first",
        args=(
            Arg("limit", _I, "most changes to list", minimum=1, maximum=1000, default=20,
                optional=True),
        ),
        replies=(HISTORY_ITEM, DONE), done=(Arg("count", _I, "changes listed"),),
        access=Access.READ,
    ),
)  # fmt: skip

LIBRARY_REPLIES: Final[tuple[Reply, ...]] = (
    Reply(
        CLIP_FILE, (_CLIP, Arg("path", _S, "file that holds it now")), "A clip was written",
    ),
    Reply(
        CLIP_RELATIVE,
        (Arg("id", _S, "id"),
         Arg("generation", _I, "-1 for parents, -2 for theirs; 1 for children"),
         Arg("of", _S, "id of the clip that it is a parent or child of"),
         Arg("state", _S, "here, deleted or gone"), Arg("name", _S, "name or \"\""),
         Arg("prompt", _S, "prompt")),
        "A relative of a clip",
    ),
    Reply(TAG_ITEM, (Arg("tag", _S, "tag"), Arg("clips", _I, "clips that have it")), "One tag"),
    Reply(
        HISTORY_ITEM,
        (Arg("label", _S, "what was done"), Arg("undone", _I, "1 when it was taken back"),
         Arg("clips", _I, "clips it changed"), Arg("made", _I, "seconds since 1970", unit="s")),
        "One change of the library",
    ),
)  # fmt: skip
