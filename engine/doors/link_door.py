"""The plugins' door: link requests become jobs, finished clips cross shared memory."""

from __future__ import annotations

import logging
from collections.abc import Callable

from bridge.link_peer import LinkPeer
from bridge.link_requests import LinkCancel, LinkGenerate, LinkRequest
from engine import __version__
from engine.doors.common import device_name
from engine.doors.link_operations import request_of
from engine.errors import DriftwaveError, NotFound, StorageError
from engine.jobs import ALL_JOBS, Engine, Job, JobListener, Priority, Progress
from engine.types import Clip

log = logging.getLogger(__name__)


class PeerListener(JobListener):
    """Reports one job to the plugin that asked, and its clips to `announce`."""

    def __init__(self, peer: LinkPeer, announce: Callable[[Clip], None]) -> None:
        self._peer = peer
        self._announce = announce
        self._unstored: StorageError | None = None

    def queued(self, job: Job, position: int) -> None:
        """The job was accepted."""
        self._peer.send_queued(job.id, position)

    def progress(self, job: Job, progress: Progress) -> None:
        """A step is done."""
        self._peer.send_progress(
            job.id, progress.fraction, progress.step, progress.steps, progress.eta_s
        )

    def clip(self, job: Job, clip: Clip) -> None:
        """A variation is finished."""
        self._peer.send_clip(
            job.id,
            clip.audio,
            clip.sample_rate,
            clip_id=clip.id,
            seed=clip.seed,
            index=clip.index,
            voice=clip.voice,
            voice_hash=clip.voice_hash,
            words_understood=clip.words_understood,
            words_unknown=clip.words_unknown,
        )
        self._announce(clip)

    def not_stored(self, job: Job, clip: Clip, error: StorageError) -> None:
        """Said at the end; the plugin has the sound."""
        self._unstored = error

    def done(self, job: Job) -> None:
        """The last word: done, or that the library lacks the clips."""
        if self._unstored is not None:
            self.fail(job, self._unstored)
        else:
            self._peer.send_done(job.id, job.made, job.elapsed_ms)

    def fail(self, job: Job, error: DriftwaveError) -> None:
        """The last word: why there is no sound."""
        self._peer.send_fail(job.id, error.code, str(error))


class LinkDoor:
    """Implements `bridge.link.LinkHandler` for an engine. [link thread]

    `announce` hears of every clip that a plugin asked for.
    """

    def __init__(
        self, engine: Engine, *, default_voice: str, announce: Callable[[Clip], None]
    ) -> None:
        self._engine = engine
        self._default_voice = default_voice
        self._announce = announce

    def link_request(self, peer: LinkPeer, request: LinkRequest) -> None:
        """Start what a plugin asks for."""
        if isinstance(request, LinkGenerate):
            self._generate(peer, request)
        elif isinstance(request, LinkCancel):
            self._cancel(peer, request)
        else:
            self._status(peer)

    def link_closed(self, peer: LinkPeer) -> None:
        """The plugin is gone, and with it its jobs."""
        self._engine.cancel(ALL_JOBS, origin=_origin(peer))

    def _generate(self, peer: LinkPeer, request: LinkGenerate) -> None:
        try:
            self._engine.submit(
                request_of(self._engine, self._default_voice, request),
                priority=Priority.BATCH if request.background else Priority.LIVE,
                origin=_origin(peer),
                listener=PeerListener(peer, self._announce),
                job_id=request.job,
            )
        except DriftwaveError as error:
            peer.send_fail(request.job, error.code, str(error))

    def _cancel(self, peer: LinkPeer, request: LinkCancel) -> None:
        try:
            self._engine.cancel(request.job, origin=_origin(peer))
        except NotFound as error:
            # The job ended while the request was on its way; the plugin has had its answer.
            log.debug("%s", error)

    def _status(self, peer: LinkPeer) -> None:
        status = self._engine.status()
        names = sorted(self._engine.voices.names(), key=lambda name: name != self._default_voice)
        peer.send_status(
            voices=names,
            device=device_name(status.device),
            busy=status.waiting + status.running,
            version=__version__,
        )


def _origin(peer: LinkPeer) -> str:
    return f"link {peer.id}"
