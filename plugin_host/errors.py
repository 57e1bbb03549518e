"""What can go wrong in plugin_host, each with the exit status of its kind."""

from __future__ import annotations

from typing import ClassVar


class HostError(Exception):
    """Base; the message states the value, what was expected and the remedy."""

    exit_code: ClassVar[int] = 1


class InputError(HostError):
    """A file or an argument that cannot be used."""

    exit_code = 2


class MissingSound(HostError):
    """A pad that should have a sound has none."""

    exit_code = 3


class AudioDeviceError(HostError):
    """No such sound or MIDI device, or one that cannot be opened."""

    exit_code = 5
