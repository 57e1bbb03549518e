"""Plays a clip on a sound device and waits until it is over."""

from __future__ import annotations

from typing import Any

from engine.errors import AudioDeviceError
from engine.types import FloatArray


def play_blocking(audio: FloatArray, sample_rate: int) -> None:
    """Play `(C, T)` on the default output. Raises AudioDeviceError when there is none."""
    device = open_sounddevice()
    try:
        device.play(audio.T, sample_rate)
        device.wait()
    except device.PortAudioError as error:
        raise AudioDeviceError(
            f"the default output refused {sample_rate} Hz ({error}): choose another device in "
            "the system's sound settings; `driftwave doctor` lists the devices"
        ) from None


def open_sounddevice() -> Any:
    """The sounddevice module, or AudioDeviceError when PortAudio is not installed."""
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise AudioDeviceError(
            f"no sound system ({error}): install it with `apt-get install libportaudio2` and "
            "`pip install sounddevice`"
        ) from None
    return sounddevice
