"""What an adaptation has done so far, on disk: so that the same command goes on after a kill."""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import Busy, UsageError
from engine.training.checkpoint import replace_file
from engine.training.oneshots import sound_files
from engine.voice import Voice

STATE = "adaptation.json"
_FORMAT = 1
_OURS = ("denoiser", "decoder", "previews", "voice")
_FILES = (
    STATE, "latents.npz", "sounds.npz", "start.safetensors", "codec.safetensors",
    "report.json", "report.md", "report.png",
)  # fmt: skip
_LOCK = ".lock"


@dataclass(frozen=True)
class State:
    """key: what the run is of. spent: seconds of each finished stage. facts: what they found."""

    key: str
    spent: dict[str, float] = dataclasses.field(default_factory=dict)
    facts: dict[str, Any] = dataclasses.field(default_factory=dict)

    def after(self, stage: str, seconds: float, facts: dict[str, Any]) -> State:
        """This and one more stage that is over."""
        return State(self.key, {**self.spent, stage: round(seconds, 2)}, {**self.facts, **facts})


def key_of(folder: Path, base: Voice, name: str) -> str:
    """A hash of the sound files (names, sizes, times), the base voice and the new name."""
    digest = hashlib.sha256(f"{_FORMAT}:{base.hash}:{name}:".encode())
    for file in sound_files(folder):
        facts = (folder / file).stat()
        digest.update(f"{file}:{facts.st_size}:{facts.st_mtime_ns};".encode())
    return digest.hexdigest()


def read_state(out: Path, key: str, again: bool) -> State:
    """The state of the run in ``out``: the stored one when it is of the same sounds and voice.

    again: what is there is removed first. Raises UsageError for a folder that holds something
    else, or a run of other sounds.
    """
    path = out / STATE
    if not path.exists():
        strange = [p.name for p in out.iterdir() if p.name != _LOCK] if out.is_dir() else []
        if strange:
            raise UsageError(
                f"{out} holds {strange[0]!r}, but no adaptation; choose another folder by --out"
            )
        return State(key)
    if again:
        _clear(out)
        return State(key)
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        state = State(str(table["key"]), dict(table["spent"]), dict(table["facts"]))
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise UsageError(f"{path} cannot be read ({error}); begin anew with --again") from None
    if state.key != key:
        raise UsageError(
            f"{out} holds an adaptation of other sounds, or of another voice, than now asked for "
            "(files changed since it began?); begin anew with --again, or choose another --out"
        )
    return state


def write_state(out: Path, state: State) -> None:
    """Write the state in one step. Raises StorageError."""
    text = json.dumps(dataclasses.asdict(state), indent=1) + "\n"
    replace_file(out / STATE, lambda file: file.write(text.encode()))


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Hold the run's folder; Busy when another process adapts there now."""
    out.mkdir(parents=True, exist_ok=True)
    with (out / _LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Busy(f"another process adapts in {out}; wait for it or stop it") from None
        yield


def _clear(out: Path) -> None:
    """Remove what a run wrote: its folders and its files, nothing below other names."""
    for name in _OURS:
        shutil.rmtree(out / name, ignore_errors=True)
    for name in _FILES:
        (out / name).unlink(missing_ok=True)
