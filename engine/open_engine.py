"""Puts an engine together from settings: voices on disk, the runtime, and the library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.config import Settings
from engine.jobs import Engine
from engine.library import Library
from engine.voice import find_voices

if TYPE_CHECKING:
    from engine.runtime import Runtime


def open_engine(settings: Settings, library: Library | None) -> Engine:
    """An engine that loads its runtime when the first voice is needed."""

    def open_runtime() -> Runtime:
        from engine.runtime import open_runtime

        return open_runtime(settings.device)

    return Engine(
        lambda broken: find_voices(None, broken),
        open_runtime,
        library=library,
        memory_bytes=settings.memory_mb * 2**20,
    )
