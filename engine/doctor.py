"""`doctor`: checks everything an installation needs and says how to repair what is wrong."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from engine import __version__, console
from engine.config import Settings, config_dir, resolve
from engine.errors import AudioDeviceError, DriftwaveError, VoiceError
from engine.install import FOLDERS, launch_record
from engine.library.schema import SCHEMA_VERSION, stored_version
from engine.playback import open_sounddevice
from engine.voice import find_voices, voice_dirs

OK, WARNING, FAILURE = "ok", "warning", "failure"
_LOW_DISK_BYTES = 500 * 2**20


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: what was looked at, how it is, and what to do when it is not well."""

    name: str
    state: str
    finding: str
    remedy: str = ""


def check_python(settings: Settings) -> list[Check]:
    """The interpreter and the packages the engine needs."""
    version = platform.python_version()
    where = f"{version}, {platform.system()} {platform.machine()}"
    checks = [Check("python", OK, where)]
    for module in ("numpy", "onnxruntime", "soundfile", "soxr", "pythonosc"):
        found = importlib.util.find_spec(module) is not None
        if not found:
            checks.append(Check(module, FAILURE, "not installed", "run `make setup`"))
    return checks


def check_runtime(settings: Settings) -> list[Check]:
    """Whether the runtime for the chosen device opens."""
    try:
        from engine.runtime import open_runtime

        return [Check("runtime", OK, str(open_runtime(settings.device).name))]
    except DriftwaveError as error:
        return [Check("runtime", FAILURE, str(error), "try --device cpu")]
    except ImportError as error:
        return [Check("runtime", FAILURE, str(error), "run `make setup`")]


def check_voices(settings: Settings) -> list[Check]:
    """Every voice folder, with the hash of every file."""
    broken: list[tuple[Path, VoiceError]] = []
    voices = find_voices(None, lambda folder, error: broken.append((folder, error)))
    checks = [
        Check("voice", OK, f"{voice.name} {voice.version}, hashes right, {voice.folder}")
        for voice in voices
    ]
    checks += [
        Check("voice", FAILURE, f"{folder}: {error}", "install this voice again or remove it")
        for folder, error in broken
    ]
    if not voices:
        remedy = f"put a voice folder into {voice_dirs()[0]}, or train one with `driftwave train`"
        checks.append(Check("voice", FAILURE, "none installed", remedy))
    elif settings.voice not in {voice.name for voice in voices}:
        finding = f"the default voice {settings.voice!r} is not installed"
        checks.append(
            Check("voice", WARNING, finding, f"set `voice` in {config_dir()}/config.toml")
        )
    return checks


def check_plugins(settings: Settings) -> list[Check]:
    """Plugins in the user's folders, and the record by which they start the engine."""
    installed = [
        path
        for suffix, folder in FOLDERS.items()
        for path in sorted((Path.home() / folder).glob(f"*[Dd]riftwave*{suffix}"))
    ]
    checks = [Check("plugin", OK, str(path)) for path in installed]
    if not installed:
        checks.append(Check("plugin", WARNING, "none installed", "run `driftwave install`"))
    record = launch_record()
    try:
        program = record.read_text(encoding="utf-8").splitlines()[0]
    except (OSError, UnicodeDecodeError, IndexError):
        return [
            *checks,
            Check("launch record", WARNING, f"{record} is missing", "run `driftwave install`"),
        ]
    if shutil.which(program) is None:
        finding = f"{record} names {program}, which is gone"
        return [*checks, Check("launch record", FAILURE, finding, "run `driftwave install` again")]
    return [*checks, Check("launch record", OK, f"{record}: {program}")]


def check_rendezvous(settings: Settings) -> list[Check]:
    """The folder of the plugins' socket, and whether an engine answers there."""
    try:
        from bridge.link import socket_path
    except ImportError as error:
        return [Check("plugin link", FAILURE, f"bridge._native: {error}", "run `make setup`")]
    path = socket_path()
    folder = path.parent
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK | os.X_OK):
        remedy = "set DRIFTWAVE_RUNTIME_DIR to a folder of yours"
        return [Check("plugin link", FAILURE, f"{folder} is not writable", remedy)]
    running = "an engine runs" if _answers(path) else "no engine runs now"
    return [Check("plugin link", OK, f"{path}, {running}")]


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


def check_port(settings: Settings) -> list[Check]:
    """Whether the OSC port and the web port are free, which they are not while an engine runs."""
    return [
        _check_port("osc", socket.SOCK_DGRAM, "UDP", settings.osc_port),
        _check_port("web", socket.SOCK_STREAM, "TCP", settings.web_port),
    ]


def _check_port(name: str, kind: socket.SocketKind, transport: str, port: int) -> Check:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, kind is socket.SOCK_STREAM)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            finding = f"{transport} port {port}: {error.strerror}"
            remedy = f"fine while an engine runs; else stop that program or use --{name}-port"
            return Check(f"{name} port", WARNING, finding, remedy)
    return Check(f"{name} port", OK, f"{transport} port {port} is free")


def check_sound(settings: Settings) -> list[Check]:
    """Sound devices; only `generate --play` and the plugin host need one."""
    remedy = "needed only for --play and plugin_host outside a DAW"
    try:
        devices = open_sounddevice().query_devices()
    except AudioDeviceError as error:
        return [Check("sound", WARNING, str(error), remedy)]
    except Exception as error:
        # PortAudio reports a machine without a sound system in many ways.
        return [Check("sound", WARNING, f"no devices ({error})", remedy)]
    outputs = [device["name"] for device in devices if device["max_output_channels"] > 0]
    if not outputs:
        return [Check("sound", WARNING, "no output device", remedy)]
    return [Check("sound", OK, f"{len(outputs)} outputs: {', '.join(outputs[:3])}")]


def check_storage(settings: Settings) -> list[Check]:
    """Free space and the library, which is looked at and not changed."""
    folder = settings.library
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    checks = [Check("disk", OK, f"{free / 2**30:.1f} GiB free at {folder}")]
    if free < _LOW_DISK_BYTES:
        finding = f"{free / 2**20:.0f} MiB free at {folder}"
        checks = [Check("disk", WARNING, finding, "free disk space or choose another --library")]
    if not os.access(folder, os.W_OK):
        finding = f"{folder} is not writable"
        checks.append(Check("library", FAILURE, finding, "choose another folder with --library"))
    version = stored_version(settings.library / "library.sqlite3")
    if version > SCHEMA_VERSION:
        finding = f"{settings.library} is of version {version}, newer than {SCHEMA_VERSION}"
        checks.append(Check("library", FAILURE, finding, "update Driftwave"))
    else:
        state = "there" if version else "not made yet"
        checks.append(Check("library", OK, f"{settings.library}, {state}"))
    return checks


CHECKS: tuple[Callable[[Settings], list[Check]], ...] = (
    check_python,
    check_runtime,
    check_voices,
    check_plugins,
    check_rendezvous,
    check_port,
    check_sound,
    check_storage,
)


@click.command("doctor")
@console.library_option
@console.device_option
@console.json_option
def command(library: str | None, device: str | None, as_json: bool) -> int:
    """Check the installation and say how to repair it.

    Exit status 0 when nothing failed (warnings are allowed), else 1.
    """
    settings = resolve({"library": library, "device": device})
    checks = [check for examine in CHECKS for check in examine(settings)]
    failed = sum(check.state == FAILURE for check in checks)
    if as_json:
        rows = [asdict(check) for check in checks]
        console.print_json({"version": __version__, "failures": failed, "checks": rows})
    else:
        marks = {OK: "ok  ", WARNING: "warn", FAILURE: "FAIL"}
        for check in checks:
            click.echo(f"{marks[check.state]}  {check.name:14} {check.finding}")
            if check.remedy:
                click.echo(f"      {'':14} -> {check.remedy}")
    return 1 if failed else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return console.run(command, argv)


if __name__ == "__main__":
    sys.exit(main())
