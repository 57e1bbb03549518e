"""The validated requests that OSC methods become, and the values handlers answer with.

Each request dataclass has one field per argument and key of its method in
`bridge.address_space`; None means that the sender left it out.
"""

from __future__ import annotations

from dataclasses import dataclass

DESCRIPTOR_KEYS = ("brightness", "depth", "noisiness", "attack", "length", "loudness")
"""Keys of generate and vary that steer a measured descriptor, each 0..1."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """A method without arguments."""


@dataclass(frozen=True, slots=True)
class Hello:
    """A client introduces itself; `client` is its name or ""."""

    client: str


@dataclass(frozen=True, slots=True)
class Ping:
    """`number` comes back in `/drift/pong`."""

    number: int


@dataclass(frozen=True, slots=True)
class Sync:
    """`number` comes back once everything the sender asked for before is finished."""

    number: int


@dataclass(frozen=True, slots=True)
class Query:
    """Ask which methods match the OSC address pattern `pattern`."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Notify:
    """Start or stop receiving events."""

    on: bool


@dataclass(frozen=True, slots=True)
class Panic:
    """Stop everything; `trigger` is False for the release of a momentary button."""

    trigger: bool


@dataclass(frozen=True, slots=True)
class VoiceName:
    """Load or unload the voice `voice`."""

    voice: str


@dataclass(frozen=True, slots=True)
class GenerateCommand:
    """`/drift/generate`, and the common part of `/drift/vary`.

    Attributes:
        job: as sent; -1 lets the server choose (`OscCall.job` holds the one in force).
        voice: name, or None for the engine's default voice.
        prompt, negative: words, "" when left out.
        seed: 0..2**63-1, or None to let the engine choose.
        steps: sampler steps, or None for the voice's default.
        count: variations.
        duration: seconds, or None for the voice's default.
        note: MIDI note 0..127, or None.
        guidance: classifier-free guidance scale, or None.
        brightness .. loudness: 0..1, or None for what the prompt says.
        source: id of the clip to start from, or None.
        strength: 0 keeps the source, 1 ignores it.
        bars, bpm, loop, rate: exact length at a tempo, seamless, sample rate in hertz.
        mask_start, mask_end: region of `source` to make anew, in seconds.
        clip_a, clip_b: ids of clips to make a sound between.
        morph: a second prompt; `mix` says how far to it, or to `clip_b`.
    """

    job: int
    voice: str | None
    prompt: str
    negative: str
    seed: int | None
    steps: int | None
    count: int
    duration: float | None
    bars: float | None
    bpm: float | None
    loop: bool
    rate: int | None
    note: int | None
    guidance: float | None
    brightness: float | None
    depth: float | None
    noisiness: float | None
    attack: float | None
    length: float | None
    loudness: float | None
    source: str | None
    strength: float
    mask_start: float | None
    mask_end: float | None
    clip_a: str | None
    clip_b: str | None
    morph: str
    mix: float

    @property
    def descriptors(self) -> dict[str, float]:
        """The descriptors that were given, by name, each 0..1."""
        values = {name: getattr(self, name) for name in DESCRIPTOR_KEYS}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class VaryCommand:
    """`/drift/vary`: `count` variations of `clip`, `strength` 0 (same) .. 1 (new)."""

    job: int
    clip: str
    strength: float
    count: int
    prompt: str | None
    seed: int | None
    steps: int | None
    loop: bool
    bars: float | None
    bpm: float | None
    rate: int | None


@dataclass(frozen=True, slots=True)
class InpaintCommand:
    """Make `clip` anew from `start` to `end` seconds."""

    job: int
    clip: str
    start: float
    end: float
    strength: float
    prompt: str | None
    seed: int | None
    steps: int | None
    count: int


@dataclass(frozen=True, slots=True)
class ContinueCommand:
    """Go on from the end of `clip` for `seconds`."""

    job: int
    clip: str
    seconds: float
    prompt: str | None
    seed: int | None
    steps: int | None
    count: int


@dataclass(frozen=True, slots=True)
class InterpolateCommand:
    """The clip at `mix` between two clips, or `points` clips from one to the other."""

    job: int
    clip_a: str
    clip_b: str
    mix: float
    points: int
    prompt: str | None
    seed: int | None
    steps: int | None


@dataclass(frozen=True, slots=True)
class SketchCommand:
    """Follow the curves of `clip` ("" = none); `loudness` and `brightness` are drawn over them.

    The two are numbers 0..1 separated by spaces, "" = not drawn.
    """

    job: int
    clip: str
    prompt: str
    loudness: str
    brightness: str
    duration: float | None
    bars: float | None
    bpm: float | None
    loop: bool
    rate: int | None
    seed: int | None
    steps: int | None
    count: int
    voice: str | None


@dataclass(frozen=True, slots=True)
class ResynthesiseCommand:
    """Send `clip` through the codec of `voice`."""

    job: int
    clip: str
    voice: str | None


@dataclass(frozen=True, slots=True)
class AgainCommand:
    """Make `clip` again from its record."""

    job: int
    clip: str


@dataclass(frozen=True, slots=True)
class CancelCommand:
    """Cancel `job`, or every job when it is -1."""

    job: int


@dataclass(frozen=True, slots=True)
class ClipList:
    """`limit` clips from `offset`, newest first; `search` filters by words, "" takes all."""

    offset: int
    limit: int
    search: str


@dataclass(frozen=True, slots=True)
class ClipId:
    """One clip of the library."""

    clip: str


@dataclass(frozen=True, slots=True)
class ClipExport:
    """Write `clip` as a sound file to `path`; None or "" picks a name in the export folder.

    `rate` is in hertz, None for the clip's own; `format` counts where `path` says none.
    """

    clip: str
    path: str | None
    rate: int | None
    depth: str
    format: str


@dataclass(frozen=True, slots=True)
class ClipFavourite:
    """Mark or unmark `clip` as a favourite."""

    clip: str
    on: bool


@dataclass(frozen=True, slots=True)
class ClipName:
    """Give `clip` a `name`; "" takes the name away."""

    clip: str
    name: str


@dataclass(frozen=True, slots=True)
class ClipTag:
    """Add `tag` to `clip`, or take it away when `on` is False."""

    clip: str
    tag: str
    on: bool


@dataclass(frozen=True, slots=True)
class OscStatus:
    """What `/drift/status` reports.

    Attributes:
        state: "starting", "ready" or "busy".
        device: where voices run, such as "cpu" or "cuda".
        voices: voices that can be loaded.
        running, queued: jobs of every door.
        clips: clips in the library.
        uptime_s: seconds since the engine started.
        audio: sound device that plays, or "".
        xruns: times it ran dry since the start.
    """

    state: str
    device: str
    voices: int
    running: int
    queued: int
    clips: int
    uptime_s: float
    audio: str = ""
    xruns: int = 0


@dataclass(frozen=True, slots=True)
class OscVoice:
    """One line of `/drift/voice/list`; `loaded` means that its network is in memory."""

    name: str
    version: str
    sample_rate: int
    channels: int
    max_seconds: float
    loaded: bool
    description: str


@dataclass(frozen=True, slots=True)
class OscClip:
    """One clip as `/drift/clip/list` and `/drift/clip/get` report it.

    `tags` are joined by spaces in the message; `created` is seconds since the epoch.
    """

    id: str
    name: str
    seconds: float
    sample_rate: int
    channels: int
    seed: int
    index: int
    steps: int
    voice: str
    prompt: str
    favourite: bool
    tags: tuple[str, ...]
    created: float
