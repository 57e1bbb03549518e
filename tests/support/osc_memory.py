"""An engine of decaying tones in memory, to test the OSC door without a voice."""

from __future__ import annotations

import itertools
import math
import queue
import struct
import threading
import wave
from array import array
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bridge import denoise_requests, pattern_requests, stage_requests, stage_space
from bridge import osc_requests as requests
from bridge.osc import OscCall, OscFault
from bridge.osc_spec import Value
from tests.support.osc_memory_library import MemoryLibrary

SAMPLE_RATE = 8_000
STEPS = 4


class MemoryHandler:
    """Implements `OscHandler`; jobs run on one worker thread, in order.

    Attributes:
        seen: every request in the order in which it was handled, with its command.
        gate: cleared by a test to hold the worker before its next job.
    """

    def __init__(self, export_folder: Path) -> None:
        self.seen: list[tuple[str, object]] = []
        self.stage = MemoryStage(self)
        self.patterns = MemoryPatterns(self)
        self.denoiser = MemoryDenoiser(self)
        self.gate = threading.Event()
        self.gate.set()
        self._folder = export_folder
        self._clips: dict[str, requests.OscClip] = {}
        self._audio: dict[str, array[float]] = {}
        self._loaded: set[str] = set()
        self._ids = itertools.count(1)
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._open: dict[int, OscCall] = {}
        self.library = MemoryLibrary(self.seen, self._clips)
        self._worker = threading.Thread(target=self._work, daemon=True)
        self._worker.start()

    def close(self) -> None:
        """End the worker."""
        self.gate.set()
        self._jobs.put(None)
        self._worker.join()

    def status(self, call: OscCall, request: requests.Nothing) -> None:
        self.seen.append((call.command, request))
        call.status(
            requests.OscStatus("ready", "cpu", 1, 0, self._jobs.qsize(), len(self._clips), 1.5)
        )

    def panic(self, call: OscCall, request: requests.Panic) -> None:
        self.seen.append((call.command, request))
        self._cancelled.update(self._open)
        call.done()

    def list_voices(self, call: OscCall, request: requests.Nothing) -> None:
        self.seen.append((call.command, request))
        call.voice(
            requests.OscVoice(
                "tone", "1", SAMPLE_RATE, 1, 2.0, "tone" in self._loaded, "A decaying tone"
            )
        )
        call.done(1)

    def load_voice(self, call: OscCall, request: requests.VoiceName) -> None:
        self.seen.append((call.command, request))
        self._check_voice(request.voice)

        def load() -> None:
            self._loaded.add(request.voice)
            call.done()

        self._jobs.put(load)

    def unload_voice(self, call: OscCall, request: requests.VoiceName) -> None:
        self.seen.append((call.command, request))
        self._check_voice(request.voice)
        self._loaded.discard(request.voice)
        call.done()

    def generate(self, call: OscCall, request: requests.GenerateCommand) -> None:
        self.seen.append((call.command, request))
        self._check_voice(request.voice or "tone")
        if request.source is not None:
            self._clip(request.source)
        self._submit(call, request.prompt, request.count, request.seed, request.duration or 0.1)

    def vary(self, call: OscCall, request: requests.VaryCommand) -> None:
        self.seen.append((call.command, request))
        clip = self._clip(request.clip)
        self._submit(call, request.prompt or clip.prompt, request.count, request.seed, clip.seconds)

    def inpaint(self, call: OscCall, request: requests.InpaintCommand) -> None:
        self._rework(call, request, request.clip, request.count, request.seed)

    def continue_clip(self, call: OscCall, request: requests.ContinueCommand) -> None:
        self._rework(call, request, request.clip, request.count, request.seed)

    def interpolate(self, call: OscCall, request: requests.InterpolateCommand) -> None:
        self._clip(request.clip_b)
        self._rework(call, request, request.clip_a, max(1, request.points), request.seed)

    def sketch(self, call: OscCall, request: requests.SketchCommand) -> None:
        self.seen.append((call.command, request))
        self._check_voice(request.voice or "tone")
        self._submit(call, request.prompt, request.count, request.seed, request.duration or 0.1)

    def resynthesise(self, call: OscCall, request: requests.ResynthesiseCommand) -> None:
        self._rework(call, request, request.clip, 1, None)

    def again(self, call: OscCall, request: requests.AgainCommand) -> None:
        self._rework(call, request, request.clip, 1, None)

    def cancel(self, call: OscCall, request: requests.CancelCommand) -> None:
        self.seen.append((call.command, request))
        if request.job == -1:
            targets = tuple(self._open.values())
        else:
            targets = call.find(request.job)
            if not targets:
                raise OscFault("not_found", f"cancel: no job {request.job} is at work")
        self._cancelled.update(target.serial for target in targets)
        call.done(len(targets))

    def list_clips(self, call: OscCall, request: requests.ClipList) -> None:
        self.seen.append((call.command, request))
        found = [clip for clip in tuple(self._clips.values()) if request.search in clip.prompt][
            ::-1
        ]
        page = found[request.offset : request.offset + request.limit]
        for clip in page:
            call.clip(clip)
        call.done(len(page), len(found))

    def get_clip(self, call: OscCall, request: requests.ClipId) -> None:
        self.seen.append((call.command, request))
        call.clip(self._clip(request.clip))
        call.done()

    def export_clip(self, call: OscCall, request: requests.ClipExport) -> None:
        self.seen.append((call.command, request))
        clip = self._clip(request.clip)
        path = Path(request.path) if request.path else self._folder / f"{clip.id}.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(SAMPLE_RATE)
            samples = [int(value * 32_767) for value in self._audio[clip.id]]
            file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
        call.done(str(path))

    def favourite_clip(self, call: OscCall, request: requests.ClipFavourite) -> None:
        self.seen.append((call.command, request))
        self._put(replace(self._clip(request.clip), favourite=request.on))
        call.done()

    def name_clip(self, call: OscCall, request: requests.ClipName) -> None:
        self.seen.append((call.command, request))
        self._put(replace(self._clip(request.clip), name=request.name))
        call.done()

    def tag_clip(self, call: OscCall, request: requests.ClipTag) -> None:
        self.seen.append((call.command, request))
        clip = self._clip(request.clip)
        tags = set(clip.tags) | {request.tag} if request.on else set(clip.tags) - {request.tag}
        self._put(replace(clip, tags=tuple(sorted(tags))))
        call.done()

    def delete_clip(self, call: OscCall, request: requests.ClipId) -> None:
        self.seen.append((call.command, request))
        del self._clips[self._clip(request.clip).id]
        call.done()

    def _rework(
        self, call: OscCall, request: object, clip_id: str, count: int, seed: int | None
    ) -> None:
        self.seen.append((call.command, request))
        clip = self._clip(clip_id)
        self._submit(call, clip.prompt, count, seed, clip.seconds)

    def _check_voice(self, name: str) -> None:
        if name != "tone":
            raise OscFault("no_voice", f"voice {name!r} is unknown; voices are: tone")

    def _clip(self, clip_id: str) -> requests.OscClip:
        clip = self._clips.get(clip_id)
        if clip is None:
            raise OscFault("not_found", f"clip {clip_id!r} is not in the library; send clip/list")
        return clip

    def _put(self, clip: requests.OscClip) -> None:
        self._clips[clip.id] = clip

    def _submit(
        self,
        call: OscCall,
        prompt: str,
        count: int,
        seed: int | None,
        seconds: float,
        ends: tuple[Value, ...] = (),
    ) -> None:
        self._open[call.serial] = call
        call.queued(len(self._open) - 1)
        ends = ends or (count, 1.0, prompt, "")
        self._jobs.put(lambda: self._make(call, prompt, count, seed or 0, seconds, ends))

    def _make(
        self,
        call: OscCall,
        prompt: str,
        count: int,
        seed: int,
        seconds: float,
        ends: tuple[Value, ...],
    ) -> None:
        for index in range(count):
            for step in range(STEPS):
                if call.serial in self._cancelled:
                    self._cancelled.discard(call.serial)
                    del self._open[call.serial]
                    call.fail("cancelled", f"job {call.job} was cancelled at step {step}")
                    return
                call.progress((index * STEPS + step + 1) / (count * STEPS), step + 1, STEPS, 0.0)
            frames = int(seconds * SAMPLE_RATE)
            audio = array(
                "f",
                (math.sin(n * 0.1 * (seed % 7 + 1)) * math.exp(-n / 400) for n in range(frames)),
            )
            clip_id = f"{next(self._ids):032x}"
            self._audio[clip_id] = audio
            self._put(
                requests.OscClip(
                    clip_id, "", frames / SAMPLE_RATE, SAMPLE_RATE, 1, seed, index, STEPS, "tone",
                    prompt, False, (), 1_700_000_000.0 + index,
                )
            )  # fmt: skip
            call.clip_added(clip_id, index, seed, frames / SAMPLE_RATE)
        del self._open[call.serial]
        call.done(*ends)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self.gate.wait()
            job()


class MemoryPatterns:
    """Implements `PatternHandler` beside a MemoryHandler: a loop is one tone."""

    def __init__(self, handler: MemoryHandler) -> None:
        self._handler = handler

    def pattern(self, call: OscCall, request: pattern_requests.PatternCommand) -> None:
        self._handler.seen.append((call.command, request))
        ends = ("", 1.0, "loop.mid", "")
        self._handler._submit(call, request.words, 1, request.seed, 0.1, ends)

    def clip_midi(self, call: OscCall, request: pattern_requests.ClipMidi) -> None:
        self._handler.seen.append((call.command, request))
        self._handler._clip(request.clip)
        call.done(request.path or "loop.mid")


class MemoryDenoiser:
    """Implements `DenoiseHandler` beside a MemoryHandler: the answer is one tone."""

    def __init__(self, handler: MemoryHandler) -> None:
        self._handler = handler

    def denoise(self, call: OscCall, request: denoise_requests.DenoiseCommand) -> None:
        self._handler.seen.append((call.command, request))
        self._handler._clip(request.clip)
        self._handler._submit(call, "", 1, None, 0.1, ("", 1.0, 0.0))


class MemoryStage:
    """Implements `StageHandler` beside a MemoryHandler: values are kept, nothing is heard."""

    def __init__(self, handler: MemoryHandler) -> None:
        self._handler = handler
        self._values: dict[str, Value] = {}

    def control(
        self,
        call: OscCall,
        request: stage_requests.SetNumber | stage_requests.SetText | stage_requests.SetSwitch,
    ) -> None:
        if request.value is None:
            call.item(stage_space.VALUE, call.method.address, self._values.get(call.command, 0.0))
        else:
            self._handler.seen.append((call.command, request))
            self._values[call.command] = request.value
        call.done()

    def stream_prompt(self, call: OscCall, request: stage_requests.StreamPrompt) -> None:
        self._handler.seen.append((call.command, request))
        if request.words is None:
            call.item(stage_space.VALUE, call.method.address, "", 1.0)
        call.done()

    def stream_status(self, call: OscCall, request: requests.Nothing) -> None:
        self._handler.seen.append((call.command, request))
        call.answer(stage_space.STREAM_REPLY, "off", "", 0, 0, 0, 0.0, 0.0)

    control_normalized = slot_clip = transport_beat = control

    def slot_generate(self, call: OscCall, request: stage_requests.SlotGenerate) -> None:
        self._handler.seen.append((call.command, request))
        if request.trigger:
            self._handler._submit(call, request.prompt or "", 1, 1, 0.1)
        else:
            call.done(0, 0.0, "", "")

    def act(self, call: OscCall, request: object) -> None:
        """Every method that only says how it ended."""
        self._handler.seen.append((call.command, request))
        kinds = {"i": 0, "f": 0.0, "s": ""}
        call.done(*(kinds[arg.kind.value] for arg in call.method.done or ()))

    slot_list = slot_play = slot_stop = slot_clear = transport_tap = meter = act
    midi_list = midi_open = midi_learn = midi_unlearn = act
    snapshot_list = snapshot_save = snapshot_recall = snapshot_delete = act
