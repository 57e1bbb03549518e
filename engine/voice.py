"""Voices: find them, check them, and know what they say of themselves.

A voice is one folder: voice.toml, model.safetensors (the weights, once), denoiser.onnx,
decoder.onnx, encoder.onnx (graphs that refer to those weights) and CARD.md. Nothing in it is
code; a broken or hostile folder gives VoiceError and nothing else.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import stat
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from engine.errors import VoiceError
from engine.voice_format import FORMAT, Codec, Conditioning, Network, Sampling, read_tables

__all__ = [
    "DESCRIPTION",
    "GRAPHS",
    "WEIGHTS",
    "Voice",
    "check_hashes",
    "find_voice",
    "find_voices",
    "load_voice",
    "read_voice_file",
    "voice_dirs",
]

DESCRIPTION = "voice.toml"
WEIGHTS = "model.safetensors"
GRAPHS = ("denoiser.onnx", "decoder.onnx", "encoder.onnx")

_LARGEST_DESCRIPTION_BYTES = 1 << 20
_LARGEST_GRAPH_BYTES = 64 << 20
_LARGEST_WEIGHTS_BYTES = 8 << 30
_SHIPPED = Path(__file__).parent / "voices"


@dataclass(frozen=True)
class Voice:
    """A checked voice folder.

    Attributes:
        folder: where it lies. name: what every door calls it. version: its maker's own.
        hash: sha256 of voice.toml, which holds the sha256 of everything else.
        licence: SPDX name of the weights' licence. recipe: the recipe that trained it.
        sample_rate: hertz of everything it makes. channels: 1 or 2.
        default_seconds, max_seconds: length of a clip when none is asked for, and at most.
    """

    folder: Path
    name: str
    version: str
    hash: str
    licence: str
    recipe: str
    description: str
    sample_rate: int
    channels: int
    default_seconds: float
    max_seconds: float
    codec: Codec
    sampling: Sampling
    conditioning: Conditioning
    denoiser: Network
    autoencoder: Network
    files: Mapping[str, str]

    def path(self, file: str) -> Path:
        """Where one of the voice's files lies."""
        return self.folder / file


def voice_dirs() -> tuple[Path, ...]:
    """Folders of voices: the user's own ($DRIFTWAVE_VOICES, else the data folder), the shipped."""
    named = os.environ.get("DRIFTWAVE_VOICES", "")
    own = [Path(part) for part in named.split(os.pathsep) if part]
    if not own:
        own = [platformdirs.user_data_path("driftwave") / "voices"]
    return (*own, _SHIPPED)


def find_voices(
    dirs: Iterable[Path] | None = None,
    on_broken: Callable[[Path, VoiceError], None] = lambda _folder, _error: None,
) -> list[Voice]:
    """Every voice below the given folders (default voice_dirs()), sorted by name.

    A name that occurs twice is the voice found first. A broken folder is told to on_broken and
    left out; a folder without voice.toml is no voice and is passed over, and so are voices that
    denoise (engine.denoising.voice).
    """
    found: dict[str, Voice] = {}
    for parent in voice_dirs() if dirs is None else dirs:
        for folder in _subfolders(parent):
            if not (folder / DESCRIPTION).exists() or _is_denoiser(folder):
                continue
            try:
                voice = load_voice(folder)
            except VoiceError as error:
                on_broken(folder, error)
            else:
                found.setdefault(voice.name, voice)
    return [found[name] for name in sorted(found)]


def find_voice(name: str, dirs: Iterable[Path] | None = None) -> Voice:
    """The voice of that name, or the voice folder of that path (when `name` holds a slash).

    Raises VoiceError that names the voices there are, and why a broken one is not among them.
    """
    if os.sep in name:
        return load_voice(Path(name))
    broken: dict[str, VoiceError] = {}
    voices = find_voices(dirs, lambda folder, error: broken.update({folder.name: error}))
    for voice in voices:
        if voice.name == name:
            return voice
    if name in broken:
        raise broken[name]
    names = [voice.name for voice in voices]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"installed: {', '.join(names) or 'none'}"
    raise VoiceError(f"no voice is called {name!r}; {hint}")


def load_voice(folder: Path) -> Voice:
    """Reads and checks a voice folder; every file's sha256 must be as voice.toml says.

    Raises VoiceError for anything that is missing, broken, too large, outside the folder, or
    made for a newer Driftwave.
    """
    text = read_voice_file(folder, DESCRIPTION)
    try:
        table = tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise VoiceError(f"{folder / DESCRIPTION} is not valid TOML: {error}") from None
    made_for = table.get("format")
    if isinstance(made_for, int) and made_for > FORMAT:
        raise VoiceError(
            f"voice {folder.name!r} has format {made_for}, this Driftwave reads {FORMAT}; "
            "update Driftwave"
        )
    tables = read_tables(table, str(folder / DESCRIPTION))
    voice = Voice(
        folder=folder,
        name=tables.name,
        version=tables.version,
        hash=hashlib.sha256(text).hexdigest(),
        licence=tables.licence,
        recipe=tables.recipe,
        description=tables.description,
        sample_rate=tables.audio.sample_rate,
        channels=tables.audio.channels,
        default_seconds=tables.audio.default_seconds,
        max_seconds=tables.audio.max_seconds,
        codec=tables.codec,
        sampling=tables.sampling,
        conditioning=tables.conditioning,
        denoiser=tables.denoiser,
        autoencoder=tables.autoencoder,
        files=tables.files,
    )
    check_hashes(folder, voice.files, {WEIGHTS, *GRAPHS})
    return voice


def check_hashes(folder: Path, files: Mapping[str, str], expected: Collection[str]) -> None:
    """Raises VoiceError unless ``files`` are exactly the expected, each with its sha256."""
    if set(files) != set(expected):
        raise VoiceError(
            f"{folder / DESCRIPTION} lists the files {sorted(files)}; "
            f"expected exactly {sorted(expected)}"
        )
    for file, expected_hash in files.items():
        limit = _LARGEST_WEIGHTS_BYTES if file == WEIGHTS else _LARGEST_GRAPH_BYTES
        found = _sha256(folder, file, limit)
        if found != expected_hash:
            raise VoiceError(
                f"{folder / file} is damaged: its sha256 is {found[:16]}…, voice.toml says "
                f"{expected_hash[:16]}…; install the voice again"
            )


def _is_denoiser(folder: Path) -> bool:
    """Whether the folder says that it is a voice of another kind; a broken one does not."""
    try:
        table = tomllib.loads(read_voice_file(folder, DESCRIPTION).decode("utf-8"))
    except (VoiceError, tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        return False
    return table.get("kind") == "denoiser"


def _subfolders(parent: Path) -> list[Path]:
    try:
        return sorted(folder for folder in parent.iterdir() if folder.is_dir())
    except OSError:
        return []  # a voices folder that is not there holds no voices


def _checked_size(folder: Path, file: str, limit: int) -> Path:
    """The path of a plain file of the folder (no link) no larger than `limit` bytes."""
    path = folder / file
    try:
        facts = path.lstat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise VoiceError(f"voice file {path} cannot be read: {reason}") from None
    if not stat.S_ISREG(facts.st_mode):
        raise VoiceError(f"voice file {path} is not a plain file; links are refused")
    if facts.st_size > limit:
        raise VoiceError(f"voice file {path} has {facts.st_size} bytes; at most {limit} are read")
    return path


def read_voice_file(folder: Path, file: str) -> bytes:
    """The bytes of a small plain file of a voice folder; VoiceError."""
    path = _checked_size(folder, file, _LARGEST_DESCRIPTION_BYTES)
    try:
        return path.read_bytes()
    except OSError as error:
        raise VoiceError(f"voice file {path} cannot be read: {error.strerror}") from None


def _sha256(folder: Path, file: str, limit: int) -> str:
    path = _checked_size(folder, file, limit)
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise VoiceError(f"voice file {path} cannot be read: {error.strerror}") from None
