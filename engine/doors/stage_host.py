"""Opens the stage: its sound from plugin_host, its methods for the OSC door."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import Final

from engine.config import Settings
from engine.doors.stage_door import StageDoor
from engine.errors import AudioDeviceError
from engine.jobs import Engine
from engine.stage import Sound, Stage
from engine.stage.keeper import SessionKeeper
from engine.stage.session import SessionStore
from engine.stage.silent import SilentSound

log = logging.getLogger("engine.stage")

OFF: Final = "off"
DEFAULT: Final = "default"
ALL: Final = "all"
AUTO: Final = "auto"
_NO_NATIVE: Final = "no sound output: bridge._native is missing (%s); run `make setup`"


def open_stage(stack: ExitStack, engine: Engine, settings: Settings) -> StageDoor:
    """The stage and its door, with the last session on it, open until `stack` closes.

    Raises AudioDeviceError when `settings.audio` names a device that cannot be played on, and
    StorageError when the session's folder cannot be used.
    """
    stage = Stage(engine, _open_sound(stack, settings), default_voice=settings.voice)
    stack.callback(stage.close)
    _open_midi(stack, stage, settings)
    keeper = SessionKeeper(stage, SessionStore(settings.session))
    stack.callback(keeper.close)
    restored = keeper.restore(keeper.load())
    if restored:
        log.info("back from the last session: %s", restored)
    keeper.start()
    door = StageDoor(stage, keeper)
    stack.callback(door.close)
    return door


def _open_midi(stack: ExitStack, stage: Stage, settings: Settings) -> None:
    if settings.midi == OFF:
        return
    try:
        from plugin_host.midi_ports import MidiPorts
    except ImportError:
        return  # without bridge._native there is nothing to play
    ports = MidiPorts(stage.midi.receive, log.info)
    stack.callback(ports.close)
    stage.ports = ports
    if settings.midi == ALL or (settings.midi == AUTO and settings.audio != OFF):
        ports.want([""])
    elif settings.midi != AUTO:
        ports.want([settings.midi])


def list_devices() -> str:
    """The devices that can play, one a line. Raises AudioDeviceError without PortAudio."""
    from plugin_host.devices import list_outputs
    from plugin_host.errors import HostError

    try:
        return list_outputs()
    except HostError as error:
        raise AudioDeviceError(str(error)) from None


def _open_sound(stack: ExitStack, settings: Settings) -> Sound:
    try:
        from plugin_host.errors import HostError
        from plugin_host.stage_sound import StageSound
    except ImportError as error:
        if settings.audio != OFF:
            raise AudioDeviceError(_NO_NATIVE % error) from None
        log.error(_NO_NATIVE, error)
        return SilentSound(_NO_NATIVE % error)
    sound = StageSound(log.warning)
    stack.callback(sound.close)
    if settings.audio != OFF:
        try:
            sound.output.open(_device(settings.audio), block=settings.audio_block)
        except HostError as error:
            raise AudioDeviceError(str(error)) from None
    return sound


def _device(audio: str) -> int | str | None:
    if audio == DEFAULT:
        return None
    return int(audio) if audio.isdigit() else audio
