"""Plays a Deck on a sound device, and goes on in silence while there is none.

The device's thread runs C++ alone (cpp/python/deck_module.cpp): neither Python nor a generation can
delay it. One thread of ours watches: it counts what the device missed, notices when the device is
gone, keeps the time line running meanwhile, and opens the device again when it is back.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from bridge import _native
from plugin_host.devices import OutputDevice, find_output, look_again, sounddevice
from plugin_host.errors import AudioDeviceError

_SILENT_RATE_HZ: Final = 48_000.0
_SILENT_TICK_S: Final = 0.01
_WATCH_S: Final = 0.1
_LOST_AFTER_S: Final = 1.5
"""No callback for so long: the device is gone. Drivers may pause for less."""
_RETRY_S: Final = 1.0
_MAX_SILENT_FRAMES: Final = 48_000
_TELL_XRUNS_S: Final = 1.0


class DeckOutput:
    """A Deck and the device that plays it. Any thread may call any method.

    `report` gets a sentence when a device is opened, lost, found again, or ran dry.
    """

    def __init__(self, generator: _native.Generator, report: Callable[[str], None]) -> None:
        self.deck = _native.Deck(generator)
        self.deck.prepare(_SILENT_RATE_HZ, 1024)
        self.sample_rate = _SILENT_RATE_HZ
        self._report = report
        self._wanted: OutputDevice | None = None
        self._block = 0
        self._stream: Any = None
        self._lost = ""
        self._told_xruns = 0
        self._tell_at = 0.0
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._watch, name="sound output", daemon=True)
        self._thread.start()

    @property
    def device(self) -> str:
        """Name of the device that plays now, or ""."""
        wanted = self._wanted
        return wanted.name if wanted is not None and self._stream is not None else ""

    @property
    def trouble(self) -> str:
        """Why nothing can be heard, or ""."""
        if self._stream is not None:
            return ""
        return self._lost or (
            "no sound output is open; start the engine with --audio (see --list-devices)"
        )

    def open(
        self, device: int | str | None, *, block: int = 0, sample_rate: float | None = None
    ) -> OutputDevice:
        """Play on a device from now on. Raises AudioDeviceError.

        Args:
            device: index, part of a name, or None for the system's own.
            block: frames a callback; 0: as the device likes.
            sample_rate: in hertz; None: the device's own.
        """
        with self._lock:
            self._close_stream()
            found = find_output(device)
            self._block = block
            self._open_stream(found, sample_rate)
        self._report(f"playing on {found.name} at {self.sample_rate:g} Hz")
        return found

    def close(self) -> None:
        """Stop playing for good."""
        self._closing.set()
        self._thread.join()
        with self._lock:
            self._close_stream()

    def _open_stream(self, found: OutputDevice, sample_rate: float | None = None) -> None:
        module = sounddevice()
        channels = min(2, found.channels)
        rate = float(sample_rate or found.sample_rate)
        self.deck.prepare(rate, self._block or 1024, channels)
        self.sample_rate = rate
        try:
            stream = _NativeStream(module, self.deck, found.index, channels, rate, self._block)
            stream.start()
        except (module.PortAudioError, ValueError) as error:
            raise AudioDeviceError(
                f"cannot play on sound device {found.name} at {rate:g} Hz: {error}. "
                "See --list-devices."
            ) from None
        self._wanted = found
        self._stream = stream
        self._lost = ""

    def _close_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            with contextlib.suppress(Exception):  # of a device that is gone
                stream.close()

    def _watch(self) -> None:
        silent_since = time.monotonic()
        silent_frames = 0
        retry_at = 0.0
        while not self._closing.wait(_SILENT_TICK_S if self._stream is None else _WATCH_S):
            with self._lock:
                if self._stream is not None:
                    if self._stream.stalled():
                        self._lose()
                    silent_since, silent_frames = time.monotonic(), 0
                else:
                    elapsed = int((time.monotonic() - silent_since) * self.sample_rate)
                    due = min(elapsed - silent_frames, _MAX_SILENT_FRAMES)
                    silent_frames = elapsed
                    self.deck.render(due)
                    if self._wanted is not None and time.monotonic() >= retry_at:
                        self._try_again(self._wanted)
                        retry_at = time.monotonic() + _RETRY_S
            self._tell_xruns()

    def _lose(self) -> None:
        assert self._wanted is not None
        self._lost = (
            f"sound device {self._wanted.name} is gone; it plays again as soon as it is back"
        )
        self._report(self._lost)
        self._close_stream()

    def _try_again(self, wanted: OutputDevice) -> None:
        with contextlib.suppress(AudioDeviceError):
            look_again()
            self._open_stream(find_output(wanted.name))
            self._report(f"sound device {wanted.name} is back, at {self.sample_rate:g} Hz")

    def _tell_xruns(self) -> None:
        count = self.deck.xruns
        now = time.monotonic()
        if count > self._told_xruns and now >= self._tell_at:
            more = count - self._told_xruns
            self._told_xruns, self._tell_at = count, now + _TELL_XRUNS_S
            self._report(
                f"the sound device ran dry {more} time(s), {count} in all; "
                "a larger --audio-block helps"
            )


class _NativeStream:
    """An output stream whose callback is the Deck's own, which sounddevice lets libraries do."""

    def __init__(
        self,
        module: Any,
        deck: _native.Deck,
        device: int,
        channels: int,
        sample_rate: float,
        block: int,
    ) -> None:
        self._deck = deck
        self._calls = -1
        self._called = time.monotonic()
        self._stream = module._StreamBase(
            kind="output",
            samplerate=sample_rate,
            blocksize=block,
            device=device,
            channels=channels,
            dtype="float32",
            latency="low",
            callback=module._ffi.cast("PaStreamCallback*", deck.callback),
            userdata=module._ffi.cast("void*", deck.userdata),
        )

    def start(self) -> None:
        """Begin to play."""
        self._stream.start()
        self._called = time.monotonic()

    def stalled(self) -> bool:
        """Whether the device has stopped asking for sound."""
        calls = self._deck.calls
        now = time.monotonic()
        if calls != self._calls:
            self._calls, self._called = calls, now
        return now - self._called > _LOST_AFTER_S

    def close(self) -> None:
        """End, without waiting for what is still in the device."""
        self._stream.close(ignore_errors=True)
