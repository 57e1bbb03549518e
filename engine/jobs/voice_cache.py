"""Which voices exist, and which of them are in memory."""

from __future__ import annotations

import difflib
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import VoiceError

if TYPE_CHECKING:
    from engine.runtime import LoadedVoice, Runtime
    from engine.voice import Voice

log = logging.getLogger(__name__)

DEFAULT_MEMORY_BYTES = 2 * 2**30
"""Loaded voices beyond this are dropped, the least recently used first."""

RESCAN_S = 1.0
"""A name that is not known has the disk searched again at most this often."""

BrokenVoice = Callable[[Path, VoiceError], None]
FindVoices = Callable[[BrokenVoice], "Sequence[Voice]"]
"""Lists the usable voices and tells its argument about each broken folder."""

_MEMORY_PER_FILE_BYTE = 2.0
"""A loaded voice takes about twice its weights: the weights and the working buffers."""

_DESCRIPTION = "voice.toml"  # written last, whenever a voice is made anew


@dataclass(frozen=True)
class _Held:
    """A voice in memory, and the stamp that its folder had then."""

    loaded: LoadedVoice
    voice: Voice
    size_bytes: int
    stamp: int


class VoiceCache:
    """The voices of an engine.

    `find` lists the voices on disk and `open_runtime` opens the runtime; both are called
    late, so that making a cache costs nothing. `load` and `unload` belong to the one thread
    that owns the runtime; the rest may be called from any thread.
    """

    def __init__(
        self,
        find: FindVoices,
        open_runtime: Callable[[], Runtime],
        *,
        memory_bytes: int = DEFAULT_MEMORY_BYTES,
    ) -> None:
        self._find = find
        self._open_runtime = open_runtime
        self._memory_bytes = memory_bytes
        self._lock = threading.Lock()
        self._known: dict[str, Voice] = {}
        self._stamps: dict[str, int] = {}
        self._broken: dict[str, VoiceError] = {}
        self._searched = float("-inf")
        self._loaded: OrderedDict[str, _Held] = OrderedDict()
        self._runtime: Runtime | None = None

    def voices(self) -> list[Voice]:
        """Every usable voice on disk now, sorted by name; a new folder appears at once."""
        broken: dict[str, VoiceError] = {}
        found = {
            voice.name: voice
            for voice in self._find(lambda folder, error: broken.update({folder.name: error}))
        }
        with self._lock:
            for name in broken.keys() - self._broken.keys():
                log.warning("voice folder %s is left out: %s", name, broken[name])
            self._known, self._broken = found, broken
            self._stamps = {name: _stamp(voice) for name, voice in found.items()}
            self._searched = time.monotonic()
        return [found[name] for name in sorted(found)]

    def find(self, name: str) -> Voice:
        """The voice called `name`, as it is on disk now (one made anew is read anew).

        Raises VoiceError that names the nearest ones.
        """
        with self._lock:
            voice, stamp = self._known.get(name), self._stamps.get(name, 0)
        changed = voice is not None and _changed(voice, stamp)
        if voice is not None and not changed:
            return voice
        if changed or time.monotonic() - self._searched > RESCAN_S:
            self.voices()
        with self._lock:
            if name in self._known:
                return self._known[name]
            if name in self._broken:
                raise self._broken[name]
            raise VoiceError(_unknown_voice(name, sorted(self._known)))

    def loaded(self) -> tuple[str, ...]:
        """Names of the voices in memory, the most recently used last."""
        with self._lock:
            return tuple(self._loaded)

    def names(self) -> list[str]:
        """Names of the voices that the last search found, without searching again."""
        with self._lock:
            return sorted(self._known)

    def default_steps(self, name: str) -> int:
        """Sampler steps the voice is tuned for. Raises VoiceError."""
        return int(self.find(name).sampling.default_steps)

    @property
    def device(self) -> str:
        """Name of the runtime in use, empty before the first voice is loaded."""
        runtime = self._runtime
        return "" if runtime is None else str(runtime.name)

    def load(self, name: str) -> LoadedVoice:
        """The voice ready to generate, loaded if need be or if it was made anew. [worker thread]

        Raises VoiceError when it is unknown or broken, OutOfMemory when it does not fit.
        """
        with self._lock:
            held = self._loaded.get(name)
            if held is not None and not _changed(held.voice, held.stamp):
                self._loaded.move_to_end(name)
                return held.loaded
        voice = self.find(name)
        if self._runtime is None:
            self._runtime = self._open_runtime()
        size = int(folder_bytes(Path(voice.folder)) * _MEMORY_PER_FILE_BYTE)
        with self._lock:
            self._loaded.pop(name, None)
        self._make_room(size)
        stamp = _stamp(voice)
        loaded = self._runtime.load(voice)
        with self._lock:
            self._loaded[name] = _Held(loaded, voice, size, stamp)
        return loaded

    def unload(self, name: str) -> bool:
        """Drop a voice from memory; False when it was not there. [worker thread]"""
        with self._lock:
            self._known.pop(name, None)
            self._searched = float("-inf")
            return self._loaded.pop(name, None) is not None

    def clear(self) -> None:
        """Drop every voice. [worker thread]"""
        with self._lock:
            self._loaded.clear()

    def _make_room(self, size: int) -> None:
        with self._lock:
            total = sum(held.size_bytes for held in self._loaded.values())
            while self._loaded and total + size > self._memory_bytes:
                name, held = self._loaded.popitem(last=False)
                total -= held.size_bytes
                log.info("voice %s left memory to make room", name)


def folder_bytes(folder: Path) -> int:
    """Size of the files in a voice folder."""
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())


def _stamp(voice: Voice) -> int:
    """When the voice's folder was last made, in nanoseconds; 0 while it is not there."""
    try:
        return (Path(voice.folder) / _DESCRIPTION).stat().st_mtime_ns
    except OSError:
        return 0


def _changed(voice: Voice, stamp: int) -> bool:
    """Whether another voice lies in its folder now. One that is gone goes on from memory."""
    return _stamp(voice) not in (0, stamp)


def _unknown_voice(name: str, names: Sequence[str]) -> str:
    if not names:
        return (
            f"voice {name!r}: no voice is installed; put a voice folder into the user's voices "
            "directory (`driftwave doctor` says where)"
        )
    near = difflib.get_close_matches(name, names, n=1)
    guess = f"did you mean {near[0]!r}? " if near else ""
    return f"voice {name!r}: {guess}installed voices are {', '.join(names)}"
