"""Puts an engine together from settings: voices on disk, the runtime, and the library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.config import Settings
from engine.jobs import Engine
from engine.jobs.voice_cache import BrokenVoice
from engine.library import Library
from engine.voice import Voice, find_voices

if TYPE_CHECKING:
    from engine.runtime import Runtime


def open_engine(
    settings: Settings, library: Library | None, *, extra: Sequence[Voice] = ()
) -> Engine:
    """An engine that loads its runtime when the first voice is needed.

    `extra` voices are known besides the installed ones and go before those of the same name.
    """

    def open_runtime() -> Runtime:
        from engine.runtime import open_runtime

        return open_runtime(settings.device)

    def find(broken: BrokenVoice) -> list[Voice]:
        named = {voice.name: voice for voice in (*find_voices(None, broken), *extra)}
        return list(named.values())

    return Engine(
        find,
        open_runtime,
        library=library,
        memory_bytes=settings.memory_mb * 2**20,
    )
