"""The drums of a pattern: one table of what each sounds like, where it sits, and its MIDI notes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """One drum.

    Attributes:
        notes: General MIDI percussion notes that mean it; the first is written to files.
        prompt: words for its sound when a style or the user says none.
        seconds: length of a generated hit.
        gain_db: level in the mix of a full hit, against the kick.
        pan: -1 left .. 1 right, in a stereo loop.
        takes: different hits that alternate, so that repeats do not sound like a machine gun.
        silences: drums that a hit of this one cuts off.
    """

    notes: tuple[int, ...]
    prompt: str
    seconds: float
    gain_db: float
    pan: float = 0.0
    takes: int = 1
    silences: tuple[str, ...] = ()


ROLES = {
    "kick": Role((36, 35), "punchy kick", 0.7, 0.0, silences=("kick",)),
    "snare": Role((38, 40), "snare", 0.6, -2.0, takes=2),
    "rim": Role((37,), "rim", 0.3, -7.0, pan=-0.15, takes=2),
    "clap": Role((39,), "clap", 0.6, -4.0),
    "closed_hat": Role((42, 22), "short closed hat", 0.25, -10.0, 0.25, 3, ("open_hat",)),
    "pedal_hat": Role((44,), "soft closed hat", 0.25, -12.0, 0.25, 1, ("open_hat",)),
    "open_hat": Role((46, 26), "open hat", 0.9, -10.0, 0.25, 1, ("open_hat",)),
    "high_tom": Role((50, 48), "high tom", 0.8, -4.0, pan=0.35),
    "mid_tom": Role((47,), "tom", 0.8, -4.0),
    "low_tom": Role((45, 43, 41), "low deep tom", 0.9, -4.0, pan=-0.35),
    "crash": Role((49, 57, 55, 52), "long crash", 2.5, -8.0, pan=-0.4),
    "ride": Role((51, 59, 53), "ride", 1.4, -11.0, pan=0.4, takes=2),
    "tambourine": Role((54,), "bright short shaker", 0.4, -11.0, pan=-0.4, takes=2),
    "shaker": Role((82, 70, 69), "short shaker", 0.3, -14.0, pan=-0.45, takes=3),
    "cowbell": Role((56,), "cowbell", 0.5, -10.0, pan=0.3),
    "conga_high": Role((63, 62, 60), "high conga", 0.5, -7.0, pan=0.3, takes=2),
    "conga_low": Role((64, 61), "low conga", 0.6, -7.0, pan=-0.3, takes=2),
    "wood": Role((76, 77, 75), "wood", 0.3, -10.0, pan=0.5),
    "triangle": Role((81, 80), "triangle", 1.2, -14.0, pan=0.5),
    "percussion": Role((67, 65, 66, 68), "percussion", 0.6, -8.0, pan=-0.5),
}
"""Name -> drum. A MIDI note of no drum is played by the percussion."""

OF_NOTE = {note: name for name, role in ROLES.items() for note in role.notes}

PEDAL_HAT, OTHER = "pedal_hat", "percussion"


def role_of(note: int) -> str:
    """The drum that a General MIDI percussion note means."""
    return OF_NOTE.get(note, OTHER)


def gain_of(velocity: float) -> float:
    """Amplitude of a hit of velocity 0..1; a ghost of 0.35 lies 15 dB below a full one."""
    return float(velocity**1.6)
