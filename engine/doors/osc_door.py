"""The OSC door: OSC requests become jobs, job events become OSC replies."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING

from bridge import osc_requests as requests
from bridge.osc_call import OscCall
from engine.doors.common import chosen_export_path, device_name
from engine.doors.denoise_door import DenoiseDoor, PendingDenoise
from engine.doors.library_door import LibraryDoor, osc_clip
from engine.doors.osc_operations import Asked, asked_of
from engine.doors.pattern_door import PatternDoor, PendingLoop
from engine.doors.slow_work import SlowWork
from engine.errors import DriftwaveError, StorageError
from engine.jobs import ALL_JOBS, Engine, Job, JobListener, Priority, Progress
from engine.jobs.again import request_for
from engine.jobs.job import as_driftwave_error
from engine.library import Library, Search, Wanted
from engine.library.export import export_beside, export_clip
from engine.types import Clip, GenerateRequest

if TYPE_CHECKING:
    from engine.doors.stage_door import StageDoor

log = logging.getLogger(__name__)


class CallListener(JobListener):
    """Reports one job to the sender of one call."""

    def __init__(self, call: OscCall) -> None:
        self._call = call
        self._unstored: list[StorageError] = []

    def queued(self, job: Job, position: int) -> None:
        """The job was accepted."""
        self._call.token = job
        self._call.queued(position)

    def progress(self, job: Job, progress: Progress) -> None:
        """A step is done."""
        self._call.progress(progress.fraction, progress.step, progress.steps, progress.eta_s)

    def clip(self, job: Job, clip: Clip) -> None:
        """A variation is finished."""
        self._call.clip_added(clip.id, clip.index, clip.seed, clip.seconds)

    def not_stored(self, job: Job, clip: Clip, error: StorageError) -> None:
        """Said at the end, so that the remaining clips still arrive."""
        self._unstored.append(error)

    def done(self, job: Job) -> None:
        """The last word: done, or that the clips are not in the library."""
        if self._unstored:
            self._call.fail(
                StorageError.code,
                f"{job.made} clips made, {len(self._unstored)} of them not kept in the library: "
                f"{self._unstored[0]}",
            )
            return
        self._call.done(
            job.made,
            job.elapsed_ms,
            " ".join(job.words_understood),
            " ".join(job.words_unknown),
        )

    def fail(self, job: Job, error: DriftwaveError) -> None:
        """The last word: why there is no sound."""
        self._call.fail(error.code, str(error))


class OscDoor:
    """Implements `bridge.osc_handler.OscHandler` for an engine. [OSC receive thread]

    `default_voice` is used when a request names none; `exports` is the folder for files; `stage`
    answers the methods of the stage.
    """

    def __init__(
        self,
        engine: Engine,
        library: Library,
        *,
        default_voice: str,
        exports: Path,
        stage: StageDoor,
    ) -> None:
        self.stage = stage
        self._engine = engine
        self._library = library
        self._default_voice = default_voice
        self._exports = exports
        self._slow = SlowWork("osc slow")
        self.library = LibraryDoor(library, self._slow, exports=exports, settle=engine.settle)
        self.patterns = PatternDoor(
            engine, self._slow, default_voice=default_voice, exports=exports
        )
        self.denoiser = DenoiseDoor(engine)

    def close(self) -> None:
        """End the threads for slow work."""
        self.patterns.work.close()
        self.denoiser.work.close()
        self.library.close()
        self._slow.close()

    def status(self, call: OscCall, request: requests.Nothing) -> None:
        """Report what the engine is doing."""
        status = self._engine.status()
        state = "busy" if status.running else "ready" if status.loaded else "starting"
        call.status(
            requests.OscStatus(
                state=state,
                device=device_name(status.device),
                voices=len(self._engine.voices.names()),
                running=int(status.running),
                queued=status.waiting,
                clips=self._library.count(),
                uptime_s=status.uptime_s,
                audio=self.stage.sound.device,
                xruns=self.stage.sound.xruns,
            )
        )

    def panic(self, call: OscCall, request: requests.Panic) -> None:
        """Cancel every job of every door and silence the stage."""
        self.stage.panic()
        self._cancel_all()
        call.done()

    def list_voices(self, call: OscCall, request: requests.Nothing) -> None:
        """Report every voice on disk."""

        def work() -> None:
            voices = self._engine.voices.voices()
            loaded = self._engine.status().loaded
            for voice in voices:
                call.voice(
                    requests.OscVoice(
                        name=voice.name,
                        version=voice.version,
                        sample_rate=voice.sample_rate,
                        channels=voice.channels,
                        max_seconds=voice.max_seconds,
                        loaded=voice.name in loaded,
                        description=voice.description,
                    )
                )
            call.done(len(voices))

        self._slow.later(call, work)

    def load_voice(self, call: OscCall, request: requests.VoiceName) -> None:
        """Load a voice; answered when it is in memory."""
        self._engine.voices.find(request.voice)
        self._when_done(call, self._engine.load_voice(request.voice))

    def unload_voice(self, call: OscCall, request: requests.VoiceName) -> None:
        """Drop a voice from memory."""
        self._engine.voices.find(request.voice)
        self._when_done(call, self._engine.unload_voice(request.voice))

    def generate(self, call: OscCall, request: requests.GenerateCommand) -> None:
        """Make new clips."""
        self._ask(call, request)

    def vary(self, call: OscCall, request: requests.VaryCommand) -> None:
        """Make variations of a clip with the voice that made it."""
        self._ask(call, request)

    def inpaint(self, call: OscCall, request: requests.InpaintCommand) -> None:
        """Make a region of a clip anew."""
        self._ask(call, request)

    def continue_clip(self, call: OscCall, request: requests.ContinueCommand) -> None:
        """Go on from the end of a clip."""
        self._ask(call, request)

    def interpolate(self, call: OscCall, request: requests.InterpolateCommand) -> None:
        """Make clips between two clips."""
        self._ask(call, request)

    def sketch(self, call: OscCall, request: requests.SketchCommand) -> None:
        """Make a clip that follows curves."""
        self._ask(call, request)

    def resynthesise(self, call: OscCall, request: requests.ResynthesiseCommand) -> None:
        """Send a clip through a voice's codec."""
        self._ask(call, request)

    def again(self, call: OscCall, request: requests.AgainCommand) -> None:
        """Make a clip again from its record; its sources are read from the disk first."""

        def work() -> None:
            self._engine.wait_stored(request.clip)
            record = self._engine.record(request.clip)
            self._submit(call, request_for(record, self._engine))

        self._slow.later(call, work)

    def cancel(self, call: OscCall, request: requests.CancelCommand) -> None:
        """Cancel one job of the sender, or every job of every door."""
        if request.job == ALL_JOBS:
            call.done(self._cancel_all())
            return
        cancelled = sum(self._cancelled(found.token) for found in call.find(request.job))
        if cancelled:
            call.done(cancelled)
        else:
            call.fail("not_found", f"job {request.job}: not waiting or running; it may be done")

    def _cancel_all(self) -> int:
        """Cancel every job of every door; returns how many."""
        beside = self.patterns.work.cancel_all() + self.denoiser.work.cancel_all()
        return beside + self._engine.cancel(ALL_JOBS)

    def _cancelled(self, job: object) -> bool:
        """Cancel what a call began; False when it has ended."""
        if isinstance(job, PendingLoop | PendingDenoise):
            return job.cancel()
        return isinstance(job, Job) and self._engine.cancel_job(job)

    def list_clips(self, call: OscCall, request: requests.ClipList) -> None:
        """Report clips, newest first."""

        def work() -> None:
            self._engine.settle()
            found = self._library.search(
                text=request.search, limit=request.limit, offset=request.offset
            )
            for record in found:
                call.clip(osc_clip(record))
            call.done(len(found), self._library.count(Search(text=request.search)))

        self._slow.later(call, work)

    def get_clip(self, call: OscCall, request: requests.ClipId) -> None:
        """Report one clip."""
        call.clip(osc_clip(self._engine.record(request.clip)))
        call.done()

    def export_clip(self, call: OscCall, request: requests.ClipExport) -> None:
        """Write a clip as a sound file and answer with its path."""

        def work() -> None:
            clip, record = self._engine.clip(request.clip), self._engine.record(request.clip)
            if not request.path:
                wanted = Wanted(request.format, request.rate, request.depth)
                path = export_beside(clip, record, self._exports, wanted)
            else:
                path = chosen_export_path(self._exports, request.path)
                export_clip(clip, path, sample_rate=request.rate, depth=request.depth)
            call.done(str(path))

        self._slow.later(call, work)

    def favourite_clip(self, call: OscCall, request: requests.ClipFavourite) -> None:
        """Mark or unmark a clip."""
        self._curate(call, request.clip, lambda clip: self._library.favourite(clip, request.on))

    def name_clip(self, call: OscCall, request: requests.ClipName) -> None:
        """Name a clip."""
        self._curate(call, request.clip, lambda clip: self._library.name(clip, request.name))

    def tag_clip(self, call: OscCall, request: requests.ClipTag) -> None:
        """Put a tag on a clip or take it off."""
        self._curate(
            call, request.clip, lambda clip: self._library.tag(clip, request.tag, request.on)
        )

    def delete_clip(self, call: OscCall, request: requests.ClipId) -> None:
        """Move a clip to the trash."""
        self._curate(call, request.clip, self._library.delete)

    def _curate(self, call: OscCall, clip_id: str, change: Callable[[str], None]) -> None:
        """Change a clip of the library, once it is there."""

        def work() -> None:
            self._engine.wait_stored(clip_id)
            change(clip_id)
            call.done()

        self._slow.later(call, work)

    def _ask(self, call: OscCall, request: Asked) -> None:
        self._submit(call, asked_of(self._engine, self._default_voice, request))

    def _submit(self, call: OscCall, request: GenerateRequest) -> None:
        self._engine.submit(
            request,
            priority=Priority.INTERACTIVE,
            origin=f"osc {call.peer.host}:{call.peer.port}",
            listener=CallListener(call),
            job_id=call.job,
        )

    def _when_done(self, call: OscCall, future: Future[None] | Future[bool]) -> None:
        def answer(finished: Future[None] | Future[bool]) -> None:
            error = finished.exception()
            if error is None:
                call.done()
            else:
                known = as_driftwave_error(error)
                call.fail(known.code, str(known))

        future.add_done_callback(answer)
