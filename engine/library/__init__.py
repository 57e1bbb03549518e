"""Clips on disk, and what is remembered about them."""

from engine.library.export import Wanted
from engine.library.history import Step
from engine.library.library import Library
from engine.library.lineage import Family, Relative
from engine.library.record import ClipRecord, record_fields, record_json, record_of
from engine.library.recovery import Recovery
from engine.library.rows import check_id
from engine.library.search import Search

__all__ = [
    "ClipRecord",
    "Family",
    "Library",
    "Recovery",
    "Relative",
    "Search",
    "Step",
    "Wanted",
    "check_id",
    "record_fields",
    "record_json",
    "record_of",
]
