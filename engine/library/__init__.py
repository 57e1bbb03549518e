"""Clips on disk, and what is remembered about them."""

from engine.library.library import Library, Recovery, check_id
from engine.library.record import ClipRecord, record_fields, record_json, record_of

__all__ = [
    "ClipRecord",
    "Library",
    "Recovery",
    "check_id",
    "record_fields",
    "record_json",
    "record_of",
]
