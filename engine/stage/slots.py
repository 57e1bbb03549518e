"""Sixteen slots: what each shall sound like, the clip it has, and how it is hit."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, TypedDict, Unpack

from engine.errors import BadRange, Busy, DriftwaveError, NotFound, StorageError
from engine.jobs import Engine, Job, JobListener, Priority, Progress
from engine.stage.controls import Control, Controls
from engine.stage.sound import SLOTS, Sound
from engine.types import Clip, FloatArray, GenerateRequest

QUANTISE: Final = ("off", "beat", "bar")
_LEVELS: Final = (
    ("gain", -60.0, 12.0, False),
    ("pan", -1.0, 1.0, False),
    ("pitch", -24.0, 24.0, False),
    ("choke", 0.0, 4.0, True),
)
"""Name, range and whether only whole numbers; the defaults are 0. As in cpp/shim/parameters.h."""


@dataclass(frozen=True, slots=True)
class SlotSound:
    """The clip that a slot plays.

    Attributes:
        id: of the clip in the library.
        prompt: words it was made from.
        audio: `(C, T)` float32.
        sample_rate: in hertz.
    """

    id: str
    prompt: str
    audio: FloatArray
    sample_rate: int

    @property
    def seconds(self) -> float:
        """Length."""
        return float(self.audio.shape[-1] / self.sample_rate)


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot.

    Attributes:
        prompt, negative: words for its next sound.
        voice: "" for the engine's default.
        seed: -1 for a new one each time.
        note: MIDI note as target pitch, -1 for none.
        sound: what it plays, or None.
        waiting: sounds being made for it.
    """

    prompt: str = ""
    negative: str = ""
    voice: str = ""
    seed: int = -1
    note: int = -1
    sound: SlotSound | None = None
    waiting: int = 0


class SlotFields(TypedDict, total=False):
    """What of a slot is told rather than made."""

    prompt: str
    negative: str
    voice: str
    seed: int
    note: int


class SlotWatcher:
    """What others hear of the slots; override what you need. Called by any thread."""

    def slot_changed(self, slot: int, sound: SlotSound | None) -> None:
        """A slot has another sound."""

    def slot_edited(self, slot: int, field: str, origin: object) -> None:
        """A field of `Slot` that a person sets has another value."""

    def slot_hit(self, slot: int, velocity: int) -> None:
        """A slot was hit."""


class Slots:
    """The slots of a stage, numbered from 1. Any thread."""

    def __init__(
        self,
        engine: Engine,
        sound: Sound,
        controls: Controls,
        *,
        default_voice: str,
        beats_in_bar: Callable[[], float],
    ) -> None:
        self._engine = engine
        self._sound = sound
        self._controls = controls
        self._default_voice = default_voice
        self._beats_in_bar = beats_in_bar
        self._lock = threading.Lock()
        self._placing = threading.Lock()  # held while a sound is encoded, which no hit waits for
        self._slots = [Slot() for _ in range(SLOTS)]
        self._watchers: list[SlotWatcher] = []
        self._tickets = itertools.count(1)
        self._placed = [0] * SLOTS
        for slot in range(1, SLOTS + 1):
            self._add_controls(slot)

    def watch(self, watcher: SlotWatcher) -> None:
        """Tell `watcher` from now on."""
        self._watchers.append(watcher)

    def __getitem__(self, slot: int) -> Slot:
        """What a slot is now. Raises BadRange."""
        with self._lock:
            return self._slots[_place(slot)]

    def edit(self, slot: int, origin: object = None, **fields: Unpack[SlotFields]) -> None:
        """Set prompt, negative, voice, seed or note of a slot."""
        place = _place(slot)
        with self._lock:
            self._slots[place] = replace(self._slots[place], **fields)
        for watcher in self._watchers:
            for field in fields:
                watcher.slot_edited(slot, field, origin)

    def put(self, slot: int, sound: SlotSound | None) -> None:
        """Give a slot a sound, or take it away. What sounds goes on to its end."""
        self._place(slot, sound, next(self._tickets))

    def put_clip(self, slot: int, clip_id: str) -> None:
        """Put a clip of the library on a slot. Raises NotFound, StorageError."""
        ticket = next(self._tickets)
        clip = self._engine.clip(clip_id)
        self._place(slot, slot_sound(clip), ticket)

    def generate(
        self,
        slot: int,
        *,
        origin: str,
        listener: JobListener | None = None,
        job_id: int = -1,
    ) -> Job:
        """Make a new sound for a slot from its words; it plays it once it is there.

        Of two under way the one asked for last stays, whichever comes last. Raises what
        `Engine.submit` raises.
        """
        wanted = self[slot]
        voice = wanted.voice or self._default_voice
        request = GenerateRequest(
            voice=voice,
            prompt=wanted.prompt,
            negative=wanted.negative,
            seed=wanted.seed if wanted.seed >= 0 else None,
            note=wanted.note if wanted.note >= 0 else None,
            steps=self._engine.voices.default_steps(voice),
        )
        to_slot = _ToSlot(self, slot, next(self._tickets), listener or JobListener())
        return self._engine.submit(
            request,
            priority=Priority.INTERACTIVE,
            origin=origin,
            listener=to_slot,
            job_id=job_id,
        )

    def hit(
        self,
        slot: int,
        velocity: int = 127,
        *,
        quantise: str | None = None,
        at_s: float | None = None,
    ) -> None:
        """Play a slot, velocity 1..127, at once or with the next beat or bar; 0 lets go.

        With `at_s`, a moment of the monotonic clock, then and whatever the beat. Raises NotFound
        for an empty slot, Busy when there is nothing to hear it on.
        """
        if velocity <= 0:
            self._sound.let_go(slot, at_s)
            return
        if self[slot].sound is None:
            raise NotFound(
                f"slot {slot} has no sound: generate one, or put a clip on it with slot/{slot}/clip"
            )
        if self._sound.trouble:
            raise Busy(self._sound.trouble)
        if not self._sound.hit(slot, min(velocity, 127), self._grid(slot, quantise), at_s):
            raise Busy(f"slot {slot}: too many hits wait for their beat; send panic to forget them")
        for watcher in self._watchers:
            watcher.slot_hit(slot, min(velocity, 127))

    def stop(self, slot: int, at_s: float | None = None) -> None:
        """Fade a slot out, now or at a moment of the monotonic clock."""
        self._sound.stop(slot, at_s)

    def _grid(self, slot: int, quantise: str | None) -> float:
        """Beats whose multiples a hit waits for; 0: none."""
        grid = self._controls.value(f"slot/{slot}/quantise") if quantise is None else quantise
        return {"off": 0.0, "beat": 1.0}.get(str(grid), self._beats_in_bar())

    def _place(self, slot: int, sound: SlotSound | None, ticket: int) -> None:
        place = _place(slot)
        with self._placing:
            if ticket < self._placed[place]:
                return
            self._placed[place] = ticket
            if sound is None:
                self._sound.clear(slot)
            else:
                self._sound.set_clip(slot, sound.audio, sound.sample_rate)
            with self._lock:
                self._slots[place] = replace(self._slots[place], sound=sound)
        for watcher in self._watchers:
            watcher.slot_changed(slot, sound)

    def _waits(self, slot: int, change: int) -> None:
        place = _place(slot)
        with self._lock:
            before = self._slots[place]
            self._slots[place] = replace(before, waiting=before.waiting + change)

    def _add_controls(self, slot: int) -> None:
        def level(name: str) -> Callable[[float], None]:
            return lambda value: self._sound.set_level(slot, name, value)

        for name, low, high, whole in _LEVELS:
            self._controls.add(
                Control(f"slot/{slot}/{name}", low, high, 0.0, level(name), whole=whole)
            )
        self._controls.add(
            Control(
                f"slot/{slot}/quantise", 0.0, 2.0, 0.0, lambda _: None, whole=True, choices=QUANTISE
            )
        )
        for name, act in (
            ("play", lambda value: self.hit(slot, round(value * 127))),
            ("stop", lambda value: self.stop(slot) if value > 0 else None),
            ("generate", lambda value: self._push(slot) if value > 0 else None),
        ):
            self._controls.add(
                Control(f"slot/{slot}/{name}", 0.0, 1.0, 0.0, act, kept=False, button=True)
            )

    def _push(self, slot: int) -> None:
        self.generate(slot, origin="midi")


class _ToSlot(JobListener):
    """Puts the clips of a job on a slot, then tells whoever asked."""

    def __init__(self, slots: Slots, slot: int, ticket: int, then: JobListener) -> None:
        self._slots = slots
        self._slot = slot
        self._ticket = ticket
        self._then = then

    def queued(self, job: Job, position: int) -> None:
        """The job was accepted."""
        self._slots._waits(self._slot, 1)
        self._then.queued(job, position)

    def progress(self, job: Job, progress: Progress) -> None:
        """A step is done."""
        self._then.progress(job, progress)

    def clip(self, job: Job, clip: Clip) -> None:
        """The sound is there: it can be played before anybody hears of it."""
        self._slots._place(self._slot, slot_sound(clip), self._ticket)
        self._then.clip(job, clip)

    def not_stored(self, job: Job, clip: Clip, error: StorageError) -> None:
        """The slot has it nonetheless."""
        self._then.not_stored(job, clip, error)

    def done(self, job: Job) -> None:
        """The last word."""
        self._slots._waits(self._slot, -1)
        self._then.done(job)

    def fail(self, job: Job, error: DriftwaveError) -> None:
        """The last word: the slot keeps what it had."""
        self._slots._waits(self._slot, -1)
        self._then.fail(job, error)


def slot_sound(clip: Clip) -> SlotSound:
    """A clip as a slot holds it."""
    return SlotSound(clip.id, clip.prompt, clip.audio, clip.sample_rate)


def _place(slot: int) -> int:
    if not 1 <= slot <= SLOTS:
        raise BadRange(f"slot {slot}: expected 1 to {SLOTS}")
    return slot - 1
