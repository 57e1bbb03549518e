"""The denoiser behind the OSC door: one clip after another on a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable

from bridge import denoise_requests as requests
from bridge.osc_call import OscCall
from engine.denoising.voice import Denoiser, find_denoiser
from engine.doors.slow_work import CancellableWork
from engine.errors import Cancelled, NotFound
from engine.jobs import Engine
from engine.jobs.denoised import DenoisedClip, DenoiseOptions, denoised_clip


class PendingDenoise:
    """A clip that waits to be denoised, or is."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()

    def cancel(self) -> bool:
        """End it at its next block; False when that was asked for before. [any]"""
        before = self._cancelled.is_set()
        self._cancelled.set()
        return not before

    def check(self) -> None:
        """Raise Cancelled when somebody asked for it."""
        if self._cancelled.is_set():
            raise Cancelled("cancelled before the clip was denoised")


class DenoiseDoor:
    """Implements `bridge.denoise_handler.DenoiseHandler`. [OSC receive thread]"""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.work = CancellableWork("osc denoise")
        self._denoiser: Denoiser | None = None  # opened when first used

    def denoise(self, call: OscCall, request: requests.DenoiseCommand) -> None:
        """Denoise a clip."""
        pending = PendingDenoise()

        def work() -> Callable[[], None]:
            made = self._make(call, request, pending)

            def answer() -> None:
                call.clip_added(made.clip.id, 0, 0, made.clip.seconds)
                call.done(made.clip.id, made.clip.milliseconds, made.reduction_db)

            return answer

        self.work.queue(call, pending, work)

    def _make(
        self, call: OscCall, request: requests.DenoiseCommand, pending: PendingDenoise
    ) -> DenoisedClip:
        def progress(share: float) -> None:
            pending.check()
            call.progress(share, round(100 * share), 100)

        pending.check()
        if self._engine.library is None:
            raise NotFound("there is no library to keep the clip in; start the engine with one")
        clip = self._engine.clip(request.clip)
        if self._denoiser is None:
            self._denoiser = find_denoiser()
        learn = (request.learn_start, request.learn_end) if request.learn_end else None
        options = DenoiseOptions(request.amount, learn, request.delta, request.quality)
        made = denoised_clip(clip, self._denoiser, options, progress)
        self._engine.wait_stored(clip.id)
        self._engine.library.add(made.clip)
        return made
