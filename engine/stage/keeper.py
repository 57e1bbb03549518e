"""Saves the stage's session after every change, within a second, and puts it back at the start."""

from __future__ import annotations

import logging
import threading
from typing import Final

from engine.errors import DriftwaveError, StorageError
from engine.stage.session import Session, SessionStore
from engine.stage.slots import SlotSound, SlotWatcher
from engine.stage.sound import SLOTS
from engine.stage.stage import Stage
from engine.stage.stream import StreamWatcher

log = logging.getLogger(__name__)

_GATHER_S: Final = 0.25
"""A fader that moves is saved so often."""


class SessionKeeper(SlotWatcher, StreamWatcher):
    """Watches a stage and keeps its session in a store, on a thread of its own."""

    def __init__(self, stage: Stage, store: SessionStore) -> None:
        self._stage = stage
        self._store = store
        self._changed = threading.Event()
        self._closing = threading.Event()
        self._failed = False
        if not store.mine:
            log.warning(
                "another engine keeps the session in %s; what is on this stage is not saved "
                "(choose another folder with $DRIFTWAVE_SESSION)",
                store.folder,
            )
        self._thread = threading.Thread(target=self._run, name="session", daemon=True)

    def load(self) -> Session:
        """The session on disk; an empty one for an engine that does not keep it."""
        return self._store.load() if self._store.mine else Session()

    def restore(self, session: Session) -> str:
        """Put a session on the stage; returns what came back, in words, "" for nothing."""
        stage = self._stage
        for number, slot in enumerate(session.slots[:SLOTS], start=1):
            stage.slots.edit(
                number,
                prompt=slot.prompt,
                negative=slot.negative,
                voice=slot.voice,
                seed=slot.seed,
                note=slot.note,
            )
            if slot.sound is not None:
                stage.slots.put(number, slot.sound)
        for name, value in session.controls.items():
            try:
                stage.controls.set(name, value)
            except DriftwaveError as error:
                log.info("session: %s is left alone: %s", name, error)
        stage.stream.restore(session.stream)
        stage.midi.map.restore(session.mappings)
        stage.snapshots.restore(session.snapshots)
        stage.ports.want(session.ports)
        counts = {
            "sound": sum(slot.sound is not None for slot in session.slots),
            "MIDI mapping": len(session.mappings),
            "snapshot": len(session.snapshots),
        }
        parts = [f"{n} {word}{'s' if n > 1 else ''}" for word, n in counts.items() if n]
        return ", ".join(parts)

    def start(self) -> None:
        """Save from now on, whatever changes."""
        self._stage.controls.watch(lambda *_: self._changed.set())
        self._stage.slots.watch(self)
        self._stage.stream.watch(self)
        self._stage.midi.map.watch(lambda _: self._changed.set())
        self._stage.snapshots.watch(self._changed.set)
        self._thread.start()

    def touch(self) -> None:
        """Something else has changed, such as which MIDI ports are wanted."""
        self._changed.set()

    def close(self) -> None:
        """Save what is not saved yet, and end."""
        self._closing.set()
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join()
        self._store.close()

    def slot_changed(self, slot: int, sound: SlotSound | None) -> None:
        """A slot has another sound."""
        self._changed.set()

    def slot_edited(self, slot: int, field: str, origin: object) -> None:
        """A slot shall sound otherwise next time."""
        self._changed.set()

    def stream_words(self, number: int, origin: object) -> None:
        """The stream shall say something else."""
        self._changed.set()

    def session(self) -> Session:
        """The stage as it is now."""
        return Session(
            slots=tuple(self._stage.slots[number] for number in range(1, SLOTS + 1)),
            controls=self._stage.controls.kept(),
            mappings=tuple(self._stage.midi.map.mappings()),
            snapshots=self._stage.snapshots.saved(),
            ports=tuple(name for name in self._stage.ports.wanted if name),
            stream=self._stage.stream.words,
        )

    def _run(self) -> None:
        while not self._closing.is_set():
            self._changed.wait()
            self._changed.clear()
            self._save()
            self._closing.wait(_GATHER_S)
        self._save()

    def _save(self) -> None:
        try:
            self._store.save(self.session())
        except StorageError as error:
            if not self._failed:
                log.error("the session is not saved: %s", error)
            self._failed = True
        else:
            self._failed = False
