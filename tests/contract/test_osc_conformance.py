"""Every row of the method table over real UDP: right, wrong and missing arguments."""

from __future__ import annotations

import math
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.address_space import METHODS, REPLIES
from bridge.osc import OscServer
from bridge.osc_spec import CODES, Arg, Kind, Method, Value
from tests.support.osc_client import Answer, OscClient
from tests.support.osc_examples import example, examples, typed
from tests.support.osc_memory import MemoryHandler
from tests.support.osc_raw import DROPPED_BY_PYTHON_OSC, OTHER_TAGS

# Of a family, such as the sixteen slots, the first stands for all.
LISTED = [method for method in METHODS if method.number <= 1]
# Protocols of others have tests of their own.
ROWS = [method for method in LISTED if not method.other_keys]
EVERY_ARGUMENT = [
    pytest.param(method, arg, id=f"{method.command}-{arg.name}")
    for method in ROWS
    for arg in (*method.args, *method.keys)
]
EVERY_NUMBER = [param for param in EVERY_ARGUMENT if param.values[1].kind is not Kind.STRING]
EVERY_METHOD = [pytest.param(method, id=method.command) for method in ROWS]


@pytest.fixture
def handler(tmp_path: Path) -> Iterator[MemoryHandler]:
    handler = MemoryHandler(tmp_path)
    yield handler
    handler.close()


@pytest.fixture
def server(handler: MemoryHandler) -> Iterator[OscServer]:
    server = OscServer("127.0.0.1", 0, handler, version="1.2.3")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def client(server: OscServer) -> Iterator[OscClient]:
    with OscClient(server.port) as client:
        yield client


@pytest.fixture
def clip(client: OscClient) -> str:
    client.send("/drift/generate", 900, "prompt", "short dark snare", "duration", 0.1)
    added = next(args for address, args in client.until("/drift/done") if address.endswith("added"))
    return str(added[0])


def final(method: Method) -> str:
    """Address of the message that ends the method."""
    return method.replies[-1] if method.done is None else "/drift/done"


def finish(client: OscClient, method: Method) -> list[Answer]:
    """Answers up to the end of the method, or its fail."""
    if method.command == "sync":
        return client.until("/drift/synced", "/drift/fail")
    return client.until(final(method), "/drift/fail")


def check_shape(answers: list[Answer]) -> None:
    """Each answer has the arguments that the table of replies says."""
    for address, args in answers:
        reply = next(reply for reply in REPLIES if reply.address == address)
        assert len(args) >= len(reply.args), (address, args)
        assert reply.rest or len(args) == len(reply.args), (address, args)
        for spec, value in zip(reply.args, args, strict=False):
            expected = {Kind.INT: int, Kind.FLOAT: float, Kind.STRING: str}[spec.kind]
            assert type(value) is expected, (address, spec.name, value)


def fail_of(answers: list[Answer]) -> list[Any]:
    """The arguments of the one fail among `answers`."""
    check_shape(answers)
    assert [address for address, _ in answers] == ["/drift/fail"], answers
    return answers[0][1]


@pytest.mark.parametrize("method", EVERY_METHOD)
def test_required_arguments_alone_are_enough(
    method: Method, client: OscClient, clip: str, tmp_path: Path
) -> None:
    values = [example(arg, clip) for arg in method.args if not arg.optional]
    if method.command == "cancel":
        values = [-1]
    client.send(method.address, *values)
    answers = finish(client, method)
    check_shape(answers)
    assert answers[-1][0] == final(method), answers
    if method.done is not None:
        command, _job, *rest = answers[-1][1]
        assert command == method.command
        assert len(rest) == len(method.done)


@pytest.mark.parametrize("method", EVERY_METHOD)
def test_every_argument_and_key_at_once(
    method: Method, client: OscClient, handler: MemoryHandler, clip: str, tmp_path: Path
) -> None:
    client.send(method.address, *examples(method, clip, tmp_path))
    answers = finish(client, method)
    check_shape(answers)
    if method.command == "cancel":  # No job 1 is at work.
        assert fail_of(answers)[2] == "not_found"
        return
    assert answers[-1][0] == final(method), answers
    if method.job:
        assert {args[0] for address, args in answers if address.endswith(("queued", "progress"))}
        assert answers[0][0] == "/drift/queued"
        assert "/drift/clip/added" in [address for address, _ in answers]


@pytest.mark.parametrize(("method", "arg"), EVERY_NUMBER)
def test_a_number_is_accepted_in_every_number_type(
    method: Method, arg: Arg, client: OscClient, clip: str, tmp_path: Path
) -> None:
    # T and F are 1 and 0, which lies outside some ranges; that is a range, not a type. Nor does
    # any whole number lie within 0.5..0.75.
    low, high = arg.minimum, arg.maximum
    holds_whole = low is None or high is None or math.ceil(low) <= high
    outside = "TF" if holds_whole else "TFih"
    for tag in arg.accepts:
        data, _ = typed(method, arg, tag, clip, tmp_path)
        client.send_raw(data)
        answers = client.drain() if method.job else finish(client, method)
        fails = [args for address, args in answers if address == "/drift/fail"]
        assert all(args[2] in ("bad_range", "not_found") for args in fails), (tag, fails)
        assert not any(args[2] == "bad_range" for args in fails) or tag in outside, (tag, fails)
        if method.job:
            client.send("/drift/sync", 5)
            client.until("/drift/synced")


@pytest.mark.parametrize(("method", "arg"), EVERY_ARGUMENT)
def test_the_wrong_type_is_answered_bad_type(
    method: Method, arg: Arg, client: OscClient, clip: str, tmp_path: Path
) -> None:
    wrong = [tag for tag in "sihfdTF" if tag not in arg.accepts]
    for tag in (*wrong, *DROPPED_BY_PYTHON_OSC, *OTHER_TAGS):
        data, job = typed(method, arg, tag, clip, tmp_path)
        client.send_raw(data)
        command, fail_job, code, text = fail_of(client.drain())
        assert (command, code) == (method.command, "bad_type"), (tag, text)
        assert fail_job in (job, -1)
        assert "expected" in text


@pytest.mark.parametrize(("method", "arg"), EVERY_ARGUMENT)
def test_values_outside_the_range_are_answered_bad_range(
    method: Method, arg: Arg, client: OscClient, handler: MemoryHandler, clip: str, tmp_path: Path
) -> None:
    handled = len(handler.seen)
    wrong: list[tuple[str, Value]] = []
    if arg.kind is Kind.STRING:
        wrong += [("s", "x" * (arg.max_chars + 1)), ("s", "two\nlines"), ("s", "\x1b[2J")]
    else:
        wrong += [("f", float("nan")), ("d", float("inf")), ("f", float("-inf"))]
        if arg.minimum is not None:
            wrong += [("d", arg.minimum - 1), ("h", int(arg.minimum) - 1)]
        if arg.maximum is not None and arg.maximum < 2**62:
            wrong += [("d", arg.maximum + 1.5), ("h", int(arg.maximum) + 1)]
        if arg.kind is not Kind.FLOAT:
            wrong += [("f", 0.5)]
        if arg.kind is Kind.BOOL:
            wrong += [("i", 2), ("i", -1)]
    for tag, value in wrong:
        data, _ = typed(method, arg, tag, clip, tmp_path, value)
        client.send_raw(data)
        command, _job, code, text = fail_of(client.drain())
        assert (command, code) == (method.command, "bad_range"), (value, text)
        assert arg.name in text
    assert handler.seen[handled:] == []


@pytest.mark.parametrize("method", EVERY_METHOD)
def test_missing_and_superfluous_arguments_are_answered_bad_type(
    method: Method, client: OscClient, clip: str, tmp_path: Path
) -> None:
    required = [example(arg, clip) for arg in method.args if not arg.optional]
    for count in range(len(required)):
        client.send(method.address, *required[:count])
        command, _job, code, text = fail_of(client.drain())
        assert (command, code) == (method.command, "bad_type")
        assert method.args[count].name in text
    values = examples(method, clip, tmp_path)
    extra = ["prompt"] if method.keys else [1]
    client.send(method.address, *values, *extra)
    assert fail_of(client.drain())[2] in ("bad_type", "bad_range")


@pytest.mark.parametrize("method", [m for m in ROWS if m.keys], ids=lambda m: m.command)
def test_unknown_repeated_and_half_keys_are_refused(
    method: Method, client: OscClient, clip: str
) -> None:
    fixed = [example(arg, clip) for arg in method.args]
    known = method.keys[-1]
    key, value = known.name, example(known, clip)
    for rest, code, hint in (
        ([key[:-1], "x"], "bad_range", "did you mean"),
        (["zzz", 1], "bad_range", "keys are"),
        ([key, value, key, value], "bad_range", "twice"),
        ([key], "bad_type", "no value"),
        ([3, key], "bad_type", "key"),
    ):
        client.send(method.address, *fixed, *rest)
        _command, job, found, text = fail_of(client.drain())
        assert (found, job) == (code, fixed[0] if method.job else -1), text
        assert hint in text


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: reply.address)
def test_answers_are_never_answered(reply: Any, client: OscClient) -> None:
    client.send(reply.address, "generate", 1, "bad_type", "echo")
    assert client.drain() == []


def test_unknown_addresses_are_answered_with_a_suggestion(client: OscClient) -> None:
    command, job, code, text = fail_of(client.ask("/drift/generat", 1))
    assert (command, job, code) == ("generat", -1, "bad_address")
    assert "/drift/generate" in text
    assert "/drift/panic" in fail_of(client.ask("/panic"))[3]
    assert fail_of(client.ask("/live/song"))[0] == "/live/song"


def test_codes_of_the_handler_arrive(client: OscClient) -> None:
    assert fail_of(client.ask("/drift/voice/load", "none"))[2] == "no_voice"
    assert fail_of(client.ask("/drift/clip/get", "0" * 32))[2] == "not_found"
    assert set(CODES) >= {"no_voice", "not_found"}


def test_export_writes_the_sound(client: OscClient, clip: str, tmp_path: Path) -> None:
    path = tmp_path / "drum.wav"
    client.send("/drift/clip/export", clip, str(path))
    assert client.until("/drift/done")[-1][1] == ["clip/export", -1, str(path)]
    with wave.open(str(path)) as file:
        assert file.getnframes() == 800
        assert any(file.readframes(800))


def test_the_server_chooses_a_job_id(client: OscClient) -> None:
    client.send("/drift/generate", -1, "count", 2)
    answers = client.until("/drift/done")
    job = answers[0][1][0]
    assert job > 0
    assert answers[-1][1][:3] == ["generate", job, 2]
    added = [args for address, args in answers if address == "/drift/clip/added"]
    assert [(args[1], args[2]) for args in added] == [(job, 0), (job, 1)]


def test_a_job_id_at_work_is_refused_and_free_again_after_done(
    client: OscClient, handler: MemoryHandler
) -> None:
    handler.gate.clear()
    client.send("/drift/generate", 3)
    client.send("/drift/generate", 3)
    answers = client.until("/drift/fail")
    assert answers[-1][1][1:3] == [3, "bad_range"]
    handler.gate.set()
    client.until("/drift/done")
    client.send("/drift/generate", 3)
    assert client.until("/drift/done", "/drift/fail")[-1][0] == "/drift/done"


def test_cancel_reaches_own_jobs_server_jobs_and_all(
    client: OscClient, server: OscServer, handler: MemoryHandler
) -> None:
    handler.gate.clear()
    client.send("/drift/generate", 1)
    client.send("/drift/generate", 2)
    client.send("/drift/generate", -1)
    answers = client.drain()
    server_job = max(args[0] for _, args in answers)
    with OscClient(server.port) as other:
        assert fail_of(other.ask("/drift/cancel", 1))[2] == "not_found"
        assert other.ask("/drift/cancel", server_job)[0][1] == ["cancel", server_job, 1]
    assert client.ask("/drift/cancel", 1)[0][1] == ["cancel", 1, 1]
    assert client.ask("/drift/cancel")[0][1][:2] == ["cancel", -1]
    handler.gate.set()
    fails = client.wait_all(3, ("/drift/fail",))
    assert [args[2] for address, args in fails if address == "/drift/fail"] == ["cancelled"] * 3


def test_sync_waits_for_earlier_jobs_of_the_same_sender(
    client: OscClient, server: OscServer, handler: MemoryHandler
) -> None:
    handler.gate.clear()
    client.send("/drift/generate", 1)
    client.send("/drift/voice/load", "tone")
    client.send("/drift/sync", 42)
    assert "/drift/synced" not in [address for address, _ in client.drain()]
    with OscClient(server.port) as other:
        assert other.ask("/drift/sync", 7) == [("/drift/synced", [7])]
    handler.gate.set()
    answers = client.until("/drift/synced")
    assert [args[0] for address, args in answers if address == "/drift/done"] == [
        "generate",
        "voice/load",
    ]
    assert answers[-1] == ("/drift/synced", [42])


def test_subscribers_hear_of_others_but_not_of_themselves(
    client: OscClient, server: OscServer, clip: str
) -> None:
    with OscClient(server.port) as watcher:
        assert watcher.ask("/drift/notify", 1)[0][1][2] == 1
        client.ask("/drift/notify", 1)
        client.ask("/drift/clip/name", clip, "kick")
        assert watcher.receive() == ("/drift/clip/changed", [clip, "clip/name"])
        watcher.send("/drift/generate", 5)
        assert client.receive()[1][1] == -1
        watcher.until("/drift/done")
        server.announce_clip("abc", 0, 7, 1.0)
        assert client.receive() == ("/drift/clip/added", ["abc", -1, 0, 7, 1.0])
        assert watcher.receive()[1][0] == "abc"
        assert watcher.ask("/drift/notify", 0)[0][1] == ["notify", -1, 0, 0.0]
        client.ask("/drift/clip/name", clip, "snare")
        assert watcher.drain() == []


def test_query_lists_every_method_and_argument(client: OscClient) -> None:
    answers = client.ask("/drift/query")
    check_shape(answers)
    listed = [args[0] for address, args in answers if address == "/drift/query/method"]
    assert listed == [method.address for method in LISTED]
    arguments = [args for address, args in answers if address == "/drift/query/argument"]
    assert len(arguments) == sum(len(m.args) + len(m.keys) for m in LISTED)
    assert answers[-1] == ("/drift/done", ["query", -1, len(LISTED)])
    assert len(client.ask("/drift/query", "/drift/clip/*")) < len(answers)
    third = client.ask("/drift/query", "/drift/slot/3")
    assert "/drift/slot/3/gain" in [args[0] for _, args in third]
    assert fail_of(client.ask("/drift/query", "/no*"))[2] == "not_found"
    assert fail_of(client.ask("/drift/query", "/no["))[2] == "bad_address"


def test_patterns_reach_every_method_that_matches(client: OscClient, clip: str) -> None:
    addresses = [address for address, _ in client.ask("/drift/{status,version}")]
    assert addresses == ["/drift/status/reply", "/drift/version/reply"]
    assert [a for a, _ in client.ask("//version")] == ["/drift/version/reply"]
    client.ask("/drift/clip/[a-z]*", clip)
    assert client.ask("/drift/clip/get", clip)[-1][0] == "/drift/done", "a pattern never deletes"
    assert fail_of(client.ask("/drift/clip/delet?", clip))[2] == "bad_address"
    assert fail_of(client.ask("/drift/*nothing"))[2] == "bad_address"
