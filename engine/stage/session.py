"""What is on the stage, kept on disk all the time: after a crash the next start has everything.

`session.json` names the sounds, which lie beside it in `sounds/` under the hash of their samples.
Sounds are written first and the file that names them last, each durably; so at every moment there
is one whole session. It needs no clip of the library.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Mapping as Table
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from engine.audio_files import decode, encode, storage_error, write_durably
from engine.errors import DriftwaveError
from engine.stage.midi_map import Mapping
from engine.stage.slots import Slot, SlotSound

log = logging.getLogger(__name__)

VERSION: Final = 1
_FILE: Final = "session.json"
_PREVIOUS: Final = "session.previous.json"


@dataclass(frozen=True, slots=True)
class Session:
    """Everything that a stage remembers.

    Attributes:
        slots: in order, as they are.
        controls: name -> number.
        mappings: what MIDI moves.
        snapshots: name -> control -> number.
        ports: parts of the names of MIDI ports to open.
        stream: words of the stream's prompts.
    """

    slots: tuple[Slot, ...] = ()
    controls: Table[str, float] = field(default_factory=dict)
    mappings: tuple[Mapping, ...] = ()
    snapshots: Table[str, Table[str, float]] = field(default_factory=dict)
    ports: tuple[str, ...] = ()
    stream: tuple[str, ...] = ()


class SessionStore:
    """One folder with one session. One thread at a time; one process: the first that opens it."""

    def __init__(self, folder: Path) -> None:
        """Make the folder. Raises StorageError."""
        self.folder = folder
        self._sounds = folder / "sounds"
        self._written: set[str] = set()
        try:
            self._sounds.mkdir(parents=True, exist_ok=True)
            self._lock = (folder / "lock").open("a")
        except OSError as error:
            raise storage_error(folder, error) from None
        self.mine = _try_lock(self._lock.fileno())

    def close(self) -> None:
        """Let another process have it."""
        self._lock.close()

    def load(self) -> Session:
        """The session on disk; an empty one when there is none or it cannot be used.

        What cannot be used is put aside, never overwritten.
        """
        path = self.folder / _FILE
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            if raw["version"] > VERSION:
                raise ValueError(f"it was saved by a newer Driftwave (version {raw['version']})")
            session = self._read(raw)
        except FileNotFoundError:
            return Session()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            aside = path.with_name(f"session.broken.{int(path.stat().st_mtime)}.json")
            if self.mine:
                path.replace(aside)
            log.warning("the last session cannot be used (%s); it is kept as %s", error, aside)
            return Session()
        if self.mine:
            with contextlib.suppress(OSError):
                shutil.copyfile(path, self.folder / _PREVIOUS)
            self._sweep()
        return session

    def save(self, session: Session) -> None:
        """Put a session in place of the last one. Raises StorageError; the last one then stays."""
        if not self.mine:
            return
        slots = [self._slot_fields(slot) for slot in session.slots]
        text = json.dumps(
            {
                "version": VERSION,
                "slots": slots,
                "controls": dict(session.controls),
                "mappings": [asdict(mapping) for mapping in session.mappings],
                "snapshots": {name: dict(values) for name, values in session.snapshots.items()},
                "ports": list(session.ports),
                "stream": list(session.stream),
            },
            indent=1,
            ensure_ascii=False,
        )
        self._write(self.folder / _FILE, text.encode())

    def _slot_fields(self, slot: Slot) -> dict[str, object]:
        fields: dict[str, object] = {
            "prompt": slot.prompt,
            "negative": slot.negative,
            "voice": slot.voice,
            "seed": slot.seed,
            "note": slot.note,
        }
        if slot.sound is not None:
            fields["sound"] = {
                "file": self._keep(slot.sound),
                "clip": slot.sound.id,
                "prompt": slot.sound.prompt,
            }
        return fields

    def _keep(self, sound: SlotSound) -> str:
        """Name of the sound's file, written if it is not there yet."""
        digest = hashlib.sha256(sound.audio.tobytes())
        digest.update(str((sound.sample_rate, sound.audio.shape)).encode())
        name = f"{digest.hexdigest()[:32]}.flac"
        if name not in self._written:
            path = self._sounds / name
            if not path.exists():
                self._write(path, encode(sound.audio, sound.sample_rate, form="flac"))
            self._written.add(name)
        return name

    def _write(self, path: Path, data: bytes) -> None:
        temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        temporary.unlink(missing_ok=True)
        write_durably(path, temporary, data)

    def _read(self, raw: dict[str, Any]) -> Session:
        return Session(
            slots=tuple(self._read_slot(fields) for fields in raw["slots"]),
            controls={str(name): float(value) for name, value in raw["controls"].items()},
            mappings=tuple(Mapping(**fields) for fields in raw["mappings"]),
            snapshots={
                str(name): {str(key): float(value) for key, value in values.items()}
                for name, values in raw["snapshots"].items()
            },
            ports=tuple(map(str, raw["ports"])),
            stream=tuple(map(str, raw.get("stream", ()))),  # older sessions have none
        )

    def _read_slot(self, fields: dict[str, Any]) -> Slot:
        return Slot(
            prompt=str(fields["prompt"]),
            negative=str(fields["negative"]),
            voice=str(fields["voice"]),
            seed=int(fields["seed"]),
            note=int(fields["note"]),
            sound=self._read_sound(fields["sound"]) if "sound" in fields else None,
        )

    def _read_sound(self, fields: dict[str, Any]) -> SlotSound | None:
        """A sound; None with a warning when its file is gone: the rest of the session stands."""
        name = Path(str(fields["file"])).name
        try:
            audio, sample_rate, _ = decode((self._sounds / name).read_bytes())
        except (OSError, DriftwaveError) as error:
            log.warning("a sound of the last session is lost: %s (%s)", name, error)
            return None
        self._written.add(name)
        return SlotSound(str(fields["clip"]), str(fields["prompt"]), audio, sample_rate)

    def _sweep(self) -> None:
        """Remove sounds that neither this session nor the one before it names."""
        named = set(self._written)
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            raw = json.loads((self.folder / _PREVIOUS).read_text(encoding="utf-8"))
            named |= {slot["sound"]["file"] for slot in raw["slots"] if "sound" in slot}
        for path in self._sounds.iterdir():
            if path.name not in named:
                path.unlink(missing_ok=True)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
