"""The one exception tree: every error a user can cause, with its OSC code and exit status.

A message states the value, what was expected and the remedy. `code` is what OSC, the
plugin link and `--json` report; `exit_code` is what a command ends with.
"""

from __future__ import annotations

from typing import ClassVar


class DriftwaveError(Exception):
    """Base of every error that is reported to the user rather than raised as a bug."""

    code: ClassVar[str] = "internal"
    exit_code: ClassVar[int] = 1


class UsageError(DriftwaveError):
    """A wrong flag, key or file name on the command line or in the configuration."""

    code = "bad_range"
    exit_code = 2


class BadAddress(UsageError):
    """An OSC address that no method answers to."""

    code = "bad_address"


class BadType(UsageError):
    """An argument of the wrong type or a wrong number of arguments."""

    code = "bad_type"


class BadRange(UsageError):
    """An argument outside its range."""

    code = "bad_range"


class NotFound(UsageError):
    """A clip, job or file that does not exist."""

    code = "not_found"


class AudioFileError(UsageError):
    """An audio file that is missing, truncated, of an unknown format, or empty."""

    code = "not_found"


class RecipeError(UsageError):
    """A recipe with an unknown key or an impossible pair of parts."""


class DataError(UsageError):
    """A training folder without usable audio."""

    code = "not_found"


class VoiceError(DriftwaveError):
    """A voice that is unknown, broken, or made for a newer Driftwave."""

    code = "no_voice"
    exit_code = 3


class PortError(DriftwaveError):
    """A network port or the rendezvous socket that cannot be opened."""

    code = "busy"
    exit_code = 4


class AudioDeviceError(DriftwaveError):
    """A sound device that is missing or refuses the requested format."""

    exit_code = 5


class OutOfMemory(DriftwaveError):
    """A request larger than the memory of the machine or of the device."""

    code = "out_of_memory"
    exit_code = 6


class StorageError(DriftwaveError):
    """The disk is full or a file cannot be written; what was stored before is kept."""


class Busy(DriftwaveError):
    """The queue is full; the caller may try again."""

    code = "busy"


class RateLimited(DriftwaveError):
    """A peer sent more requests than it may."""

    code = "rate_limited"


class Cancelled(DriftwaveError):
    """The job was cancelled before it finished."""

    code = "cancelled"
    exit_code = 130
