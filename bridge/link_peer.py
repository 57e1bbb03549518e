"""One plugin's link, seen from the engine: requests in, replies and clips out.

Every `send_*` may be called from any thread, never waits and never raises because of the plugin:
what does not fit yet stays in a bounded outbox that the server's thread empties as the plugin
makes room. Replies of one link keep their order. What is sent for a job that has ended (`done`,
`fail`) or that this plugin never asked for is ignored.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bridge import _native
from bridge.link_requests import FloatArray

log = logging.getLogger("driftwave.link")

SLOT_WAIT_S = 2.0
"""How long a clip waits for the plugin to release a slot before its job fails with `busy`."""
RING_WAIT_S = 10.0
"""How long a full reply ring may stand still before the plugin counts as hung."""
MAX_OUTBOX_ITEMS = 4096
MAX_OUTBOX_BYTES = 64 * 1024 * 1024
MAX_OPEN_JOBS = 1024

_Send = Callable[[_native.EngineLink], "_native.RingStatus | _native.ClipStatus"]


@dataclass(slots=True)
class _Outgoing:
    """A reply that waits. `progress_of` marks one that a newer one may replace."""

    job: int
    send: _Send
    nbytes: int = 0
    progress_of: int | None = None
    waiting_since: float | None = None


def _fail(job: int, code: str, message: str) -> _Outgoing:
    return _Outgoing(job, lambda native: native.send_fail(job, code, message))


class LinkPeer:
    """A connected plugin.

    Attributes:
        id: number of the link, unique in this process.
        pid, kind, sample_rate, max_block_frames, channels: what the plugin said of itself.
    """

    def __init__(self, native: _native.EngineLink, sock: socket.socket) -> None:
        self.id = native.generation
        self.pid = native.plugin_pid
        self.kind = native.kind
        self.sample_rate = native.sample_rate_hz
        self.max_block_frames = native.max_block_frames
        self.channels = native.channels
        self._native: _native.EngineLink | None = native
        self._socket = sock
        self._lock = threading.RLock()
        self._outbox: deque[_Outgoing] = deque()
        self._outbox_bytes = 0
        self._open_jobs: set[int] = set()
        self._fault = ""

    def __repr__(self) -> str:
        return f"<LinkPeer {self.id} {self.kind!r} pid {self.pid}>"

    # ---- replies: any thread -------------------------------------------------------------

    def send_queued(self, job: int, position: int) -> None:
        """Say that `job` waits behind `position` others."""
        self._post(_Outgoing(job, lambda native: native.send_queued(job, max(position, 0))))

    def send_progress(
        self, job: int, fraction: float, step: int = 0, steps: int = 0, eta_s: float = -1.0
    ) -> None:
        """Say how far `job` is, 0..1. A newer report replaces one that still waits."""
        self._post(
            _Outgoing(
                job,
                lambda native: native.send_progress(job, fraction, step, steps, eta_s),
                progress_of=job,
            )
        )

    def send_clip(
        self,
        job: int,
        audio: FloatArray,
        sample_rate: int,
        *,
        clip_id: str,
        seed: int,
        index: int = 0,
        voice: str = "",
        voice_hash: str = "",
        words_understood: Sequence[str] = (),
        words_unknown: Sequence[str] = (),
    ) -> None:
        """Hand over a finished sound.

        Args:
            audio: `(C, T)` float32, one or two channels; not copied until a slot is free, so do
                not write to it afterwards.
            sample_rate: of the voice, in hertz; the plugin resamples while it plays.

        Raises:
            ValueError: the audio has another shape.
        """
        clip = np.ascontiguousarray(audio, dtype=np.float32)
        if clip.ndim != 2 or clip.shape[0] not in (1, 2) or clip.shape[1] == 0:
            raise ValueError(f"A clip of shape {clip.shape}; expected (1 or 2 channels, frames).")
        understood, unknown = " ".join(words_understood), " ".join(words_unknown)

        def send(native: _native.EngineLink) -> _native.ClipStatus:
            return native.send_clip(
                job, clip, float(sample_rate), seed, index, clip_id, voice, voice_hash,
                understood, unknown,
            )  # fmt: skip

        if clip.nbytes > _native.CLIP_SLOT_BYTES:
            most = _native.CLIP_SLOT_BYTES // 4 // clip.shape[0]
            self.send_fail(
                job, "bad_range",
                f"The clip has {clip.shape[1]} frames; a link carries {most}. Ask for less.",
            )  # fmt: skip
            return
        self._post(_Outgoing(job, send, nbytes=clip.nbytes))

    def send_done(self, job: int, clips: int, milliseconds: float = 0.0) -> None:
        """Say that `job` is complete."""
        self._post(
            _Outgoing(job, lambda native: native.send_done(job, clips, milliseconds)), last=True
        )

    def send_fail(self, job: int, code: str, message: str) -> None:
        """Say that `job` ended without (all of) its clips."""
        self._post(_fail(job, code, message), last=True)

    def send_fail_unopened(self, job: int, code: str, message: str) -> None:
        """Refuse a job that `open_job` did not take, leaving an open one of that number alone."""
        self._post_any(_fail(job, code, message))

    def send_status(
        self, *, voices: Sequence[str], device: str, busy: int = 0, version: str = ""
    ) -> None:
        """Tell the voices (the default first), the device and how many jobs are open."""
        names = "\n".join(voices)
        self._post_any(
            _Outgoing(0, lambda native: native.send_status(max(busy, 0), version, device, names))
        )

    # ---- what the server needs -----------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether the link is gone."""
        return self._native is None

    @property
    def fault(self) -> str:
        """Why the plugin must be dropped; empty while it behaves."""
        return self._fault

    @property
    def backlog(self) -> int:
        """Replies that wait for the plugin."""
        return len(self._outbox)

    def open_job(self, job: int) -> str:
        """Register a job; the answer is empty or the code it must fail with."""
        with self._lock:
            if job in self._open_jobs or job >= 1 << 63:
                return "bad_range"
            if len(self._open_jobs) >= MAX_OPEN_JOBS:
                return "rate_limited"
            self._open_jobs.add(job)
        return ""

    def next_request(self) -> _native.Request | None:
        """Take one record from the plugin's ring; None when there is none or it is corrupt."""
        with self._lock:
            if self._native is None:
                return None
            request = self._native.next_request()
            self._check(self._native)
        return request

    def tick(self, *, beat: bool) -> None:
        """Send what waits; `beat` also tells the plugin that the engine lives."""
        with self._lock:
            if self._native is None:
                return
            if beat:
                self._native.beat()
            self._flush(self._native)

    def publish(self, jobs_done: int, p50_us: int, p99_us: int) -> None:
        """Put the engine's figures into the segment."""
        with self._lock:
            if self._native is not None:
                self._native.publish(jobs_done, p50_us, p99_us)

    def stats(self) -> dict[str, int]:
        """Counters of both sides; empty once closed."""
        with self._lock:
            return self._native.stats() if self._native is not None else {}

    def close(self) -> None:
        """Unmap the segment and hang up. May be called twice."""
        with self._lock:
            self._native = None
            self._outbox.clear()
            self._outbox_bytes = 0
            self._open_jobs.clear()
            self._socket.close()

    # ---- inside --------------------------------------------------------------------------

    def _post(self, item: _Outgoing, *, last: bool = False) -> None:
        with self._lock:
            if item.job not in self._open_jobs:
                return
            if last:
                self._open_jobs.discard(item.job)
            if self._outbox_bytes + item.nbytes > MAX_OUTBOX_BYTES:
                item = self._give_up(item.job)
            if item.progress_of is None or not self._replace_progress(item):
                self._post_any(item)

    def _post_any(self, item: _Outgoing) -> None:
        with self._lock:
            if self._native is None:
                return
            self._outbox.append(item)
            self._outbox_bytes += item.nbytes
            self._flush(self._native)
            if len(self._outbox) > MAX_OUTBOX_ITEMS:
                self._fault = f"{MAX_OUTBOX_ITEMS} replies wait and it reads none"

    def _replace_progress(self, item: _Outgoing) -> bool:
        for waiting in reversed(self._outbox):
            if waiting.job == item.job:
                if waiting.progress_of == item.progress_of:
                    waiting.send = item.send
                    return True
                return False
        return False

    def _give_up(self, job: int) -> _Outgoing:
        """Close a job whose clip found no slot; the answer is its last reply."""
        self._open_jobs.discard(job)
        self._outbox = deque(item for item in self._outbox if item.job != job)
        self._outbox_bytes = sum(item.nbytes for item in self._outbox)
        return _fail(job, "busy", "The plugin holds every clip slot; release some and ask again.")

    def _flush(self, native: _native.EngineLink) -> None:
        sent = False
        while self._outbox and not self._fault:
            item = self._outbox[0]
            try:
                status = item.send(native)
            except (TypeError, ValueError):  # a number that no record can hold: the caller's fault
                self._outbox.popleft()
                self._outbox_bytes -= item.nbytes
                raise
            if status in (_native.RingStatus.OK, _native.ClipStatus.SENT):
                self._outbox.popleft()
                self._outbox_bytes -= item.nbytes
                sent = True
                continue
            if not self._keep_waiting(item, status):
                break
        if sent:
            self._ring_doorbell()
        self._check(native)

    def _keep_waiting(
        self, item: _Outgoing, status: _native.RingStatus | _native.ClipStatus
    ) -> bool:
        """Note that the first reply does not fit; True when another one now stands in its place."""
        now = time.monotonic()
        if item.waiting_since is None:
            item.waiting_since = now
        waited = now - item.waiting_since
        if status is _native.ClipStatus.NO_SLOT and waited > SLOT_WAIT_S:
            last_word = self._give_up(item.job)
            self._outbox.appendleft(last_word)
            return True
        if status is not _native.ClipStatus.NO_SLOT and waited > RING_WAIT_S:
            self._fault = f"it has not read its replies for {RING_WAIT_S:.0f} s"
        return False

    def _check(self, native: _native.EngineLink) -> None:
        if native.broken and not self._fault:
            self._fault = "its shared memory is corrupt"

    def _ring_doorbell(self) -> None:
        try:
            self._socket.send(b"\x01")
        except BlockingIOError:
            pass  # the buffer is full of doorbells already
        except OSError as error:
            log.debug("doorbell of %r: %s", self, error)
