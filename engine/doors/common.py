"""What the doors share: names of exported files and of devices."""

from __future__ import annotations

from pathlib import Path

from engine.errors import BadRange


def chosen_export_path(folder: Path, path: str) -> Path:
    """The file a client named, relative to the export folder; raises BadRange if it exists."""
    chosen = folder / Path(path).expanduser()
    if chosen.exists():
        raise BadRange(f"{chosen} exists: expected a new file name")
    return chosen


def device_name(runtime: str) -> str:
    """`cpu` or `cuda` from a runtime's own name; empty while none is open."""
    if not runtime:
        return ""
    return "cuda" if "cuda" in runtime.lower() else "cpu"
