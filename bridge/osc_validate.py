"""Turn the arguments of an OSC message into the request dataclass of its method."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Sequence

from bridge.osc_spec import NUMBER_TAGS, Arg, Kind, Method, OscFault, Value

_TAG_NAMES = {
    "i": "an int32", "h": "an int64", "f": "a float", "d": "a double", "s": "a string",
    "T": "true", "F": "false",
}  # fmt: skip
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_BOUND_TOLERANCE = 1e-6
"""A bound such as 0.1 arrives as the nearest float32, which may lie just outside."""


def build_request(method: Method, tags: str, values: Sequence[Value], *, local: bool) -> object:
    """Check `values` (their OSC types in `tags`) against `method`; return its request.

    Args:
        tags: one type tag a value, of `NUMBER_TAGS` and "s".
        local: the sender is on this machine.

    Raises:
        OscFault: bad_type for a wrong type or number of arguments, bad_range for a value or
            key that is not accepted.
    """
    fixed = len(method.args)
    fields: dict[str, Value] = {}
    for index, arg in enumerate(method.args):
        if index < len(values):
            fields[arg.name] = _convert(method, arg, tags[index], values[index], local)
        elif arg.optional:
            fields[arg.name] = arg.default
        else:
            raise OscFault(
                "bad_type",
                f"{method.command}: argument {index + 1} ({arg.name}) is missing; "
                f"expected {signature(method)}",
            )
    if method.keys:
        fields.update(_pairs(method, tags[fixed:], values[fixed:], local))
    elif len(values) > fixed:
        raise OscFault(
            "bad_type",
            f"{method.command}: {len(values)} arguments; expected {signature(method)}; "
            "leave out the rest",
        )
    request: object = method.request(**fields)
    return request


def signature(method: Method) -> str:
    """The arguments for a reader, such as `job clip [strength] (key value)*`."""
    parts = [f"[{arg.name}]" if arg.optional else arg.name for arg in method.args]
    if method.keys:
        parts.append("(key value)*")
    return " ".join(parts) or "no arguments"


def expectation(arg: Arg) -> str:
    """What the argument must be, for an error message and the documents."""
    if arg.choices:
        return f"one of {', '.join(arg.choices)}"
    if arg.kind is Kind.STRING:
        return f"a string of at most {arg.max_chars} characters"
    if arg.kind is Kind.BOOL:
        return "0 or 1"
    noun = "a whole number" if arg.kind is Kind.INT else "a number"
    unit = f" {arg.unit}" if arg.unit else ""
    return f"{noun} in {arg.range_text}{unit}" if arg.range_text else f"{noun}{unit}"


def _pairs(method: Method, tags: str, values: Sequence[Value], local: bool) -> dict[str, Value]:
    keys = {arg.name: arg for arg in method.keys}
    fields: dict[str, Value] = {arg.name: arg.default for arg in method.keys}
    seen: set[str] = set()
    for index in range(0, len(values), 2):
        key = values[index]
        if not isinstance(key, str):
            raise OscFault(
                "bad_type",
                f"{method.command}: {key!r} stands where a key is expected; "
                "send each key as a string followed by its value",
            )
        if key not in keys and method.other_keys:
            continue
        if key not in keys:
            near = difflib.get_close_matches(key[:40], keys, n=1)
            hint = f"did you mean {near[0]}?" if near else f"keys are {' '.join(keys)}"
            raise OscFault("bad_range", f"{method.command}: unknown key {_show(key)}; {hint}")
        if key in seen:
            raise OscFault("bad_range", f"{method.command}: key {key} comes twice; send it once")
        if index + 1 == len(values):
            raise OscFault(
                "bad_type",
                f"{method.command}: key {key} has no value; expected {expectation(keys[key])}",
            )
        seen.add(key)
        fields[key] = _convert(method, keys[key], tags[index + 1], values[index + 1], local)
    return fields


def _convert(method: Method, arg: Arg, tag: str, value: Value, local: bool) -> Value:
    if tag not in arg.accepts:
        raise OscFault(
            "bad_type",
            f"{method.command}: {arg.name} is {_TAG_NAMES[tag]} ({_show(value)}); "
            f"expected {expectation(arg)}",
        )
    if isinstance(value, str):
        return _check_string(method, arg, value, local)
    if value is None or tag not in NUMBER_TAGS:
        raise OscFault("internal", f"{method.command}: {arg.name} has type tag {tag!r}")
    number = _check_number(method, arg, value)
    return None if arg.absent is not None and number == arg.absent else number


def _check_string(method: Method, arg: Arg, value: str, local: bool) -> str:
    if len(value) > arg.max_chars:
        raise OscFault(
            "bad_range",
            f"{method.command}: {arg.name} has {len(value)} characters; "
            f"expected {expectation(arg)}; shorten it",
        )
    if _CONTROL.search(value):
        raise OscFault(
            "bad_range",
            f"{method.command}: {arg.name} {_show(value)} holds control characters; "
            "send printable text",
        )
    if arg.choices and value not in arg.choices:
        raise OscFault(
            "bad_range", f"{method.command}: {arg.name} is {_show(value)}; "
            f"expected {expectation(arg)}",
        )  # fmt: skip
    if arg.local_only and not local:
        raise OscFault(
            "bad_range",
            f"{method.command}: {arg.name} is accepted from this machine only; leave it out",
        )
    return value


def _check_number(method: Method, arg: Arg, value: int | float | bool) -> int | float | bool:
    def refuse() -> OscFault:
        return OscFault(
            "bad_range",
            f"{method.command}: {arg.name} is {_show(value)}; expected {expectation(arg)}"
            + ("; leave it out for the default" if arg.optional else ""),
        )

    if isinstance(value, float) and not math.isfinite(value):
        raise refuse()
    if arg.kind is Kind.BOOL:
        if value not in (0, 1):
            raise refuse()
        return bool(value)
    if arg.kind is Kind.INT:
        if isinstance(value, float) and not value.is_integer():
            raise refuse()
        number: int | float = int(value)
    else:
        number = _snap(arg, float(value))
    if (arg.minimum is not None and number < arg.minimum) or (
        arg.maximum is not None and number > arg.maximum
    ):
        raise refuse()
    return number


def _snap(arg: Arg, number: float) -> float:
    for bound in (arg.minimum, arg.maximum):
        if bound is not None and abs(number - bound) <= _BOUND_TOLERANCE * max(1.0, abs(bound)):
            return float(bound)
    return number


def _show(value: Value) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
