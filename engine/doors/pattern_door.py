"""Drum loops behind the OSC door: plan, generate, mix, store, and write the MIDI file."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from bridge import pattern_requests as requests
from bridge.osc_call import OscCall
from engine.doors.common import chosen_export_path
from engine.doors.slow_work import CancellableWork, SlowWork
from engine.errors import BadRange, Cancelled, NotFound, StorageError
from engine.jobs import Engine
from engine.library import record_of
from engine.library.file_names import clip_stem, write_new
from engine.library.request_record import check_voice
from engine.patterns.loop import LoopRun
from engine.patterns.midi import midi_bytes
from engine.patterns.plan import Options, Plan, plan_again, plan_of, sounds_of

_SUFFIXES = (".mid", ".midi")


class PendingLoop:
    """A loop that was asked for, whether it is planned, waits or is being made."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._run: LoopRun | None = None
        self._cancelled = False

    def cancel(self) -> bool:
        """End it at its next sampler step; False when that was asked for before. [any]"""
        with self._lock:
            before, self._cancelled, run = self._cancelled, True, self._run
        if run is not None:
            run.cancel()
        return not before

    def begin(self, run: LoopRun | None = None) -> None:
        """Take up the run, so that it can be cancelled; raises Cancelled when it was."""
        with self._lock:
            self._run = run
            if self._cancelled:
                raise Cancelled("cancelled before its sounds were made")


class PatternDoor:
    """Implements `bridge.pattern_handler.PatternHandler`. [OSC receive thread]

    Loops are made one after another on a thread of their own; their hits are jobs of the engine
    like any other. `slow` does what is quick; `exports` is the folder for files.
    """

    def __init__(
        self, engine: Engine, slow: SlowWork, *, default_voice: str, exports: Path
    ) -> None:
        self._engine = engine
        self._slow = slow
        self._default_voice = default_voice
        self._exports = exports
        self.work = CancellableWork("osc loops")

    def pattern(self, call: OscCall, request: requests.PatternCommand) -> None:
        """Make a loop."""
        pending = PendingLoop()
        self.work.queue(call, pending, lambda: self._make(call, request, pending))

    def clip_midi(self, call: OscCall, request: requests.ClipMidi) -> None:
        """Write the MIDI file of a loop from its record."""

        def work() -> None:
            record = self._engine.record(request.clip)
            try:
                plan = plan_again(record.conditions, voice=record.voice, seed=0, steps=0)
            except BadRange as error:
                raise NotFound(f"clip {record.id[:8]}: {error}") from None
            midi = midi_bytes(plan.pattern)
            if request.path:
                path = chosen_export_path(self._exports, request.path).absolute()
                if path.suffix.lower() not in _SUFFIXES:
                    raise BadRange(f"{path.name}: expected a name that ends in .mid")
                written = write_new(path.parent, path.stem, path.suffix, midi)
            else:
                written = write_new(self._exports, clip_stem(record), ".mid", midi)
            call.done(str(written))

        self._slow.later(call, work)

    def _make(
        self, call: OscCall, request: requests.PatternCommand, pending: PendingLoop
    ) -> Callable[[], None]:
        """Makes the loop; returns what answers with it."""
        pending.begin()
        run = LoopRun(
            self._engine,
            self._plan(request),
            origin=f"osc {call.peer.host}:{call.peer.port}",
            on_progress=call.progress,
        )
        pending.begin(run)
        loop = run.run()
        clip = loop.clip
        call.clip_added(clip.id, clip.index, clip.seed, clip.seconds)
        midi = write_new(self._exports, clip_stem(record_of(clip)), ".mid", loop.midi)
        if loop.unstored is not None:
            raise StorageError(f"the loop is not kept in the library: {loop.unstored}")
        return lambda: call.done(
            clip.id, clip.milliseconds, str(midi), " ".join(clip.words_unknown)
        )

    def _plan(self, request: requests.PatternCommand) -> Plan:
        if request.again:
            made = self._engine.record(request.again)
            plan = plan_again(made.conditions, voice=made.voice, seed=made.seed, steps=made.steps)
            check_voice(made, self._engine.voices.find(made.voice).hash)
            return plan
        pairs = [pair for pair in request.sounds.split(";") if pair.strip()]
        return plan_of(
            Options(
                words=request.words,
                midi=Path(request.midi) if request.midi else None,
                beat=Path(request.beat).expanduser() if request.beat else None,
                bars=request.bars,
                bpm=request.bpm,
                swing=request.swing,
                humanise=request.humanise,
                fill=request.fill,
                quantise=request.quantise,
                grid=request.grid,
                sounds=sounds_of(pairs),
                voice=request.voice or self._default_voice,
                seed=request.seed,
                steps=request.steps,
                sample_rate=request.rate,
                stereo=request.stereo,
            )
        )
