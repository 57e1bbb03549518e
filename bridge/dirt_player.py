"""Carries out SuperDirt's messages by the slots' own methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bridge.dirt import HANDSHAKE_REPLY, DirtHandshake, DirtPlay, chosen_slot, slot_messages
from bridge.osc_call import OscCall
from bridge.osc_peek import peek, run_inside
from bridge.osc_spec import Method

MAX_SLOTS = 64


class DirtPlayer:
    """Answers `/dirt/play` and `/dirt/handshake`. [receive thread]

    Args:
        methods: the table by address.
        actions: what each method does, by address.
        port: of the OSC server.
    """

    def __init__(
        self,
        methods: Mapping[str, Method],
        actions: Mapping[str, Callable[[OscCall, Any], None]],
        port: Callable[[], int],
    ) -> None:
        self._methods = methods
        self._actions = actions
        self._port = port
        self._pitched: set[int] = set()

    def play(self, call: OscCall, event: DirtPlay) -> None:
        """Hit a slot.

        Raises:
            OscFault: not_found when no slot is meant; else what the slot's methods say.
        """
        slot = chosen_slot(event.s, event.n, self._prompts())
        for address, values in slot_messages(event, slot, pitched=slot in self._pitched):
            run_inside(self._methods[address], self._actions[address], values)
        if event.pitch is None:
            self._pitched.discard(slot)
        else:
            self._pitched.add(slot)
        call.done(slot)

    def handshake(self, call: OscCall, request: DirtHandshake) -> None:
        """Say where this is."""
        call.answer(
            HANDSHAKE_REPLY, "&serverHostname", "127.0.0.1", "&serverPort", self._port()
        )  # fmt: skip

    def _prompts(self) -> dict[int, str]:
        """The words of every slot."""
        found: dict[int, str] = {}
        for slot in range(1, MAX_SLOTS + 1):
            address = f"/drift/slot/{slot}/prompt"
            if address not in self._methods:
                break
            value = peek(self._methods[address], self._actions[address])
            found[slot] = str(value[0]) if value else ""
        return found
