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
from plugin_host.devices import OutputDevice, abandon, find_output, look_again, sounddevice
from plugin_host.errors import AudioDeviceError

_SILENT_RATE_HZ: Final = 48_000.0
_SILENT_TICK_S: Final = 0.01
_WATCH_S: Final = 0.05
_LOST_AFTER_S: Final = 1.5
"""No callback for so long: the device is gone. Drivers may pause for less."""
_RETRY_S: Final = 1.0
_CLOSE_S: Final = 2.0
_JACK: Final = "JACK Audio Connection Kit"
_SLOWEST_RETRY_S: Final = 5.0
_MAX_SILENT_S: Final = 5.0
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
        self._left_behind: list[_NativeStream] = []
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
        """Stop playing for good, and say how it went."""
        self._closing.set()
        self._thread.join()
        with self._lock:
            self._close_stream()
        if self._wanted is not None:
            self._report(
                f"{self.deck.calls} callbacks, the longest took "
                f"{self.deck.take_longest_us():.0f} µs; {self.deck.xruns} xruns"
            )

    def _open_stream(self, found: OutputDevice, sample_rate: float | None = None) -> None:
        module = sounddevice()
        channels = min(2, found.channels)
        rate = float(sample_rate or found.sample_rate)
        self.deck.prepare(rate, self._block or 1024, channels)
        self.sample_rate = rate
        try:
            stream = _NativeStream(module, self.deck, found, channels, rate, self._block)
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
        told_until = time.monotonic()
        retry_at, pause_s = 0.0, _RETRY_S
        while not self._closing.wait(self._pause()):
            with self._lock:
                if self._stream is not None:
                    self._tell_xruns()
                    told_until = self._stream.last_call()
                    retry_at, pause_s = 0.0, _RETRY_S
                    if time.monotonic() - told_until > _LOST_AFTER_S:
                        self._lose()
                    continue
                told_until = self._pass_silently(told_until)
                if self._wanted is not None and time.monotonic() >= retry_at:
                    self._try_again(self._wanted)
                    retry_at = time.monotonic() + pause_s
                    pause_s = min(2.0 * pause_s, _SLOWEST_RETRY_S)

    def _pause(self) -> float:
        """Seconds until the next look; short only where our own clock moves the time line."""
        silent = self._stream is None
        return _SILENT_TICK_S if silent and self.deck.playing else _WATCH_S

    def _pass_silently(self, since: float) -> float:
        """Let the time line go on from `since`; returns the moment it has come to."""
        seconds = min(time.monotonic() - since, _MAX_SILENT_S)
        frames = int(seconds * self.sample_rate)
        self.deck.render(frames)
        return max(since, time.monotonic() - _MAX_SILENT_S) + frames / self.sample_rate

    def _lose(self) -> None:
        assert self._wanted is not None
        self._lost = (
            f"sound device {self._wanted.name} is gone; it plays again as soon as it is back"
        )
        self._report(self._lost)
        stream, self._stream = self._stream, None
        if not stream.close_within(_CLOSE_S):
            self._left_behind.append(stream)
            abandon()

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
                f"the sound device ran dry {more} time(s), {count} in all; a larger block helps"
            )


class _NativeStream:
    """An output stream whose callback is the Deck's own, which sounddevice lets libraries do."""

    def __init__(
        self,
        module: Any,
        deck: _native.Deck,
        device: OutputDevice,
        channels: int,
        sample_rate: float,
        block: int,
    ) -> None:
        self._deck = deck
        self._closable = not device.name.endswith(_JACK)
        self._calls = -1
        self._called = time.monotonic()
        self._stream = module._StreamBase(
            kind="output",
            samplerate=sample_rate,
            blocksize=block,
            device=device.index,
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

    def last_call(self) -> float:
        """When the device last asked for sound, as far as this is looked at."""
        calls = self._deck.calls
        if calls != self._calls:
            self._calls, self._called = calls, time.monotonic()
        return self._called

    def close(self) -> None:
        """End, without waiting for what is still in the device."""
        self._stream.close(ignore_errors=True)

    def close_within(self, seconds: float) -> bool:
        """Close the stream of a device that is gone; False when that cannot be done.

        A stream of a JACK server that died never closes.
        """
        if not self._closable:
            return False
        closing = threading.Thread(target=self.close, name="close sound device", daemon=True)
        closing.start()
        closing.join(seconds)
        return not closing.is_alive()
