"""What an OSC method is made of: arguments, key/value pairs, replies, and the fault codes."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

Value = int | float | bool | str | None

CODES: Final = (
    "bad_address",
    "bad_type",
    "bad_range",
    "not_found",
    "busy",
    "no_voice",
    "out_of_memory",
    "cancelled",
    "late",
    "rate_limited",
    "internal",
)
"""Every code a `/drift/fail` can carry."""

VALUE_REPLY: Final = "/drift/value"
"""Answer of a parameter that is asked for its value: its address, then the value."""

NUMBER_TAGS: Final = "ifdhTF"
"""OSC type tags accepted for any number: controllers rarely let the user choose one."""


class OscFault(Exception):
    """A refusal that is answered with `/drift/fail`.

    Args:
        code: one of `CODES`.
        message: the value, what was expected, and the remedy.

    Raises:
        ValueError: for a code that is not in `CODES`.
    """

    def __init__(self, code: str, message: str) -> None:
        if code not in CODES:
            raise ValueError(f"fault code {code!r}; expected one of {', '.join(CODES)}")
        super().__init__(message)
        self.code = code
        self.message = message


class Kind(enum.Enum):
    """What a value means once it is inside; the value of a member is its OSCQuery type tag."""

    INT = "i"
    FLOAT = "f"
    BOOL = "T"
    STRING = "s"


@dataclass(frozen=True, slots=True)
class Arg:
    """One argument of a method or of a reply, or the value of one key.

    Attributes:
        name: also the field of the request dataclass.
        kind: the meaning; numbers of any OSC number type are converted to it.
        description: one sentence without a full stop.
        unit: OSCQuery UNIT, "" for a plain number.
        minimum, maximum: inclusive bounds of a number.
        choices: the only strings accepted, or () for any.
        default: value when left out.
        optional: may be left out (in a method: only from the end).
        max_chars: longest string.
        local_only: refused from another machine (file paths).
        absent: number that means the same as leaving it out, such as -1 for a seed.
    """

    name: str
    kind: Kind
    description: str
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    default: Value = None
    optional: bool = False
    max_chars: int = 200
    local_only: bool = False
    absent: float | None = None

    @property
    def accepts(self) -> str:
        """OSC type tags accepted for this argument."""
        return "s" if self.kind is Kind.STRING else NUMBER_TAGS

    @property
    def range_text(self) -> str:
        """The range for a reader, such as `1..64`, or "" when anything goes."""
        if self.choices:
            return " | ".join(self.choices)
        if self.kind is Kind.BOOL:
            return "0 | 1"
        if self.minimum is None and self.maximum is None:
            return ""
        low = "" if self.minimum is None else f"{self.minimum:.12g}"
        high = "" if self.maximum is None else f"{self.maximum:.12g}"
        if self.maximum is not None and self.maximum >= 2**53:
            high = str(int(self.maximum))
        return f"{low}..{high}"


@dataclass(frozen=True, slots=True)
class Reply:
    """One message the server sends.

    Attributes:
        address: never the address of a method, so that two servers cannot answer each other.
        args: in order; `rest` names what may follow them.
        rest: description of further arguments that depend on the command, or "".
    """

    address: str
    args: tuple[Arg, ...]
    description: str
    rest: str = ""


class Access(enum.IntEnum):
    """OSCQuery ACCESS."""

    NONE = 0
    READ = 1
    WRITE = 2
    BOTH = 3


@dataclass(frozen=True, slots=True)
class Method:
    """One address the server answers to.

    Attributes:
        address: full OSC address, without pattern characters.
        request: frozen dataclass the arguments become; its fields are the names of
            `args` and `keys`.
        args: positional arguments in order.
        keys: arguments that follow as `s:key value` pairs in any order.
        replies: addresses of the messages that answer it, besides `/drift/fail`.
        done: what `/drift/done` carries after command and job; None when another reply
            ends the method.
        description: what it does.
        access: OSCQuery ACCESS.
        job: opens a job: takes a job id, reports `/drift/queued` and progress.
        by_pattern: reached by an address pattern too; False for what cannot be taken back.
        other_keys: keys that are not in the table are ignored, for protocols of others.
        announces: address of the event sent to the other subscribers when it is done, or "".
        family: address of all members of a family, such as `/drift/slot/<1-16>/gain`, or "".
        number: which member of its family it is, from 1; 0 without one.
        timed: does at the exact moment of its bundle what it is asked for ahead of it.
        action: method of `bridge.stage_handler.StageHandler` that it calls, or "".
    """

    address: str
    request: type
    description: str
    args: tuple[Arg, ...] = ()
    keys: tuple[Arg, ...] = ()
    replies: tuple[str, ...] = ()
    done: tuple[Arg, ...] | None = ()
    access: Access = Access.WRITE
    job: bool = False
    by_pattern: bool = True
    announces: str = ""
    other_keys: bool = False
    family: str = ""
    number: int = 0
    timed: bool = False
    action: str = ""

    @property
    def command(self) -> str:
        """The address without its prefix: the first argument of `/drift/done` and `/drift/fail`."""
        return self.address.removeprefix("/drift/")

    @property
    def parameter(self) -> bool:
        """True when it keeps a value: set by its arguments, asked for without any."""
        return self.access is Access.BOTH and VALUE_REPLY in self.replies

    @property
    def type_tags(self) -> str:
        """OSCQuery TYPE of the positional arguments."""
        return "".join(arg.kind.value for arg in self.args)
