"""Names of files: readable, safe on every system, and never those of another sound."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

from engine.audio_files import storage_error, sync_folder, write_durably
from engine.errors import StorageError
from engine.library.record import ClipRecord

_LONGEST_STEM = 60
_MOST_TRIES = 10_000


def stem_of(words: str, otherwise: str) -> str:
    """Letters, digits and hyphens from `words`, or `otherwise` when none are left."""
    slug = re.sub(r"[^\w]+", "-", words.lower()).strip("-_")[:_LONGEST_STEM].strip("-_")
    return slug or otherwise


def clip_stem(record: ClipRecord) -> str:
    """A clip's file name without suffix: its name or words, and eight digits of its id."""
    return f"{stem_of(record.name or record.prompt, record.voice or 'clip')}_{record.id[:8]}"


def write_new(folder: Path, stem: str, suffix: str, data: bytes) -> Path:
    """Write `data` as stem + suffix in `folder`; -2, -3 … follow the stem when it is taken.

    A file that already holds exactly this is kept and returned; another is never replaced,
    not even one that appears meanwhile. Raises StorageError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(folder, error) from error
    for path in _candidates(folder, stem, suffix):
        try:
            if path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
                return path
            if not os.path.lexists(path) and _put(path, data):
                return path
        except OSError as error:
            raise storage_error(path, error) from error
    raise StorageError(f"{folder}: {_MOST_TRIES} files are called {stem}; choose another folder")


def _candidates(folder: Path, stem: str, suffix: str) -> Iterator[Path]:
    yield folder / f"{stem}{suffix}"
    for number in range(2, _MOST_TRIES):
        yield folder / f"{stem}-{number}{suffix}"


def _put(path: Path, data: bytes) -> bool:
    """Write a file that does not exist yet; False when it appeared meanwhile."""
    # Several threads may write the same clip at once.
    own = f"{os.getpid()}.{threading.get_ident()}"
    temporary = path.with_name(f".{path.name}.{own}.tmp")
    spare = path.with_name(f".{path.name}.{own}.new")
    write_durably(temporary, spare, data)
    try:
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            return False
        except OSError:
            # No links on this disk (FAT): take the name first, then fill it.
            try:
                path.open("xb").close()
            except FileExistsError:
                return False
            temporary.replace(path)
        sync_folder(path.parent)
        return True
    finally:
        temporary.unlink(missing_ok=True)
