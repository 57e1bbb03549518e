"""The rows of the table of OSC methods that belong to playing live.

A family of sixteen slots is one row here. The ranges of gain, pan, pitch and choke are those of
cpp/shim/parameters.h, which a test compares.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bridge import stage_requests as stage
from bridge.osc_requests import Nothing
from bridge.osc_spec import VALUE_REPLY, Access, Arg, Kind, Method, Reply

SLOTS: Final = 16
MIN_TEMPO: Final = 20.0
MAX_TEMPO: Final = 400.0
QUANTISE: Final = ("off", "beat", "bar")
PROMPTS: Final = 6
MIN_DENSITY: Final = 0.25
MAX_DENSITY: Final = 16.0
STREAM_STATES: Final = ("off", "starting", "playing", "repeating", "waiting", "failed")
SOURCES: Final = ("internal", "midi", "link")

VALUE: Final = VALUE_REPLY
SLOT_ITEM: Final = "/drift/slot/item"
SLOT_CHANGED: Final = "/drift/slot/changed"
SLOT_HIT: Final = "/drift/slot/hit"
STREAM_STATE: Final = "/drift/stream/state"
STREAM_REPLY: Final = "/drift/stream/status/reply"
MIDI_PORT: Final = "/drift/midi/port"
MIDI_MAPPING: Final = "/drift/midi/mapping"
SNAPSHOT_ITEM: Final = "/drift/snapshot/item"
SNAPSHOT_CHANGED: Final = "/drift/snapshot/changed"
LEVEL: Final = "/drift/meter/level"

_DONE: Final = "/drift/done"
_JOB_REPLIES: Final = ("/drift/queued", "/drift/progress", "/drift/clip/added", _DONE)
_I, _F, _B, _S = Kind.INT, Kind.FLOAT, Kind.BOOL, Kind.STRING
_INT32_MAX: Final = 2**31 - 1

_TRIGGER = Arg(
    "trigger", _B, "0 does nothing: the release of a button", default=True, optional=True
)
_ADDRESS = Arg("address", _S, "address of a control, with or without /drift/", max_chars=100)
_COUNT = (Arg("count", _I, "how many"),)


def _number(
    description: str, low: float, high: float, *, unit: str = "", kind: Kind = _F
) -> tuple[Arg, ...]:
    what = description + "; left out: asks for it"
    return (Arg("value", kind, what, unit=unit, minimum=low, maximum=high, optional=True),)


def _text(description: str, *, choices: tuple[str, ...] = (), chars: int = 500) -> tuple[Arg, ...]:
    what = description + "; left out: asks for it"
    return (Arg("value", _S, what, choices=choices, optional=True, max_chars=chars),)


def _control(address: str, description: str, args: tuple[Arg, ...]) -> Method:
    kind = args[0].kind
    request = {_S: stage.SetText, _B: stage.SetSwitch}.get(kind, stage.SetNumber)
    return Method(
        address, request, description, args=args, replies=(VALUE, _DONE), access=Access.BOTH,
        action="control",
    )  # fmt: skip


def _fader(address: str, description: str, args: tuple[Arg, ...]) -> tuple[Method, Method]:
    """A control and its twin from 0 to 1."""
    twin = Method(
        address + "/normalized", stage.SetNumber, f"{description}, as a fader sends it",
        args=_number("0 is the least, 1 the most", 0, 1), replies=(VALUE, _DONE),
        access=Access.BOTH, action="control_normalized",
    )  # fmt: skip
    return _control(address, description, args), twin


def _button(address: str, description: str, action: str) -> Method:
    return Method(
        address, stage.Trigger, description, args=(_TRIGGER,), replies=(_DONE,), action=action
    )


def _slots(rows: tuple[Method, ...]) -> tuple[Method, ...]:
    """Every row, whose address lies in /drift/slot, for each of the sixteen slots."""
    return tuple(
        replace(
            row,
            address=row.address.replace("/slot/", f"/slot/{slot}/"),
            family=row.address.replace("/slot/", f"/slot/<1-{SLOTS}>/"),
            number=slot,
        )
        for slot in range(1, SLOTS + 1)
        for row in rows
    )


def _prompts(rows: tuple[Method, ...]) -> tuple[Method, ...]:
    """Every row, whose address has a * for it, for each of the six prompts of the stream."""
    return tuple(
        replace(
            row,
            address=row.address.replace("*", str(prompt)),
            family=row.address.replace("*", f"<0-{PROMPTS - 1}>"),
            number=prompt + 1,
        )
        for prompt in range(PROMPTS)
        for row in rows
    )


_WEIGHT = Arg("weight", _F, "its part, 0 for none; left out: stays", minimum=0, maximum=1,
              optional=True)  # fmt: skip
_STREAM_ROWS: Final = (
    _control("/drift/stream/run", "Make sounds without end, or end that",
             (Arg("value", _B, "1 begins, 0 ends; left out: asks", optional=True),)),
    *_fader("/drift/stream/gain", "Level of the stream; the lowest value is silence",
            _number("level", -60, 12, unit="dB")),
    *_fader("/drift/stream/x", "Place among the prompts of the stream",
            _number("left -1 to right 1", -1, 1)),
    *_fader("/drift/stream/y", "Place among the prompts of the stream",
            _number("below -1 to above 1", -1, 1)),
    *_fader("/drift/stream/density", "Sounds a second; while the transport runs the step of the "
            "grid that comes nearest", _number("sounds a second", MIN_DENSITY, MAX_DENSITY,
                                               unit="Hz")),
    *_fader("/drift/stream/temperature", "How far the sounds of the stream wander",
            _number("0 makes the same again", 0, 1)),
    *_prompts((
        Method(
            "/drift/stream/prompt/*", stage.StreamPrompt,
            "Words of one of six prompts, which lie on a circle of radius 1: 0 at the top, the "
            "others clockwise",
            args=(Arg("words", _S, "\"\" leaves it out; left out: asks for it", optional=True,
                      max_chars=500), _WEIGHT),
            replies=(VALUE, _DONE), access=Access.BOTH, action="stream_prompt",
        ),
        *_fader("/drift/stream/weight/*", "Part of a prompt of the stream beside its nearness",
                _number("0 for none", 0, 1)),
    )),
    Method(
        "/drift/stream/status", Nothing, "Report how the stream goes",
        replies=(STREAM_REPLY,), access=Access.READ, action="stream_status", done=None,
    ),
)  # fmt: skip

_SLOT_ROWS: Final = (
    _control("/drift/slot/prompt", "Words for the slot's next sound", _text("what it shall be")),
    _control("/drift/slot/negative", "Words to move away from", _text("what it shall not be")),
    _control("/drift/slot/voice", "Voice of the slot's next sound",
             _text("name of a voice, \"\" for the engine's", chars=100)),
    _control("/drift/slot/seed", "Seed of the slot's next sound",
             _number("-1 takes a new one each time", -1, 2**63 - 1, kind=_I)),
    _control("/drift/slot/note", "MIDI note as target pitch of the slot's next sound",
             _number("-1 for none", -1, 127, kind=_I)),
    *_fader("/drift/slot/gain", "Level of the slot; the lowest value is silence",
            _number("level", -60, 12, unit="dB")),
    *_fader("/drift/slot/pan", "Place of the slot", _number("left -1 to right 1", -1, 1)),
    *_fader("/drift/slot/pitch", "Pitch of the slot",
            _number("0 plays the sound as it is", -24, 24, unit="semitones")),
    _control("/drift/slot/choke", "Choke group: a hit silences the others of its group",
             _number("0 for none", 0, 4, kind=_I)),
    _control("/drift/slot/quantise", "What a hit of the slot waits for",
             _text("off, the next beat, or the next bar; only while the transport runs",
                   choices=QUANTISE)),
    Method(
        "/drift/slot/generate", stage.SlotGenerate, "Make a new sound for the slot",
        args=(
            _TRIGGER,
            Arg("job", _I, "id chosen by the sender, -1 for the server's", minimum=-1,
                maximum=_INT32_MAX, default=-1, optional=True),
            Arg("prompt", _S, "new words for the slot; left out: those it has", optional=True,
                max_chars=500),
        ),
        replies=_JOB_REPLIES, job=True, action="slot_generate",
        done=(
            Arg("count", _I, "variations made"),
            Arg("milliseconds", _F, "time from request to done", unit="ms"),
            Arg("understood", _S, "prompt words that decided something, joined by spaces"),
            Arg("unknown", _S, "prompt words that decided nothing, joined by spaces"),
        ),
    ),
    Method(
        "/drift/slot/play", stage.SlotPlay, "Hit the slot",
        args=(
            Arg("velocity", _F, "how hard; 0 lets go", minimum=0, maximum=1, default=1.0,
                optional=True),
            Arg("quantise", _S, "what it waits for; left out: as the slot is set",
                choices=QUANTISE, optional=True),
        ),
        replies=(_DONE,), action="slot_play", timed=True,
    ),
    replace(_button("/drift/slot/stop", "Silence the slot with a short fade", "slot_stop"),
            timed=True),
    Method(
        "/drift/slot/clip", stage.SetText, "Put a clip of the library on the slot",
        args=_text("id of a clip", chars=64), replies=(VALUE, _DONE), access=Access.BOTH,
        action="slot_clip",
    ),
    replace(_button("/drift/slot/clear", "Take the sound off the slot", "slot_clear"),
            by_pattern=False),
)  # fmt: skip

STAGE_METHODS: Final[tuple[Method, ...]] = (
    *_slots(_SLOT_ROWS),
    Method(
        "/drift/slot/list", Nothing, "List the slots", replies=(SLOT_ITEM, _DONE), done=_COUNT,
        access=Access.READ, action="slot_list",
    ),
    *_STREAM_ROWS,
    *_fader("/drift/main/gain", "Level of everything; the lowest value is silence",
            _number("level", -60, 12, unit="dB")),
    _control("/drift/transport/play", "Start the transport at its first beat, or stop it",
             (Arg("value", _B, "1 starts, 0 stops; left out: asks", optional=True),)),
    *_fader("/drift/transport/tempo", "Tempo",
            _number("beats a minute", MIN_TEMPO, MAX_TEMPO, unit="bpm")),
    _control("/drift/transport/bar", "Beats in a bar", _number("beats", 1, 16, kind=_I)),
    _control("/drift/transport/source", "What sets tempo, start and stop",
             _text("the engine itself, MIDI clock, or Ableton Link", choices=SOURCES)),
    Method(
        "/drift/transport/beat", stage.SetNumber, "Jump to a beat",
        args=_number("beats since the start", 0, 1e5, unit="beats"), replies=(VALUE, _DONE),
        access=Access.BOTH, action="transport_beat",
    ),
    replace(_button("/drift/transport/tap", "Tap the tempo; it follows from the second tap on",
                    "transport_tap"),
            done=(Arg("tempo", _F, "the tempo now", unit="bpm"),)),
    Method(
        "/drift/midi/list", Nothing, "List MIDI ports and what is bound to controllers",
        replies=(MIDI_PORT, MIDI_MAPPING, _DONE), access=Access.READ, action="midi_list",
        done=(Arg("count", _I, "ports and mappings listed"),),
    ),
    Method(
        "/drift/midi/open", stage.MidiOpen, "Open or close MIDI ports",
        args=(
            Arg("name", _S, "part of the port's name, \"\" for every input"),
            Arg("on", _B, "1 opens, 0 closes", default=True, optional=True),
        ),
        replies=(_DONE,), done=(Arg("count", _I, "ports opened or closed"),), action="midi_open",
    ),
    _control("/drift/midi/clock", "Send MIDI clock to every open output",
             (Arg("value", _B, "1 sends, 0 does not; left out: asks", optional=True),)),
    Method(
        "/drift/midi/learn", stage.MidiLearn,
        "Bind the next MIDI controller or key that moves to a control",
        args=(
            _ADDRESS,
            Arg("low", _F, "value at the controller's lowest place; left out: the control's least",
                minimum=-1e5, maximum=1e5, optional=True),
            Arg("high", _F, "value at its highest place; left out: the control's most",
                minimum=-1e5, maximum=1e5, optional=True),
        ),
        replies=(_DONE,), action="midi_learn", by_pattern=False,
        done=(
            Arg("kind", _S, "cc or note"), Arg("channel", _I, "MIDI channel, 1 to 16"),
            Arg("number", _I, "number of the controller or key"),
        ),
    ),
    Method(
        "/drift/midi/unlearn", stage.MidiUnlearn, "Forget what is bound to a control",
        args=(replace(_ADDRESS, description="address of a control, \"\" for all"),),
        replies=(_DONE,), action="midi_unlearn", by_pattern=False,
        done=(Arg("count", _I, "bindings forgotten"),),
    ),
    Method(
        "/drift/snapshot/list", Nothing, "List the snapshots", replies=(SNAPSHOT_ITEM, _DONE),
        done=_COUNT, access=Access.READ, action="snapshot_list",
    ),
    Method(
        "/drift/snapshot/save", stage.SnapshotName, "Save every control as a snapshot",
        args=(Arg("name", _S, "name; one of the same name is replaced", max_chars=64),),
        replies=(_DONE,), done=(Arg("count", _I, "controls saved"),), action="snapshot_save",
        announces=SNAPSHOT_CHANGED, by_pattern=False,
    ),
    Method(
        "/drift/snapshot/recall", stage.SnapshotRecall, "Move every control to a snapshot",
        args=(
            Arg("name", _S, "name of a snapshot", max_chars=64),
            Arg("seconds", _F, "how long the way there takes", unit="s", minimum=0, maximum=600,
                default=0.0, optional=True),
        ),
        replies=(_DONE,), action="snapshot_recall", announces=SNAPSHOT_CHANGED, by_pattern=False,
    ),
    Method(
        "/drift/snapshot/delete", stage.SnapshotName, "Delete a snapshot",
        args=(Arg("name", _S, "name of a snapshot", max_chars=64),), replies=(_DONE,),
        action="snapshot_delete", announces=SNAPSHOT_CHANGED, by_pattern=False,
    ),
    Method(
        "/drift/meter/main", stage.MeterOn,
        "Begin or end a flow of levels to the sender, 20 a second",
        args=(Arg("on", _B, "1 begins, 0 ends", default=True, optional=True),),
        replies=(_DONE, LEVEL), action="meter",
        done=(
            Arg("on", _I, "1 while levels are sent"),
            Arg("lease", _F, "time until they stop unless asked for again", unit="s"),
        ),
    ),
)  # fmt: skip

_SLOT = Arg("slot", _I, "slot, from 1")

STAGE_REPLIES: Final[tuple[Reply, ...]] = (
    Reply(VALUE, (Arg("address", _S, "address of the control"),),
          "Answer to a control sent without a value. Subscribers get a control that someone else "
          "changed at its own address, at most 30 times a second", rest="its value"),
    Reply(
        SLOT_ITEM,
        (_SLOT, Arg("clip", _S, "id of its clip or \"\""), Arg("prompt", _S, "words"),
         Arg("negative", _S, "words to move away from"), Arg("voice", _S, "voice or \"\""),
         Arg("seed", _I, "seed, -1 for a new one each time"),
         Arg("seconds", _F, "length of its sound", unit="s"),
         Arg("waiting", _I, "sounds being made for it")),
        "One slot",
    ),
    Reply(
        SLOT_CHANGED,
        (_SLOT, Arg("clip", _S, "id of the clip or \"\""), Arg("prompt", _S, "its words"),
         Arg("seconds", _F, "its length", unit="s")),
        "Event: a slot has another sound",
    ),
    Reply(SLOT_HIT, (_SLOT, Arg("velocity", _F, "how hard")), "Event: a slot was hit"),
    Reply(
        STREAM_STATE,
        (Arg("state", _S, " | ".join(STREAM_STATES)), Arg("why", _S, "reason in words or \"\"")),
        "Event: the stream is in another state",
    ),
    Reply(
        STREAM_REPLY,
        (Arg("state", _S, " | ".join(STREAM_STATES)), Arg("why", _S, "reason in words or \"\""),
         Arg("sounds", _I, "sounds begun since its start"),
         Arg("repeated", _I, "of these, played again because no new one was ready"),
         Arg("late", _I, "of these, begun over 20 ms after their time"),
         Arg("p50", _F, "time from a change of a control to the first sound made after it, half "
             "the last ones", unit="ms"),
         Arg("p99", _F, "the same, 99 of 100", unit="ms")),
        "Answer to a stream status",
    ),
    Reply(
        MIDI_PORT,
        (Arg("name", _S, "name"), Arg("direction", _S, "in or out"), Arg("open", _I, "1 or 0")),
        "One MIDI port",
    ),
    Reply(
        MIDI_MAPPING,
        (Arg("kind", _S, "cc or note"), Arg("channel", _I, "MIDI channel, 1 to 16"),
         Arg("number", _I, "number of the controller or key"),
         Arg("address", _S, "address of the control"),
         Arg("low", _F, "value at the lowest place"), Arg("high", _F, "value at the highest")),
        "One controller and what it moves; also an event when it was learnt",
    ),
    Reply(SNAPSHOT_ITEM, (Arg("name", _S, "name"), Arg("controls", _I, "controls in it")),
          "One snapshot"),
    Reply(SNAPSHOT_CHANGED, (Arg("name", _S, "name"), Arg("command", _S, "what was done")),
          "Event: someone else saved, recalled or deleted a snapshot"),
    Reply(
        LEVEL,
        (Arg("bus", _S, "main"), Arg("peak_left", _F, "greatest sample, 1 is full scale"),
         Arg("peak_right", _F, "greatest sample"), Arg("rms_left", _F, "root mean square"),
         Arg("rms_right", _F, "root mean square")),
        "What is heard, for a meter",
    ),
)  # fmt: skip
