"""What stands behind the stage's methods: the Protocol an engine implements."""

from __future__ import annotations

from typing import Protocol

from bridge import stage_requests as stage
from bridge.osc_call import OscCall
from bridge.osc_requests import Nothing


class StageHandler(Protocol):
    """As `bridge.osc_handler.OscHandler`: each method returns quickly and ends its call once.

    `call.method.number` is the slot (1..16) of a method under `/drift/slot`, and the prompt,
    counted from 1, of one under `/drift/stream`; `call.command` names the control of a method that
    many share.
    """

    def control(
        self, call: OscCall, request: stage.SetNumber | stage.SetText | stage.SetSwitch
    ) -> None:
        """Set what `call.command` names and `call.done()`, or `call.item(VALUE, address, value)`
        first when the sender asks."""

    def control_normalized(self, call: OscCall, request: stage.SetNumber) -> None:
        """The same, 0..1 over the whole range of the control."""

    def slot_list(self, call: OscCall, request: Nothing) -> None:
        """`call.item(SLOT_ITEM, ...)` for each slot, then `call.done(count)`."""

    def slot_generate(self, call: OscCall, request: stage.SlotGenerate) -> None:
        """As `OscHandler.generate`; the slot plays the clip from then on."""

    def slot_play(self, call: OscCall, request: stage.SlotPlay) -> None:
        """`call.done()`; `not_found` for an empty slot, `busy` when there is no sound output."""

    def slot_stop(self, call: OscCall, request: stage.Trigger) -> None:
        """`call.done()`."""

    def slot_clip(self, call: OscCall, request: stage.SetText) -> None:
        """Put a clip of the library on the slot, or tell which it has; `not_found`."""

    def slot_clear(self, call: OscCall, request: stage.Trigger) -> None:
        """Take the sound off the slot; `call.done()`."""

    def stream_prompt(self, call: OscCall, request: stage.StreamPrompt) -> None:
        """Set words and weight, or `call.item(VALUE, address, words, weight)`; `call.done()`."""

    def stream_status(self, call: OscCall, request: Nothing) -> None:
        """`call.answer(STREAM_REPLY, ...)`."""

    def transport_beat(self, call: OscCall, request: stage.SetNumber) -> None:
        """Jump to a beat, or tell the present one."""

    def transport_tap(self, call: OscCall, request: stage.Trigger) -> None:
        """`call.done(tempo)`."""

    def midi_list(self, call: OscCall, request: Nothing) -> None:
        """`call.item(MIDI_PORT, ...)`, `call.item(MIDI_MAPPING, ...)`, `call.done(count)`."""

    def midi_open(self, call: OscCall, request: stage.MidiOpen) -> None:
        """`call.done(count)`; `not_found`."""

    def midi_learn(self, call: OscCall, request: stage.MidiLearn) -> None:
        """`call.done(kind, channel, number)` once something was moved; `late` when nothing was;
        `not_found` for an address that cannot be learnt."""

    def midi_unlearn(self, call: OscCall, request: stage.MidiUnlearn) -> None:
        """`call.done(count)`; `not_found`."""

    def snapshot_list(self, call: OscCall, request: Nothing) -> None:
        """`call.item(SNAPSHOT_ITEM, ...)` for each, `call.done(count)`."""

    def snapshot_save(self, call: OscCall, request: stage.SnapshotName) -> None:
        """`call.done(count)`."""

    def snapshot_recall(self, call: OscCall, request: stage.SnapshotRecall) -> None:
        """`call.done()` when the recall has begun; `not_found`."""

    def snapshot_delete(self, call: OscCall, request: stage.SnapshotName) -> None:
        """`call.done()`; `not_found`."""

    def meter(self, call: OscCall, request: stage.MeterOn) -> None:
        """`call.done(on, lease)`."""
