"""Settings: flags before DRIFTWAVE_* variables before config.toml before defaults."""

from __future__ import annotations

import difflib
import ipaddress
import logging
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

import platformdirs

from engine.errors import UsageError

log = logging.getLogger(__name__)

APP = "driftwave"
PREFIX = "DRIFTWAVE_"
PATH_VARIABLES = ("CONFIG_DIR", "RUNTIME_DIR", "VOICES")
"""Variables of this prefix that are folders read elsewhere, not settings."""

DEVICES = ("auto", "cpu", "cuda")
LOG_FORMATS = ("text", "json")
LOG_LEVELS = ("debug", "info", "warning", "error")


def config_dir() -> Path:
    """Folder of config.toml and the launch record: $DRIFTWAVE_CONFIG_DIR or the user's own."""
    chosen = os.environ.get(PREFIX + "CONFIG_DIR")
    return Path(chosen) / APP if chosen else Path(platformdirs.user_config_dir(APP))


def data_dir() -> Path:
    """Folder of the user's clips and voices."""
    return Path(platformdirs.user_data_dir(APP))


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, resolved.

    Attributes:
        voice: voice used when a request names none.
        device: where voices run.
        library: folder of the clips.
        exports: folder for exported files when none is named.
        osc_port: UDP and TCP port of the OSC door, 0 for any free one.
        web_port: TCP port of the page, OSCQuery and WebSockets, 0 for any free one.
        lan: whether other machines may reach them.
        allow: with `lan`, the only addresses and networks that may; none: every local one.
        audio: sound device for the slots: off, default, an index, or part of a name.
        audio_block: frames a callback of it, 0 for its own choice.
        midi: MIDI ports to open: auto (all inputs, where there is sound), all, off, or part of a
            name.
        session: folder that keeps what is on the stage.
        log_format, log_level: of the log on stderr.
        memory_mb: most memory for loaded voices.
    """

    voice: str = "drums"
    device: str = "auto"
    library: Path = field(default_factory=lambda: data_dir() / "library")
    exports: Path = field(default_factory=lambda: Path(platformdirs.user_music_dir()) / "Driftwave")
    osc_port: int = 9630
    web_port: int = 9631
    lan: bool = False
    allow: tuple[str, ...] = ()
    audio: str = "off"
    audio_block: int = 0
    midi: str = "auto"
    session: Path = field(default_factory=lambda: data_dir() / "session")
    log_format: str = "text"
    log_level: str = "info"
    memory_mb: int = 2048


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("text that is not empty")
    return value


def _folder(value: object) -> Path:
    if isinstance(value, Path):
        return value.expanduser()
    return Path(_text(value)).expanduser()


def _switch(value: object) -> bool:
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise ValueError("true or false")


def _addresses(value: object) -> tuple[str, ...]:
    entries = value.replace(",", " ").split() if isinstance(value, str) else value
    wanted = ValueError("IPv4 addresses or networks such as 192.168.1.20 or 192.168.1.0/24")
    if not isinstance(entries, list | tuple):
        raise wanted
    try:
        return tuple(str(ipaddress.IPv4Network(entry, strict=False)) for entry in entries)
    except (ValueError, TypeError):
        raise wanted from None


def _whole(low: int, high: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        wanted = ValueError(f"a whole number from {low} to {high}")
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise wanted
        try:
            number = int(value)
        except ValueError:
            raise wanted from None
        if not low <= number <= high:
            raise wanted
        return number

    return read


def _one_of(*choices: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if value not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return str(value)

    return read


_READERS: Mapping[str, Callable[[object], object]] = {
    "voice": _text,
    "device": _one_of(*DEVICES),
    "library": _folder,
    "exports": _folder,
    "osc_port": _whole(0, 65_535),
    "web_port": _whole(0, 65_535),
    "lan": _switch,
    "allow": _addresses,
    "audio": _text,
    "audio_block": _whole(0, 8192),
    "midi": _text,
    "session": _folder,
    "log_format": _one_of(*LOG_FORMATS),
    "log_level": _one_of(*LOG_LEVELS),
    "memory_mb": _whole(64, 1_048_576),
}


def resolve(
    flags: Mapping[str, object] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Settings:
    """The settings in force; a flag that is None was not given.

    Raises UsageError for an unknown key or a wrong value, naming where it stands.
    """
    values: dict[str, object] = {}
    for where, source in (
        *_from_file(config_dir() / "config.toml" if file is None else file),
        *_from_environment(os.environ if environ is None else environ),
        *((f"--{key.replace('_', '-')}", {key: value}) for key, value in (flags or {}).items()),
    ):
        for key, value in source.items():
            if value is not None:
                values[key] = _read(where, key, value)
    return Settings(**values)  # type: ignore[arg-type]


def _read(where: str, key: str, value: object) -> object:
    try:
        return _READERS[key](value)
    except ValueError as error:
        raise UsageError(f"{where}: {key} is {value!r}, expected {error}") from None


def _from_file(path: Path) -> list[tuple[str, dict[str, object]]]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(
            f"{path}: cannot be read as TOML ({error}); correct or remove it"
        ) from None
    for key in values:
        if key not in _READERS:
            raise UsageError(f"{path}: unknown key {key!r}; {_suggestion(key)}")
    return [(str(path), values)]


def _from_environment(environ: Mapping[str, str]) -> list[tuple[str, dict[str, object]]]:
    found: list[tuple[str, dict[str, object]]] = []
    for name, value in environ.items():
        key = name.removeprefix(PREFIX)
        if key == name or key in PATH_VARIABLES:
            continue
        if key.lower() in _READERS and key.isupper():
            found.append((name, {key.lower(): value}))
        elif _nearest(key.lower()):
            raise UsageError(f"{name}: unknown variable; {_suggestion(key.lower(), PREFIX)}")
        else:
            log.debug("%s is not a setting and is left alone", name)
    return found


def _nearest(key: str) -> str:
    names = [item.name for item in fields(Settings)]
    names += [name.lower() for name in PATH_VARIABLES]
    near = difflib.get_close_matches(key, names, n=1, cutoff=0.75)
    return near[0] if near else ""


def _suggestion(key: str, prefix: str = "") -> str:
    near = _nearest(key)
    if near:
        return f"did you mean {prefix + near.upper() if prefix else near!r}?"
    return f"expected one of {', '.join(_READERS)}"
