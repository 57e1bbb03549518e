"""Messages that a row of the method table accepts."""

from __future__ import annotations

from pathlib import Path

from bridge.osc_spec import Arg, Kind, Method, Value
from tests.support.osc_client import message
from tests.support.osc_raw import encode, padded


def example(arg: Arg, clip: str) -> Value:
    """A value that the argument accepts."""
    if arg.choices:
        return arg.choices[0]
    if arg.kind is Kind.STRING:
        return {
            "clip": clip, "clip_a": clip, "clip_b": clip, "source": clip, "voice": "tone",
            "pattern": "/drift/ping",
        }.get(arg.name, "word")  # fmt: skip
    if arg.kind is Kind.BOOL:
        return 1
    low = 0 if arg.minimum is None else arg.minimum
    high = 1 if arg.maximum is None else arg.maximum
    value = min(max(low, 1), high)
    return int(value) if arg.kind is Kind.INT else float(value)


def examples(method: Method, clip: str, tmp_path: Path) -> list[Value]:
    """Every positional argument and key of the method, with accepted values."""
    values = [example(arg, clip) for arg in method.args]
    for key in method.keys:
        values += [key.name, example(key, clip)]
    return [str(tmp_path / "export.wav") if value == "word" and method.command == "clip/export"
            else value for value in values]  # fmt: skip


def typed(
    method: Method, arg: Arg, tag: str, clip: str, tmp_path: Path, value: Value = None
) -> tuple[bytes, Value]:
    """The method's message with `arg` sent as type `tag`; and the job id in it, or -1."""
    is_key = arg in method.keys
    required = sum(not spec.optional for spec in method.args)
    count = len(method.args) if is_key else max(method.args.index(arg) + 1, required)
    accepted = [
        (
            "s" if spec.kind is Kind.STRING else "d",
            str(tmp_path / "typed.wav") if spec.local_only else example(spec, clip),
        )
        for spec in method.args[:count]
    ]
    if is_key:
        accepted += [("s", arg.name), ("", None)]
    place = len(accepted) - 1 if is_key else method.args.index(arg)
    accepted[place] = (tag, example(arg, clip) if value is None else value)
    job = accepted[0][1] if method.job else -1
    tags = "".join(tag for tag, _ in accepted)
    head = message(method.address)[:-4]
    body = b"".join(encode(tag, value) for tag, value in accepted)
    return head + padded(("," + tags).encode()) + body, job
