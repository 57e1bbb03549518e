"""OSC address patterns: `?`, `*`, `[a-z]`, `[!a]`, `{one,two}` and `//`.

Matching keeps the set of positions reached, so that its time is bounded by pattern × address;
a regular expression made from a hostile pattern would backtrack for minutes.

Source: Open Sound Control 1.0, "OSC Message Dispatching and Pattern Matching"; `//` from 1.1.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from bridge.osc_spec import OscFault

_SPECIAL: Final = frozenset("?*[]{}")
MAX_PATTERN_CHARS: Final = 200

Step = Callable[[str, int], set[int]]
"""(address, position) -> positions after this part of the pattern."""


def is_pattern(address: str) -> bool:
    """True when the address needs matching rather than looking up."""
    return not _SPECIAL.isdisjoint(address) or "//" in address


def matches(pattern: str, address: str) -> bool:
    """True when `pattern` matches the whole of `address`.

    Raises:
        OscFault: bad_address for an unclosed bracket or brace, or too long a pattern.
    """
    positions = {0}
    for step in _compile(pattern):
        positions = {after for at in positions for after in step(address, at)}
        if not positions:
            return False
    return len(address) in positions


@lru_cache(maxsize=256)
def _compile(pattern: str) -> tuple[Step, ...]:
    if len(pattern) > MAX_PATTERN_CHARS:
        raise OscFault(
            "bad_address",
            f"a pattern of {len(pattern)} characters; expected {MAX_PATTERN_CHARS} at most",
        )
    steps: list[Step] = []
    index = 0
    while index < len(pattern):
        char = pattern[index]
        if pattern.startswith("//", index):
            steps.append(_any_folders)
            index += 2
        elif char in "[{":
            close = pattern.find("]" if char == "[" else "}", index + 1)
            if close < 0:
                raise OscFault("bad_address", f"pattern {pattern!r}: {char} is not closed")
            inside = pattern[index + 1 : close]
            steps.append(_char_set(inside) if char == "[" else _one_of(inside.split(",")))
            index = close + 1
        else:
            steps.append({"?": _any_char, "*": _any_run}.get(char) or _one_of([char]))
            index += 1
    return tuple(steps)


def _any_char(address: str, at: int) -> set[int]:
    return {at + 1} if at < len(address) and address[at] != "/" else set()


def _any_run(address: str, at: int) -> set[int]:
    end = address.find("/", at)
    return set(range(at, (len(address) if end < 0 else end) + 1))


def _any_folders(address: str, at: int) -> set[int]:
    return {index + 1 for index in range(at, len(address)) if address[index] == "/"}


def _one_of(texts: list[str]) -> Step:
    def step(address: str, at: int) -> set[int]:
        return {at + len(text) for text in texts if address.startswith(text, at)}

    return step


def _char_set(inside: str) -> Step:
    negated = inside.startswith("!")
    body = inside[1:] if negated else inside
    chars: set[str] = set()
    index = 0
    while index < len(body):
        if index + 2 < len(body) and body[index + 1] == "-":
            low, high = sorted((ord(body[index]), ord(body[index + 2])))
            chars.update(map(chr, range(low, high + 1)))
            index += 3
        else:
            chars.add(body[index])
            index += 1

    def step(address: str, at: int) -> set[int]:
        if at >= len(address) or address[at] == "/":
            return set()
        return {at + 1} if (address[at] in chars) != negated else set()

    return step
