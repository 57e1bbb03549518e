"""Stores finished clips beside the work, so that no sound waits for the disk."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

from engine.errors import StorageError
from engine.library.library import Library
from engine.types import Clip

log = logging.getLogger(__name__)

_WAITING_CLIPS = 32
"""Clips that may wait for the disk; then the worker waits, so memory stays bounded."""

Stored = Callable[[StorageError | None], None]


class ClipWriter:
    """One thread that adds clips to the library in order.

    Until a clip is stored, `find` returns it from memory. A clip that could not be stored
    stays findable among the last `_WAITING_CLIPS` ones, so that it can still be fetched.
    """

    def __init__(self, library: Library | None) -> None:
        self._library = library
        self._clips: queue.Queue[tuple[Clip, Stored] | None] = queue.Queue(_WAITING_CLIPS)
        self._lock = threading.Condition()
        self._pending: dict[str, Clip] = {}
        self._unstored: dict[str, Clip] = {}
        self._thread = threading.Thread(target=self._run, name="clip writer", daemon=True)
        self._thread.start()

    def keep(self, clip: Clip) -> None:
        """From now on `find` returns `clip`; `put` follows."""
        with self._lock:
            self._pending[clip.id] = clip

    def put(self, clip: Clip, stored: Stored) -> None:
        """Store a clip that is kept, then call `stored` with None or with what went wrong."""
        self._clips.put((clip, stored))

    def leave(self, clip: Clip) -> None:
        """A clip that was kept shall not be stored; it stays findable among the last such ones."""
        self._settled(clip, findable=True)

    def find(self, clip_id: str) -> Clip | None:
        """A clip that is not on disk (yet), or None."""
        with self._lock:
            return self._pending.get(clip_id) or self._unstored.get(clip_id)

    def wait(self, clip_id: str, timeout_s: float) -> None:
        """Wait until a clip is stored or given up; at once for any other clip."""
        with self._lock:
            self._lock.wait_for(lambda: clip_id not in self._pending, timeout_s)

    def settle(self, timeout_s: float) -> None:
        """Wait until every clip that is kept now is stored or given up."""
        with self._lock:
            now = set(self._pending)
            self._lock.wait_for(lambda: now.isdisjoint(self._pending), timeout_s)

    def close(self) -> None:
        """Store what waits, then end."""
        self._clips.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (item := self._clips.get()) is not None:
            clip, stored = item
            error = self._store(clip)
            self._settled(clip, findable=error is not None or self._library is None)
            try:
                stored(error)
            except Exception:
                log.exception("the notice about stored clip %s failed", clip.id)

    def _settled(self, clip: Clip, *, findable: bool) -> None:
        with self._lock:
            self._pending.pop(clip.id, None)
            if findable:
                self._unstored[clip.id] = clip
                while len(self._unstored) > _WAITING_CLIPS:
                    del self._unstored[next(iter(self._unstored))]
            self._lock.notify_all()

    def _store(self, clip: Clip) -> StorageError | None:
        if self._library is None:
            return None
        try:
            self._library.add(clip)
        except StorageError as error:
            log.error("clip %s is not in the library: %s", clip.id, error)
            return error
        except Exception as error:
            log.exception("clip %s is not in the library", clip.id)
            return StorageError(f"clip {clip.id}: not stored ({error})")
        return None
