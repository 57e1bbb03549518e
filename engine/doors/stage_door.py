"""The stage's OSC methods: slots, stream, transport, MIDI, snapshots and meters."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, cast

from bridge import stage_requests as requests
from bridge import stage_space as space
from bridge.osc_call import OscCall
from bridge.osc_requests import Nothing
from engine.doors.osc_door import CallListener
from engine.doors.slow_work import SlowWork
from engine.doors.stage_feedback import LEVEL_LEASE_S, StageFeedback, mapping_values
from engine.errors import Cancelled
from engine.stage import SLOTS, Sound, Stage
from engine.stage.keeper import SessionKeeper
from engine.stage.midi_map import Mapping

if TYPE_CHECKING:
    from bridge.osc_dispatch import OscDispatcher
    from engine.stage.slots import SlotFields

LEARN_S: Final = 30.0
"""How long one may take to move what shall be learnt."""

_SLOT_FIELDS = ("prompt", "negative", "voice", "seed", "note")
"""What a slot is told that is no control: it is not a number to be moved by hand."""


class StageDoor:
    """Implements `bridge.stage_handler.StageHandler` for a stage. [OSC receive thread]"""

    def __init__(self, stage: Stage, keeper: SessionKeeper) -> None:
        self._stage = stage
        self._keeper = keeper
        self._feedback: StageFeedback | None = None
        self._slow = SlowWork("stage slow")

    def close(self) -> None:
        """End the threads."""
        if self._feedback is not None:
            self._feedback.close()
        self._slow.close()

    @property
    def sound(self) -> Sound:
        """What makes the stage heard."""
        return self._stage.sound

    def tell(self, osc: OscDispatcher) -> None:
        """Tell the subscribers of an OSC server what happens, until `close`."""
        self._feedback = StageFeedback(self._stage, osc)

    def panic(self) -> None:
        """Silence at once."""
        self._stage.panic()

    def control(
        self,
        call: OscCall,
        request: requests.SetNumber | requests.SetText | requests.SetSwitch,
    ) -> None:
        """Set or tell what the address names."""
        name = call.command
        field = name.rpartition("/")[2]
        if call.method.number and field in _SLOT_FIELDS:
            self._slot_field(call, field, request.value)
            return
        if request.value is None:
            value = self._stage.controls.value(name)
            call.item(space.VALUE, call.method.address, value)
        else:
            self._stage.controls.set(name, request.value, call.peer)
        call.done()

    def control_normalized(self, call: OscCall, request: requests.SetNumber) -> None:
        """Set or tell a control's place in its range."""
        name = call.command.removesuffix("/normalized")
        if request.value is None:
            place = self._stage.controls.normalized(name)
            call.item(space.VALUE, call.method.address, place)
        else:
            self._stage.controls.set_normalized(name, request.value, call.peer)
        call.done()

    def slot_list(self, call: OscCall, request: Nothing) -> None:
        """Report every slot."""
        for number in range(1, SLOTS + 1):
            slot = self._stage.slots[number]
            sound = slot.sound
            call.item(
                space.SLOT_ITEM, number, sound.id if sound else "", slot.prompt, slot.negative,
                slot.voice, slot.seed, sound.seconds if sound else 0.0, slot.waiting,
            )  # fmt: skip
        call.done(SLOTS)

    def slot_generate(self, call: OscCall, request: requests.SlotGenerate) -> None:
        """Make a new sound for the slot."""
        if not request.trigger:
            call.done(0, 0.0, "", "")
            return
        slot = call.method.number
        if request.prompt is not None:
            self._stage.slots.edit(slot, call.peer, prompt=request.prompt)
        origin = f"osc {call.peer.host}:{call.peer.port}"
        self._stage.slots.generate(
            slot, origin=origin, listener=CallListener(call), job_id=call.job
        )

    def slot_play(self, call: OscCall, request: requests.SlotPlay) -> None:
        """Hit the slot; the least velocity above 0 is heard."""
        velocity = max(1, round(request.velocity * 127)) if request.velocity > 0 else 0
        self._stage.slots.hit(
            call.method.number, velocity, quantise=request.quantise, at_s=call.due_s
        )
        call.done()

    def slot_stop(self, call: OscCall, request: requests.Trigger) -> None:
        """Silence the slot."""
        if request.trigger:
            self._stage.slots.stop(call.method.number, call.due_s)
        call.done()

    def slot_clip(self, call: OscCall, request: requests.SetText) -> None:
        """Put a clip on the slot, or tell which it has."""
        slot = call.method.number
        clip = request.value
        if clip is None:
            sound = self._stage.slots[slot].sound
            call.item(space.VALUE, call.method.address, sound.id if sound else "")
            call.done()
            return

        def work() -> None:
            self._stage.slots.put_clip(slot, clip)
            call.done()

        self._slow.later(call, work)

    def slot_clear(self, call: OscCall, request: requests.Trigger) -> None:
        """Take the sound off the slot."""
        if request.trigger:
            self._stage.slots.put(call.method.number, None)
        call.done()

    def stream_prompt(self, call: OscCall, request: requests.StreamPrompt) -> None:
        """Set or tell what a prompt of the stream says."""
        stage, number = self._stage, call.method.number - 1
        weight = f"stream/weight/{number}"
        if request.words is None:
            words = stage.stream.words[number]
            call.item(space.VALUE, call.method.address, words, float(stage.controls.number(weight)))
        else:
            if request.weight is not None:
                stage.controls.set(weight, request.weight, call.peer)
            stage.stream.set_words(number, request.words, call.peer)
        call.done()

    def stream_status(self, call: OscCall, request: Nothing) -> None:
        """Report how the stream goes."""
        counts = self._stage.stream.counts
        call.answer(
            space.STREAM_REPLY, *self._stage.stream.state, counts.grains, counts.repeated,
            counts.late, counts.latency_ms(0.5), counts.latency_ms(0.99),
        )  # fmt: skip

    def transport_beat(self, call: OscCall, request: requests.SetNumber) -> None:
        """Jump to a beat, or tell the present one."""
        if request.value is None:
            call.item(space.VALUE, call.method.address, self._stage.sound.beat)
        else:
            self._stage.transport.locate(request.value)
        call.done()

    def transport_tap(self, call: OscCall, request: requests.Trigger) -> None:
        """Tap the tempo."""
        tempo = self._stage.transport.tap() if request.trigger else self._stage.sound.tempo
        call.done(tempo)

    def midi_list(self, call: OscCall, request: Nothing) -> None:
        """Report every port and mapping."""

        def work() -> None:
            ports = self._stage.ports.listing()
            for name, direction, is_open in ports:
                call.item(space.MIDI_PORT, name, direction, int(is_open))
            mappings = self._stage.midi.map.mappings()
            for mapping in mappings:
                call.item(space.MIDI_MAPPING, *mapping_values(mapping))
            call.done(len(ports) + len(mappings))

        self._slow.later(call, work)

    def midi_open(self, call: OscCall, request: requests.MidiOpen) -> None:
        """Open or close ports."""

        def work() -> None:
            count = self._stage.ports.open(request.name, request.on)
            self._keeper.touch()
            call.done(count)

        self._slow.later(call, work)

    def midi_learn(self, call: OscCall, request: requests.MidiLearn) -> None:
        """Bind what is moved next; answered then, or after half a minute."""
        learner = self._stage.midi.map

        def late() -> None:
            call.fail("late", f"midi/learn: nothing was moved within {LEARN_S:g} s")
            learner.stop_learning("nothing was moved")

        timer = threading.Timer(LEARN_S, late)
        timer.daemon = True

        def done(mapping: Mapping) -> None:
            timer.cancel()
            call.done(mapping.kind, mapping.channel, mapping.number)

        def failed(error: Cancelled) -> None:
            timer.cancel()
            call.fail(error.code, str(error))

        learner.learn(_name(request.address), request.low, request.high, done=done, failed=failed)
        timer.start()

    def midi_unlearn(self, call: OscCall, request: requests.MidiUnlearn) -> None:
        """Forget mappings."""
        call.done(self._stage.midi.map.unlearn(_name(request.address)))

    def snapshot_list(self, call: OscCall, request: Nothing) -> None:
        """Report every snapshot."""
        saved = self._stage.snapshots.saved()
        for name, values in saved.items():
            call.item(space.SNAPSHOT_ITEM, name, len(values))
        call.done(len(saved))

    def snapshot_save(self, call: OscCall, request: requests.SnapshotName) -> None:
        """Save every control."""
        call.done(self._stage.snapshots.save(request.name))

    def snapshot_recall(self, call: OscCall, request: requests.SnapshotRecall) -> None:
        """Go to a snapshot."""
        self._stage.snapshots.recall(request.name, request.seconds)
        call.done()

    def snapshot_delete(self, call: OscCall, request: requests.SnapshotName) -> None:
        """Delete a snapshot."""
        self._stage.snapshots.delete(request.name)
        call.done()

    def meter(self, call: OscCall, request: requests.MeterOn) -> None:
        """Begin or end a flow of levels."""
        if self._feedback is not None:
            self._feedback.meter(call.peer, request.on)
        call.done(int(request.on), LEVEL_LEASE_S if request.on else 0.0)

    def _slot_field(self, call: OscCall, field: str, value: float | str | None) -> None:
        slot = call.method.number
        if value is None:
            call.item(space.VALUE, call.method.address, getattr(self._stage.slots[slot], field))
        else:
            kept = value if isinstance(value, str) else int(value)
            self._stage.slots.edit(slot, call.peer, **cast("SlotFields", {field: kept}))
        call.done()


def _name(address: str) -> str:
    """A control's name from its address."""
    return address.removeprefix("/drift/").strip("/")
