"""`serve`: the engine that plugins and OSC controllers talk to."""

from __future__ import annotations

import json
import logging
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from types import FrameType
from typing import TYPE_CHECKING

import click

from engine import __version__, console
from engine.config import Settings, resolve
from engine.errors import PortError, UsageError, VoiceError
from engine.jobs import Engine, EngineStatus
from engine.library import Library
from engine.logs import start_logging
from engine.types import Clip

if TYPE_CHECKING:
    from bridge.link import LinkServer

log = logging.getLogger("engine.serve")

_LOAD_TIMEOUT_S = 600.0
_PUBLISH_S = 1.0


class Stopper:
    """Waits for a signal that ends the engine and says which exit status it means.

    A context manager: the signals are handled as before once it is left.
    """

    def __init__(self) -> None:
        self._stop = threading.Event()
        self.exit_code = 0
        self._before = {
            number: signal.signal(number, self._on_signal)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }

    def __enter__(self) -> Stopper:
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.exit_code = console.INTERRUPTED if number == signal.SIGINT else 0
        self._stop.set()
        # A second signal ends the process at once.
        signal.signal(number, signal.SIG_DFL)

    def wait(self, timeout_s: float) -> bool:
        """Wait for the signal; False when none came in time."""
        return self._stop.wait(timeout_s)


def run_serve(settings: Settings, voices: Sequence[str]) -> int:
    """Serve until a signal comes; returns the exit status.

    Raises PortError when another engine has the port or the socket, StorageError when the
    library cannot be used, VoiceError when a voice of `voices` cannot be loaded.
    """
    started = time.monotonic()
    with ExitStack() as stack:
        stopper = stack.enter_context(Stopper())
        library = stack.enter_context(Library(settings.library))
        from engine.open_engine import open_engine

        engine = open_engine(settings, library)
        stack.callback(engine.close)
        loading = _Loading(engine, voices or (settings.voice,), required=bool(voices))
        loading.start()
        doors = Doors(stack, engine, library, settings)
        # The engine closes first, so that the doors can still say what was cancelled.
        stack.callback(engine.close)
        loading.join()
        if loading.error is not None:
            raise loading.error
        _announce(settings, engine, library, doors, time.monotonic() - started)
        while not stopper.wait(_PUBLISH_S):
            doors.publish(engine.status())
        log.info("stopping")
    return stopper.exit_code


class _Loading(threading.Thread):
    """Loads the first voices while the doors open."""

    def __init__(self, engine: Engine, names: Sequence[str], *, required: bool) -> None:
        super().__init__(name="load voices", daemon=True)
        self.error: Exception | None = None
        self._engine = engine
        self._names = names
        self._required = required

    def run(self) -> None:
        """Load each voice; a missing one is an error only when it was asked for by name."""
        for name in self._names:
            try:
                self._engine.load_voice(name).result(_LOAD_TIMEOUT_S)
            except VoiceError as error:
                if self._required:
                    self.error = error
                    return
                log.warning("no sound yet: %s", error)
            except Exception as error:
                self.error = error
                return


class Doors:
    """The OSC port, the web port and the plugins' socket, open until `stack` closes.

    Raises PortError when another engine has one of them.
    """

    def __init__(
        self, stack: ExitStack, engine: Engine, library: Library, settings: Settings
    ) -> None:
        from bridge.net_access import AccessList
        from bridge.osc import OscPortError, OscServer
        from engine.doors.osc_door import OscDoor
        from engine.doors.stage_host import open_stage

        self._stage = open_stage(stack, engine, settings)
        door = OscDoor(
            engine,
            library,
            default_voice=settings.voice,
            exports=settings.exports,
            stage=self._stage,
        )
        stack.callback(door.close)
        self.host = "0.0.0.0" if settings.lan else "127.0.0.1"
        access = AccessList(lan=settings.lan, allow=settings.allow)
        self._osc = OscServer(
            self.host, settings.osc_port, door, version=__version__, access=access
        )
        try:
            self._osc.start()
        except OscPortError as error:
            raise PortError(str(error)) from None
        stack.callback(self._osc.stop)
        self._stage.tell(self._osc.dispatcher)
        self.port = self._osc.port
        self.web_port = self._open_web(stack, engine, settings)
        if settings.lan:
            self._announce_on_network(stack)
        self._link = self._open_link(stack, engine, settings)
        self.socket = "" if self._link is None else str(self._link.path)
        self._published = -1

    @property
    def sound(self) -> str:
        """The sound device that plays, or ""."""
        return self._stage.sound.device

    @property
    def page(self) -> str:
        """Address of the page, as it is typed into a browser."""
        from bridge.lan_address import lan_address

        host = self.host if self.host != "0.0.0.0" else lan_address() or "127.0.0.1"
        return f"http://{host}:{self.web_port}/"

    def publish(self, status: EngineStatus) -> None:
        """Tell the plugins how the engine keeps up, when something changed."""
        if self._link is not None and status.finished != self._published:
            self._published = status.finished
            self._link.publish(
                status.finished, round(status.p50_ms * 1000), round(status.p99_ms * 1000)
            )

    def _open_web(self, stack: ExitStack, engine: Engine, settings: Settings) -> int:
        from bridge.web import WebPortError, WebServer
        from engine.doors.web_door import WebDoor

        web = WebServer(self.host, settings.web_port, self._osc, WebDoor(engine))
        try:
            web.start()
        except WebPortError as error:
            raise PortError(str(error)) from None
        stack.callback(web.stop)
        return web.port

    def _announce_on_network(self, stack: ExitStack) -> None:
        """Let controllers find the engine by name, without making anybody wait for it."""
        from concurrent.futures import ThreadPoolExecutor
        from socket import gethostname

        from bridge.announce import Announcement
        from bridge.lan_address import lan_address

        address = self.host if self.host != "0.0.0.0" else lan_address()
        if not address:
            return
        name = f"Driftwave on {gethostname().split('.')[0]}"
        worker = stack.enter_context(ThreadPoolExecutor(1, "announce"))
        making = worker.submit(Announcement, name, address, self.port, self.web_port)
        stack.callback(lambda: making.result().close())

    def _open_link(self, stack: ExitStack, engine: Engine, settings: Settings) -> LinkServer | None:
        try:
            from bridge.link import BridgeError, LinkServer
        except ImportError as error:
            log.error("plugins cannot connect: bridge._native is missing (%s); `make setup`", error)
            return None
        from engine.doors.link_door import LinkDoor

        door = LinkDoor(engine, default_voice=settings.voice, announce=self._announce_clip)
        try:
            link = LinkServer(door)
        except BridgeError as error:
            raise PortError(str(error)) from None
        stack.callback(link.close)
        return link

    def _announce_clip(self, clip: Clip) -> None:
        self._osc.announce_clip(clip.id, clip.index, clip.seed, clip.seconds)


def _announce(
    settings: Settings,
    engine: Engine,
    library: Library,
    doors: Doors,
    seconds: float,
) -> None:
    """The ready banner: one line on stderr, in words or JSON."""
    status = engine.status()
    facts = {
        "osc_host": doors.host,
        "osc_port": doors.port,
        "web_port": doors.web_port,
        "page": doors.page,
        "socket": doors.socket,
        "audio": doors.sound,
        "version": __version__,
        "voices": list(status.loaded),
        "device": status.device,
        "library": str(library.folder),
        "clips": library.count(),
        "seconds": round(seconds, 3),
    }
    if settings.log_format == "json":
        console.note(json.dumps({"level": "info", "message": "ready", **facts}))
        return
    sound = f"{', '.join(status.loaded)} on {status.device}" if status.loaded else "no voice yet"
    console.note(
        f"driftwave {__version__} ready in {seconds:.2f} s: {sound}\n"
        f"  page     {doors.page}\n"
        f"  OSC      udp://{doors.host}:{doors.port}  (/drift/hello)\n"
        f"  plugins  {doors.socket or 'cannot connect'}\n"
        f"  sound    {doors.sound or 'off; --audio turns it on'}\n"
        f"  library  {library.folder}  ({facts['clips']} clips)\n"
        "  stop with Ctrl-C"
    )


@click.command("serve")
@click.option(
    "--osc-port", type=int, metavar="PORT", help="OSC port, UDP and TCP [default: 9630; 0 = any]."
)
@click.option(
    "--web-port", type=int, metavar="PORT", help="TCP port of the page [default: 9631; 0 = any]."
)
@click.option("--lan", is_flag=True, default=None, help="Let other machines in.")
@click.option(
    "--allow",
    multiple=True,
    metavar="ADDRESS",
    help="With --lan: let only this address or network in; repeatable.",
)
@click.option("--voice", "voices", multiple=True, metavar="NAME", help="Voice to load; repeatable.")
@console.device_option
@console.library_option
@click.option(
    "--audio",
    is_flag=False,
    flag_value="default",
    metavar="[DEVICE]",
    help="Play the slots on a sound device, by index or part of its name.",
)
@click.option(
    "--audio-block", type=int, metavar="FRAMES", help="Frames a callback [default: the device's]."
)
@click.option(
    "--midi",
    metavar="auto|all|off|NAME",
    help="MIDI ports by part of their name [default: all inputs, with --audio].",
)
@click.option("--session", metavar="DIR", help="Folder that keeps what is on the stage.")
@click.option("--list-devices", is_flag=True, help="List the sound devices and end.")
@click.option("--log-format", metavar="text|json", help="Log on stderr [default: text].")
def command(
    osc_port: int | None,
    web_port: int | None,
    lan: bool | None,
    allow: tuple[str, ...],
    voices: tuple[str, ...],
    device: str | None,
    library: str | None,
    audio: str | None,
    audio_block: int | None,
    midi: str | None,
    session: str | None,
    list_devices: bool,
    log_format: str | None,
) -> int:
    """Run the engine that plugins and OSC controllers talk to.

    The first --voice is the one used when a request names none.
    """
    settings = resolve(
        {
            "osc_port": osc_port,
            "web_port": web_port,
            "lan": lan,
            "allow": allow or None,
            "voice": voices[0] if voices else None,
            "device": device,
            "library": library,
            "audio": audio,
            "audio_block": audio_block,
            "midi": midi,
            "session": session,
            "log_format": log_format,
        }
    )
    if allow and not settings.lan:
        raise UsageError(f"--allow {allow[0]} without --lan: add --lan to let other machines in")
    start_logging(settings.log_format, settings.log_level)
    if list_devices:
        from engine.doors.stage_host import list_devices as describe

        click.echo(describe())
        return 0
    return run_serve(settings, voices)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return console.run(command, argv)


if __name__ == "__main__":
    sys.exit(main())
