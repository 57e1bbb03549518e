"""The one table of OSC methods: the dispatcher, `/drift/query` and docs/osc.md come from it.

`python -m bridge.address_space --markdown` prints docs/osc.md.
"""

from __future__ import annotations

import sys
from typing import Final

from bridge import osc_requests as requests
from bridge.address_operations import OPERATIONS
from bridge.denoise_space import denoise_methods
from bridge.dirt import DIRT_METHODS, DIRT_REPLIES
from bridge.library_space import DEPTH, FORMAT, LIBRARY_METHODS, LIBRARY_REPLIES, RATE
from bridge.osc_arguments import (
    BARS,
    BPM,
    CLIP,
    COUNT,
    DURATION,
    GENERATE_DONE,
    JOB,
    JOB_REPLIES,
    LOOP,
    NUMBER,
    PROMPT,
    SEED,
    SOUND_RATE,
    STEPS,
    STRENGTH,
    VOICE,
    descriptor,
    words,
)
from bridge.osc_spec import Access, Arg, Kind, Method, Reply
from bridge.pattern_space import pattern_methods
from bridge.stage_space import STAGE_METHODS, STAGE_REPLIES

PREFIX: Final = "/drift"
DEFAULT_PORT: Final = 9630
PROTOCOL: Final = 1
"""Raised when a method or reply changes its meaning; additions leave it alone."""

FAIL: Final = "/drift/fail"
DONE: Final = "/drift/done"
QUEUED: Final = "/drift/queued"
PROGRESS: Final = "/drift/progress"
CLIP_ADDED: Final = "/drift/clip/added"
CLIP_CHANGED: Final = "/drift/clip/changed"
CLIP_ITEM: Final = "/drift/clip/item"
VOICE_ITEM: Final = "/drift/voice/item"
VOICE_CHANGED: Final = "/drift/voice/changed"
HELLO_REPLY: Final = "/drift/hello/reply"
PONG: Final = "/drift/pong"
SYNCED: Final = "/drift/synced"
STATUS_REPLY: Final = "/drift/status/reply"
VERSION_REPLY: Final = "/drift/version/reply"
QUERY_METHOD: Final = "/drift/query/method"
QUERY_ARGUMENT: Final = "/drift/query/argument"

_I, _F, _B, _S = Kind.INT, Kind.FLOAT, Kind.BOOL, Kind.STRING
_INT32_MAX: Final = 2**31 - 1

_GENERATE_KEYS = (
    Arg("voice", _S, "voice to use; left out: the engine's", optional=True, max_chars=100),
    words("prompt", "what it should sound like; the answer says which words counted", ""),
    words("negative", "words to move away from", ""),
    SEED,
    STEPS,
    COUNT,
    DURATION,
    BARS,
    BPM,
    LOOP,
    SOUND_RATE,
    Arg(
        "note", _I, "MIDI note as target pitch, -1 for none", minimum=-1, maximum=127, absent=-1,
        optional=True,
    ),
    Arg("guidance", _F, "how strictly the prompt is followed", minimum=0, maximum=20,
        optional=True),
    descriptor("brightness", "dark to bright, replaces what the words say"),
    descriptor("depth", "thin to deep, replaces what the words say"),
    descriptor("noisiness", "tonal to noisy, replaces what the words say"),
    descriptor("attack", "soft to hard onset, replaces what the words say"),
    descriptor("length", "short to long decay, replaces what the words say"),
    descriptor("loudness", "quiet to loud, replaces what the words say"),
    Arg("source", _S, "id of a clip to start from", optional=True, max_chars=64),
    STRENGTH,
    Arg("mask_start", _F, "with source: begin of the region to make anew", unit="s", minimum=0,
        maximum=60, optional=True),
    Arg("mask_end", _F, "with source: end of that region", unit="s", minimum=0, maximum=60,
        optional=True),
    Arg("clip_a", _S, "id of a clip to go from", optional=True, max_chars=64),
    Arg("clip_b", _S, "id of a clip to go to", optional=True, max_chars=64),
    words("morph", "second prompt to move to", ""),
    Arg("mix", _F, "how far to clip_b, or to morph", minimum=0, maximum=1, default=0.5,
        optional=True),
)  # fmt: skip

METHODS: Final[tuple[Method, ...]] = (
    Method(
        "/drift/hello", requests.Hello, "Introduce a client and learn who answers",
        args=(Arg("client", _S, "name of the client", default="", optional=True),),
        replies=(HELLO_REPLY,), done=None,
    ),
    Method(
        "/drift/ping", requests.Ping, "Ask for a sign of life; renews a notify lease",
        args=(NUMBER,), replies=(PONG,), done=None,
    ),
    Method(
        "/drift/status", requests.Nothing, "Report what the engine is doing",
        replies=(STATUS_REPLY,), done=None, access=Access.READ,
    ),
    Method(
        "/drift/version", requests.Nothing, "Report the version", replies=(VERSION_REPLY,),
        done=None, access=Access.READ,
    ),
    Method(
        "/drift/sync", requests.Sync,
        "Answer once everything this sender asked for before is done or failed",
        args=(NUMBER,), replies=(SYNCED,), done=None,
    ),
    Method(
        "/drift/query", requests.Query, "List the methods and their arguments",
        args=(Arg("pattern", _S, "address, folder or OSC pattern; left out: all", default="",
                  optional=True),),
        replies=(QUERY_METHOD, QUERY_ARGUMENT, DONE),
        done=(Arg("count", _I, "methods listed"),), access=Access.READ,
    ),
    Method(
        "/drift/notify", requests.Notify,
        "Start or stop receiving events of every door, first the value of every parameter; any "
        "message renews the lease",
        args=(Arg("on", _B, "1 starts, 0 stops", default=True, optional=True),),
        replies=(DONE, CLIP_ADDED, CLIP_CHANGED, VOICE_CHANGED),
        done=(
            Arg("on", _I, "1 while events are sent"),
            Arg("lease", _F, "time until events stop unless something is received", unit="s"),
        ),
    ),
    Method(
        "/drift/panic", requests.Panic, "Cancel every job and forget every message scheduled",
        args=(
            Arg("trigger", _B, "0 does nothing: the release of a button", default=True,
                optional=True),
        ),
        replies=(DONE,), by_pattern=False,
    ),
    *DIRT_METHODS,
    Method(
        "/drift/voice/list", requests.Nothing, "List the voices", replies=(VOICE_ITEM, DONE),
        done=(Arg("count", _I, "voices listed"),), access=Access.READ,
    ),
    Method(
        "/drift/voice/load", requests.VoiceName, "Load a voice so that its first clip is fast",
        args=(VOICE,), replies=(DONE,), announces=VOICE_CHANGED,
    ),
    Method(
        "/drift/voice/unload", requests.VoiceName, "Free the memory of a voice",
        args=(VOICE,), replies=(DONE,), announces=VOICE_CHANGED,
    ),
    Method(
        "/drift/generate", requests.GenerateCommand, "Make new clips",
        args=(JOB,), keys=_GENERATE_KEYS, replies=JOB_REPLIES, done=GENERATE_DONE, job=True,
    ),
    Method(
        "/drift/vary", requests.VaryCommand, "Make variations of a clip",
        args=(JOB, CLIP, STRENGTH, COUNT),
        keys=(PROMPT, SEED, STEPS, LOOP, BARS, BPM, SOUND_RATE),
        replies=JOB_REPLIES, done=GENERATE_DONE, job=True,
    ),
    *OPERATIONS,
    Method(
        "/drift/cancel", requests.CancelCommand, "Cancel a job",
        args=(Arg("job", _I, "id of the job, -1 for every job", minimum=-1, maximum=_INT32_MAX,
                  default=-1, optional=True),),
        replies=(DONE,), done=(Arg("count", _I, "jobs cancelled"),), by_pattern=False,
    ),
    Method(
        "/drift/clip/list", requests.ClipList, "List clips, newest first",
        args=(
            Arg("offset", _I, "clips to skip", minimum=0, maximum=_INT32_MAX, default=0,
                optional=True),
            Arg("limit", _I, "most clips to list", minimum=1, maximum=200, default=50,
                optional=True),
            Arg("search", _S, "words the clip must have", default="", optional=True),
        ),
        replies=(CLIP_ITEM, DONE),
        done=(
            Arg("count", _I, "clips listed"),
            Arg("total", _I, "clips that match"),
        ),
        access=Access.READ,
    ),
    Method(
        "/drift/clip/get", requests.ClipId, "Report one clip", args=(CLIP,),
        replies=(CLIP_ITEM, DONE), access=Access.READ,
    ),
    Method(
        "/drift/clip/export", requests.ClipExport, "Write a clip as a sound file",
        args=(
            CLIP,
            Arg("path", _S, "file to write; left out or \"\": a new name in the export folder",
                optional=True, max_chars=1000, local_only=True),
            RATE, DEPTH, FORMAT,
        ),
        replies=(DONE,), done=(Arg("path", _S, "file that was written"),),
    ),
    Method(
        "/drift/clip/favourite", requests.ClipFavourite, "Mark a clip as a favourite",
        args=(CLIP, Arg("on", _B, "1 marks, 0 unmarks", default=True, optional=True)),
        replies=(DONE,), announces=CLIP_CHANGED,
    ),
    Method(
        "/drift/clip/name", requests.ClipName, "Name a clip",
        args=(CLIP, Arg("name", _S, "new name, \"\" for none")),
        replies=(DONE,), announces=CLIP_CHANGED,
    ),
    Method(
        "/drift/clip/tag", requests.ClipTag, "Add a tag to a clip or take it away",
        args=(
            CLIP, Arg("tag", _S, "one word", max_chars=64),
            Arg("on", _B, "1 adds, 0 takes away", default=True, optional=True),
        ),
        replies=(DONE,), announces=CLIP_CHANGED,
    ),
    Method(
        "/drift/clip/delete", requests.ClipId, "Delete a clip", args=(CLIP,), replies=(DONE,),
        by_pattern=False, announces=CLIP_CHANGED,
    ),
    *LIBRARY_METHODS,
    *pattern_methods(JOB, CLIP, SEED, STEPS),
    *denoise_methods(JOB, CLIP),
    *STAGE_METHODS,
)  # fmt: skip

_COMMAND = Arg("command", _S, "address of the method without /drift/")
_ANY_JOB = Arg("job", _I, "id of the job, -1 when there is none")

REPLIES: Final[tuple[Reply, ...]] = (
    Reply(DONE, (_COMMAND, _ANY_JOB), "A method finished", rest="see the method"),
    Reply(
        FAIL,
        (_COMMAND, _ANY_JOB, Arg("code", _S, "one of the codes below"),
         Arg("message", _S, "the value, what was expected and what to do")),
        "A method was refused or failed",
    ),
    Reply(
        QUEUED, (_ANY_JOB, Arg("position", _I, "jobs ahead of it")),
        "A job was accepted; the id is the server's when the sender sent -1",
    ),
    Reply(
        PROGRESS,
        (_ANY_JOB, Arg("fraction", _F, "done so far", minimum=0, maximum=1),
         Arg("step", _I, "sampler step"), Arg("steps", _I, "sampler steps in all"),
         Arg("eta", _F, "time left, -1 when unknown", unit="s")),
        "A job goes on; at most ten a second and the last step always",
    ),
    Reply(
        CLIP_ADDED,
        (CLIP, _ANY_JOB, Arg("index", _I, "variation, from 0"), Arg("seed", _I, "seed"),
         Arg("seconds", _F, "length", unit="s")),
        "A variation is finished, sent as each finishes; subscribers get job -1",
    ),
    Reply(
        CLIP_CHANGED, (CLIP, Arg("command", _S, "command that changed it")),
        "Event: someone else changed or deleted a clip",
    ),
    Reply(
        VOICE_CHANGED, (VOICE, Arg("command", _S, "command that changed it")),
        "Event: someone else loaded or unloaded a voice",
    ),
    Reply(
        CLIP_ITEM,
        (Arg("id", _S, "id"), Arg("name", _S, "name or \"\""),
         Arg("seconds", _F, "length", unit="s"), Arg("sample_rate", _I, "rate", unit="Hz"),
         Arg("channels", _I, "channels"), Arg("seed", _I, "seed"),
         Arg("index", _I, "variation, from 0"), Arg("steps", _I, "sampler steps"),
         Arg("voice", _S, "voice"), Arg("prompt", _S, "prompt"),
         Arg("favourite", _I, "1 for a favourite"), Arg("tags", _S, "joined by spaces"),
         Arg("created", _I, "seconds since 1970", unit="s")),
        "One clip",
    ),
    Reply(
        VOICE_ITEM,
        (Arg("name", _S, "name"), Arg("version", _S, "version"),
         Arg("sample_rate", _I, "rate", unit="Hz"), Arg("channels", _I, "channels"),
         Arg("max_seconds", _F, "longest clip", unit="s"),
         Arg("loaded", _I, "1 when in memory"), Arg("description", _S, "one sentence")),
        "One voice",
    ),
    *DIRT_REPLIES,
    Reply(
        HELLO_REPLY,
        (Arg("name", _S, "driftwave"), Arg("version", _S, "version"),
         Arg("protocol", _I, "number of this address space")),
        "Who answers",
    ),
    Reply(PONG, (Arg("number", _I, "as sent"),), "Answer to a ping"),
    Reply(SYNCED, (Arg("number", _I, "as sent"),), "Everything before the sync is finished"),
    Reply(
        STATUS_REPLY,
        (Arg("state", _S, "starting, ready or busy"), Arg("device", _S, "cpu or cuda"),
         Arg("voices", _I, "voices that can be loaded"), Arg("running", _I, "jobs at work"),
         Arg("queued", _I, "jobs waiting"), Arg("clips", _I, "clips in the library"),
         Arg("uptime", _F, "since the engine started", unit="s"),
         Arg("audio", _S, "sound device, or \"\" when nothing can be heard"),
         Arg("xruns", _I, "times the sound device ran dry since the start")),
        "What the engine is doing",
    ),
    Reply(
        VERSION_REPLY,
        (Arg("version", _S, "version"), Arg("protocol", _I, "number of this address space")),
        "The version",
    ),
    Reply(
        QUERY_METHOD,
        (Arg("address", _S, "address"), Arg("types", _S, "OSC types of the arguments"),
         Arg("access", _I, "1 read, 2 write, 3 both"), Arg("description", _S, "what it does")),
        "One method",
    ),
    Reply(
        QUERY_ARGUMENT,
        (Arg("address", _S, "address of the method"), Arg("name", _S, "name"),
         Arg("key", _I, "1 when sent as a key and its value"),
         Arg("types", _S, "OSC types accepted"), Arg("unit", _S, "unit or \"\""),
         Arg("range", _S, "as low..high or a | b, or \"\""),
         Arg("default", _S, "when left out; - when it must be sent"),
         Arg("description", _S, "what it means")),
        "One argument of a method",
    ),
    *LIBRARY_REPLIES,
    *STAGE_REPLIES,
)  # fmt: skip

BY_ADDRESS: Final[dict[str, Method]] = {method.address: method for method in METHODS}
REPLY_ADDRESSES: Final[frozenset[str]] = frozenset(reply.address for reply in REPLIES)


def main(argv: list[str]) -> int:
    """Print docs/osc.md. Returns 2 for any other flag."""
    if argv != ["--markdown"]:
        print("usage: python -m bridge.address_space --markdown", file=sys.stderr)
        return 2
    from bridge.osc_docs import markdown

    sys.stdout.write(markdown(METHODS, REPLIES))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
