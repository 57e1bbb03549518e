"""The plain values that pass between the parts of the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]

DESCRIPTORS = (
    "brightness",
    "depth",
    "noisiness",
    "attack",
    "length",
    "loudness",
    "pitch",
)
"""Names of the measured descriptors, in the order in which a denoiser receives them.

Each is normalised to 0..1 by the quantiles of the voice's training set.
"""


@dataclass(frozen=True, slots=True)
class Inpaint:
    """Make a region of the source anew; the rest of it stays as it is, to the bit.

    start, end: the region in seconds. strength: how far the region leaves what was there, 0..1.
    """

    start: float
    end: float
    strength: float = 1.0


@dataclass(frozen=True, slots=True)
class Continue:
    """Go on from the source's end for `seconds`; what was there stays."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Interpolate:
    """Go from the source to `other`.

    points: evenly spaced sounds, both ends included: variation k is point k. 0 = the one at `mix`.
    mix: 0 is the source, 1 the other. strength: how much the sounds between the two ends are
    made anew; 0 = a straight line of latents.
    """

    points: int = 0
    mix: float = 0.5
    strength: float = 0.3


@dataclass(frozen=True, slots=True)
class Sketch:
    """Follow two curves over time, drawn or measured from the source.

    Each is points 0..1 evenly spaced from begin to end, empty = that of the source. loudness:
    -60 dB to 0 dB. brightness: the spectral centroid, 20 Hz and ten octaves up.
    """

    loudness: tuple[float, ...] = ()
    brightness: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Resynthesise:
    """Send the source through the voice's codec: to latents and back."""


Operation = Inpaint | Continue | Interpolate | Sketch | Resynthesise
"""What to do with a source, when it is not simply varied."""


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """One request for sound, whichever door it came in by.

    Attributes:
        voice: name of the voice.
        prompt: words; the answer says which were understood.
        negative: words to move away from.
        seed: 0..2**63-1, or None to let the engine choose (the clip tells which).
        steps: sampler steps, 1..64 (a shipped voice is tuned for 1..8).
        count: variations, 1..64; variation k uses the noise stream (seed, k).
        first: number of the first variation.
        seconds: length of each clip; None takes the voice's own default.
        bars, bpm, beats: length as `bars` of `beats` at a tempo; wins over `seconds`.
        loop: end and beginning join without a seam.
        rate: sample rate of the clips in hertz; None takes the source's, else the voice's.
        note: MIDI note 0..127 as target pitch, or None.
        guidance: classifier-free guidance scale, or None when it is folded into the voice.
        descriptors: descriptor name -> value 0..1; overrides the words.
        biases: descriptor name -> offset -1..1 added to what the words say (0.5 when silent).
        source: audio `(C, T)` float32 at `source_rate` to vary, or None.
        source_rate: sample rate of `source` in hertz.
        source_id: clip id of the source, for the record.
        strength: 0 keeps the source, 1 ignores it.
        morph: words of a second prompt.
        mix: 0 is `prompt` alone, 1 is `morph` alone.
        operation: what to do with the source; None varies it.
        other, other_rate, other_id: a second source, as the first.
        source_name, other_name: what to call a source that is not a clip yet.
    """

    voice: str = "drums"
    prompt: str = ""
    negative: str = ""
    seed: int | None = None
    steps: int = 4
    count: int = 1
    first: int = 0
    seconds: float | None = None
    bars: float | None = None
    bpm: float | None = None
    beats: int = 4
    loop: bool = False
    rate: int | None = None
    note: int | None = None
    guidance: float | None = None
    descriptors: Mapping[str, float] = field(default_factory=dict)
    biases: Mapping[str, float] = field(default_factory=dict)
    source: FloatArray | None = None
    source_rate: int = 0
    source_id: str = ""
    strength: float = 0.5
    morph: str = ""
    mix: float = 0.0
    operation: Operation | None = None
    other: FloatArray | None = None
    other_rate: int = 0
    other_id: str = ""
    source_name: str = ""
    other_name: str = ""


@dataclass(frozen=True, slots=True)
class Generated:
    """One variation as the runtime returns it.

    Attributes:
        audio: `(C, T)` float32 on the 24-bit grid k / 2**23.
        words_understood: prompt words that decided something.
        words_unknown: prompt words that decided nothing.
        conditions: what the network was told, for the record (category, descriptors).
        sample_rate: in hertz; 0 = the voice's own.
    """

    audio: FloatArray
    words_understood: tuple[str, ...] = ()
    words_unknown: tuple[str, ...] = ()
    conditions: Mapping[str, object] = field(default_factory=dict)
    sample_rate: int = 0


@dataclass(frozen=True, slots=True)
class Clip:
    """A finished sound and everything needed to make it again.

    Attributes:
        id: 32 hexadecimal digits, unique in a library.
        audio: `(C, T)` float32 on the 24-bit grid.
        sample_rate: in hertz.
        seed, index: noise stream of this variation.
        voice, voice_hash: the model that made it.
        prompt, negative, steps, conditions: as requested and understood.
        parents: ids of the clips it was made from.
        request: everything else that was asked for, as plain values; with the fields above it
            makes the clip again (engine.library.request_record).
        milliseconds: time the variation took.
        created: seconds since the epoch.
    """

    id: str
    audio: FloatArray
    sample_rate: int
    seed: int
    index: int
    voice: str
    voice_hash: str
    prompt: str
    negative: str
    steps: int
    words_understood: tuple[str, ...]
    words_unknown: tuple[str, ...]
    conditions: Mapping[str, object]
    parents: tuple[str, ...]
    milliseconds: float
    created: float
    request: Mapping[str, object] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Length of the clip in seconds."""
        return float(self.audio.shape[-1] / self.sample_rate)
