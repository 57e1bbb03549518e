"""docs/osc.md, written from the table of methods."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.osc_builtin import default_text
from bridge.osc_limits import FAIL_BURST, FAILS_PER_S, LEASE_S
from bridge.osc_packet import MAX_REPLY_BYTES
from bridge.osc_schedule import MAX_FUTURE_S, MAX_PENDING
from bridge.osc_spec import Arg, Kind, Method, Reply

_CODE_MEANINGS = {
    "bad_address": "no such method; the message suggests one",
    "bad_type": "an argument is missing, too many or of the wrong type; a packet is broken",
    "bad_range": "a value outside its range, an unknown key, or a job id still at work",
    "not_found": "no such clip or job",
    "busy": "the queue is full; try again later",
    "no_voice": "the voice is unknown or broken",
    "out_of_memory": "the request does not fit the memory of the machine",
    "cancelled": "the job was cancelled",
    "late": "the job could not be finished in time",
    "rate_limited": "too many wrong messages; some are not answered",
    "internal": "a fault of Driftwave; the engine's log has it",
}

_HEAD = f"""# OSC

Written by `python -m bridge.address_space --markdown`; edit `bridge/address_space.py` instead.

`driftwave serve` listens for OSC on 127.0.0.1 and, with `--lan`, on the local network; with
`--lan --allow ADDRESS` only for the machines named. The same methods are reached by

- UDP, port 9630 (`--osc-port`);
- TCP, the same port: SLIP (OSC 1.1) or a 32-bit length before each packet (OSC 1.0), told apart by
  the first byte;
- WebSocket, port 9631 (`--web-port`), one packet a binary frame. There OSCQuery describes every
  method: `curl http://127.0.0.1:9631/drift/generate`.

Answers go by the way a message came, to the address and port it came from, are at most
{MAX_REPLY_BYTES} bytes each, and carry one list item a message. A TCP or WebSocket client that does
not read what it is sent is disconnected; nobody else waits for it.

- Numbers may be sent as `i`, `h`, `f`, `d`, `T` or `F`; text as `s`. NaN and infinity are refused.
- Optional arguments may be left out from the end. Keys follow as pairs in any order:
  `/drift/generate 1 prompt "short dark snare" seed 7 count 4`.
- `job` is any number you choose; it comes back in every answer to that job. Send -1 and the
  server chooses; `/drift/queued` says which.
- Every message is answered. What cannot be done is answered with `/drift/fail`; beyond
  {FAIL_BURST} wrong messages at once and {FAILS_PER_S:g} a second from one sender, one
  `rate_limited` stands for the rest.
- Address patterns `? * [a-z] [!a] {{a,b}} //` reach every method that matches, but for those
  marked "exact address only".
- A bundle runs as a whole and in order. A timetag that is past runs now; one up to
  {MAX_FUTURE_S:g} s ahead waits ({MAX_PENDING} messages at most); one further ahead is refused.
  `/drift/slot/<1-16>/play` and `stop` then act in the very frame of sound that is due at that
  moment, whatever the slot's quantise, if their bundle holds nothing else.
- What can be set can be asked for: without a value it is answered with `/drift/value`. Subscribers
  get what somebody else set at its own address, so that faders follow.
- `/drift/notify` makes the server send events of every door to you for {LEASE_S:g} s after each
  message you send; `/drift/ping` is enough to go on.
"""


def markdown(methods: Sequence[Method], replies: Sequence[Reply]) -> str:
    """The whole page."""
    parts = [_HEAD, "## Methods\n"]
    parts += [_method(method) for method in methods if method.number <= 1]
    parts.append("## Answers and events\n")
    parts += [_reply(reply) for reply in replies]
    parts.append("## Codes\n\n| code | meaning |\n|---|---|")
    parts += [f"| `{code}` | {meaning} |" for code, meaning in _CODE_MEANINGS.items()]
    return "\n".join(parts) + "\n"


def _method(method: Method) -> str:
    lines = [f"### {method.family or method.address}\n", f"{method.description}.", ""]
    if not method.by_pattern:
        lines[1] += " Exact address only."
    if method.args:
        lines += [*_table("argument", method.args), ""]
    if method.keys:
        lines += [*_table("key", method.keys), ""]
    lines.append("Answers: " + ", ".join(_answer(method, address) for address in method.replies))
    if method.announces:
        lines.append(f"\nEvent to the other subscribers: `{method.announces}`")
    return "\n".join(lines) + "\n"


def _answer(method: Method, address: str) -> str:
    if not address.endswith("/done") or method.done is None:
        return f"`{address}`"
    values = "".join(f" {arg.kind.value}:{arg.name}" for arg in method.done)
    command = (method.family or method.address).removeprefix("/drift/")
    return f'`{address} "{command}" i:job{values}`'


def _reply(reply: Reply) -> str:
    lines = [f"### {reply.address}\n", f"{reply.description}.", ""]
    for arg in reply.args:
        unit = f" ({arg.unit})" if arg.unit else ""
        lines.append(f"- `{arg.kind.value}:{arg.name}`{unit} {arg.description}")
    if reply.rest:
        lines.append(f"- and more: {reply.rest}")
    return "\n".join(lines) + "\n"


def _table(noun: str, args: Sequence[Arg]) -> list[str]:
    lines = [f"| {noun} | type | range | unit | left out | meaning |", "|---|---|---|---|---|---|"]
    for arg in args:
        kind = "text" if arg.kind is Kind.STRING else "number"
        if arg.kind is Kind.INT:
            kind = "whole number"
        default = {"-": "must be sent", "": "-"}.get(default_text(arg), f"`{default_text(arg)}`")
        text = arg.description + (" (from this machine only)" if arg.local_only else "")
        limits = arg.range_text.replace("|", "\\|")
        if arg.kind is Kind.STRING and not limits:
            limits = f"up to {arg.max_chars} characters"
        lines.append(f"| {arg.name} | {kind} | {limits} | {arg.unit} | {default} | {text} |")
    return lines
