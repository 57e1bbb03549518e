"""What one plays live: slots, transport, MIDI, snapshots. Knows no transport protocol."""

from engine.stage.controls import Control, Controls
from engine.stage.sound import SLOTS, Sound
from engine.stage.stage import Stage

__all__ = ["SLOTS", "Control", "Controls", "Sound", "Stage"]
