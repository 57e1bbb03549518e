"""The library's folders: how a clip's file gets to its place and survives any interruption.

A clip is written to `incoming/` under a temporary name, flushed and renamed to
`incoming/<id>.flac`; from then on it exists. After its row is in the database it moves to
`clips/<first two digits>/`. A deleted clip lies in `trash/`. After a crash only `incoming/`
and `trash/` need a look.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from engine.audio_files import storage_error, write_durably

_DAY_S = 86_400.0
_SUFFIX = ".flac"


class ClipFiles:
    """Where the FLAC files of one library are. Any thread, any number of processes."""

    def __init__(self, root: Path) -> None:
        """Make the folders below `root`; raises StorageError when that is impossible."""
        self.root = root
        self.incoming = root / "incoming"
        self.clips = root / "clips"
        self.bin = root / "trash"
        self.damaged = root / "damaged"
        try:
            for folder in (self.incoming, self.clips, self.bin, self.damaged):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise storage_error(root, error) from error

    def write(self, clip_id: str, data: bytes) -> None:
        """Store a clip's file durably in `incoming/`; raises StorageError."""
        temporary = self.incoming / f"{clip_id}.{os.getpid()}.tmp"
        write_durably(self.incoming / (clip_id + _SUFFIX), temporary, data)

    def settle(self, clip_id: str) -> None:
        """Move a clip's file to its place once its row is stored; nothing if it is there."""
        self._move(clip_id, self._home(clip_id))

    def discard(self, clip_id: str) -> None:
        """Move a clip's file to the trash."""
        self._move(clip_id, self.bin / (clip_id + _SUFFIX))

    def set_aside(self, clip_id: str) -> None:
        """Keep a file that cannot be read, out of the way."""
        self._move(clip_id, self.damaged / (clip_id + _SUFFIX))

    def erase(self, clip_id: str) -> None:
        """Remove a clip's file for good."""
        path = self.find(clip_id)
        if path is not None:
            path.unlink(missing_ok=True)

    def find(self, clip_id: str) -> Path | None:
        """The file of a clip, wherever an interruption may have left it."""
        name = clip_id + _SUFFIX
        for path in (self._home(clip_id), self.incoming / name, self.bin / name):
            if path.exists():
                return path
        return None

    def waiting(self) -> list[str]:
        """Ids of clips in `incoming/`: complete files whose row may be missing."""
        return sorted(path.stem for path in self.incoming.glob("*" + _SUFFIX))

    def discarded(self) -> list[str]:
        """Ids of clips whose file is in the trash."""
        return sorted(path.stem for path in self.bin.glob("*" + _SUFFIX))

    def everything(self) -> Iterator[str]:
        """Ids of every clip that has a file; used to rebuild a lost database."""
        yield from (path.stem for path in self.clips.glob("*/*" + _SUFFIX))
        yield from self.waiting()

    def drop_temporaries(self) -> int:
        """Remove half-written files of processes that no longer run; returns how many."""
        dropped = 0
        for path in self.incoming.glob("*.tmp"):
            with contextlib.suppress(OSError, ValueError):
                pid = int(path.suffixes[-2][1:])
                old = time.time() - path.stat().st_mtime > _DAY_S
                if old or not process_runs(pid):
                    path.unlink()
                    dropped += 1
        return dropped

    def _home(self, clip_id: str) -> Path:
        return self.clips / clip_id[:2] / (clip_id + _SUFFIX)

    def _move(self, clip_id: str, target: Path) -> None:
        source = self.find(clip_id)
        if source is None or source == target:
            return
        try:
            target.parent.mkdir(exist_ok=True)
            # Another process may settle the same clip at the same moment.
            with contextlib.suppress(FileNotFoundError):
                source.replace(target)
        except OSError as error:
            raise storage_error(target, error) from error


def process_runs(pid: int) -> bool:
    """Whether a process with this id exists on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
