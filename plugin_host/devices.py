"""Sound devices: listed, and found by index or by part of their name."""

from __future__ import annotations

import atexit
import ctypes
import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from plugin_host.errors import AudioDeviceError


@dataclass(frozen=True, slots=True)
class OutputDevice:
    """A sound device that can play.

    Attributes:
        index: PortAudio's number; changes when devices come and go.
        name: as PortAudio tells it, with its driver system: unique and lasting.
        channels: most channels it plays.
        sample_rate: its own, in hertz.
    """

    index: int
    name: str
    channels: int
    sample_rate: float


def sounddevice() -> Any:
    """The module; raises AudioDeviceError where PortAudio is not installed.

    PortAudio is not shut down when the process ends: its JACK part aborts the process where the
    JACK server went first.
    """
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise AudioDeviceError(
            f"no sound output: {error}. Install PortAudio (Debian: libportaudio2) and "
            "`pip install sounddevice`, or use `render`."
        ) from None
    atexit.unregister(sounddevice._exit_handler)
    _keep_loaded(_library_file())
    return sounddevice


def output_devices() -> list[OutputDevice]:
    """Every device that can play, as PortAudio saw them when it was opened last."""
    module = sounddevice()
    systems = module.query_hostapis()
    return [
        OutputDevice(
            index,
            f"{device['name']}, {systems[device['hostapi']]['name']}",
            int(device["max_output_channels"]),
            float(device["default_samplerate"]),
        )
        for index, device in enumerate(module.query_devices())
        if device["max_output_channels"] > 0
    ]


def list_outputs() -> str:
    """The devices that can play, one a line; `>` marks the system's own choice."""
    devices = output_devices()
    default = _default_index()
    lines = [
        f"{'>' if device.index == default else ' '}{device.index:3d} {device.name} "
        f"({device.channels} out, {device.sample_rate:g} Hz)"
        for device in devices
    ]
    return "\n".join(lines) or "no sound device can play"


def find_output(wanted: int | str | None) -> OutputDevice:
    """The device with that index, or with those words in its name; None: the system's own.

    An exact name goes before a part of one. Raises AudioDeviceError that says what there is.
    """
    devices = output_devices()
    if wanted is None:
        wanted = _default_index()
        if wanted < 0 and devices:
            wanted = devices[0].index
    if isinstance(wanted, int):
        found = [device for device in devices if device.index == wanted]
    else:
        words = wanted.lower()
        found = [device for device in devices if device.name.lower() == words]
        found = found or [device for device in devices if words in device.name.lower()]
    if len(found) == 1:
        return found[0]
    names = "; ".join(f"{device.index} {device.name}" for device in found or devices) or "none"
    if found:
        raise AudioDeviceError(
            f"{len(found)} sound devices have '{wanted}' in their name: {names}. Say more of it, "
            "or its index."
        )
    what = f"no sound device {wanted!r}" if wanted != -1 else "no sound device"
    raise AudioDeviceError(f"{what}; those that can play: {names}. See --list-devices.")


def look_again() -> None:
    """Let PortAudio see devices that came or went. No stream of it may be open."""
    module = sounddevice()
    module._terminate()
    module._initialize()


def abandon() -> None:
    """Leave PortAudio as it is, with a stream that cannot be closed, and begin with a new one.

    Where a JACK server died, PortAudio can neither close its stream nor be shut down, and sees
    nothing new: a second copy of the library does. What is left behind is never called again.
    """
    module = sounddevice()
    library = _library_file()
    if library is None:
        look_again()
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copy(library, Path(folder) / library.name))
        _keep_loaded(copy)
        module._lib = module._ffi.dlopen(str(copy))
    module._initialized = 0
    module._initialize()


@lru_cache
def _keep_loaded(library: Path | None) -> None:
    """Unloading it, now or at the end, would pull the ground from under its threads."""
    if library is not None:
        ctypes.CDLL(str(library), os.RTLD_NOW | os.RTLD_NODELETE)


def _library_file() -> Path | None:
    """Where PortAudio was loaded from; None where that cannot be told."""
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return None
    found = (Path(line.split()[-1]) for line in lines if "libportaudio" in line)
    return next((path for path in found if path.is_file()), None)


def _default_index() -> int:
    return int(sounddevice().default.device[1])
