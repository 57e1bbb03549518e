"""Patterns as standard MIDI files on the General MIDI drum map, written and read."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

from engine.errors import AudioFileError
from engine.patterns.pattern import BARS, BEATS, BPM, Hit, Pattern, ordered
from engine.patterns.roles import ROLES, role_of

TICKS = 960
"""Of a beat: fine enough for 1 ms at any tempo."""

_CHANNEL = 9
_NOTE_BEATS = 0.125
_MOST_BYTES = 4 * 2**20


def midi_bytes(pattern: Pattern) -> bytes:
    """The pattern as a MIDI file of one track that is exactly as long as the loop."""
    import mido

    track = mido.MidiTrack()
    track.append(mido.MetaMessage("track_name", name=pattern.name))
    track.append(mido.MetaMessage("set_tempo", tempo=round(60e6 / pattern.bpm)))
    track.append(mido.MetaMessage("time_signature", numerator=pattern.beats, denominator=4))
    end = pattern.length_beats * TICKS
    events: list[tuple[int, int, int, int]] = []  # tick, 0 off | 1 on, note, velocity
    for hit in pattern.hits:
        note = ROLES[hit.role].notes[0]
        start = min(round(hit.beat * TICKS), end - 1)
        events.append((start, 1, note, max(1, min(127, round(hit.velocity * 127)))))
        events.append((min(start + round(_NOTE_BEATS * TICKS), end), 0, note, 0))
    now = 0
    for tick, on, note, velocity in sorted(events):
        kind = "note_on" if on else "note_off"
        track.append(
            mido.Message(kind, channel=_CHANNEL, note=note, velocity=velocity, time=tick - now)
        )
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=end - now))
    file = mido.MidiFile(type=0, ticks_per_beat=TICKS)
    file.tracks.append(track)
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def read_midi(path: Path, *, bars: int | None = None, bpm: float | None = None) -> Pattern:
    """The drums of a MIDI file: channel 10, or every channel when that is empty.

    Its first tempo and time signature count unless others are given; without `bars` the
    pattern is as long as the file, in whole bars. Raises AudioFileError for what is no MIDI
    file or holds no notes, BadRange for an impossible tempo or length.
    """
    import mido

    path = Path(path).expanduser()
    if not path.is_file():
        raise AudioFileError(f"{path}: no such file; give the path of a MIDI file")
    if path.stat().st_size > _MOST_BYTES:
        raise AudioFileError(f"{path}: larger than 4 MiB; expected the MIDI file of a pattern")
    try:
        file = mido.MidiFile(path, clip=True)
        messages = list(mido.merge_tracks(file.tracks))
    except Exception as error:
        # Whatever a broken file makes mido raise: EOFError, OSError, KeyError, ValueError ...
        raise AudioFileError(f"{path}: cannot be read as MIDI ({error}); expected .mid") from None
    if file.ticks_per_beat <= 0:
        raise AudioFileError(f"{path}: counts time in SMPTE frames; expected ticks of a beat")
    beats, tempo, notes = _events(messages, file.ticks_per_beat)
    if not notes:
        raise AudioFileError(f"{path}: holds no notes; expected drums on channel 10")
    last = max(beat for _, beat, _, _ in notes)
    length = max(last + 1e-6, sum(m.time for m in messages) / file.ticks_per_beat - 1e-6)
    bars = min(BARS[1], max(1, math.ceil(length / beats))) if bars is None else bars
    drums = [note for note in notes if note[0] == _CHANNEL] or notes
    hits = [Hit(role_of(note), beat, velocity) for _, beat, note, velocity in drums]
    inside = ordered([hit for hit in hits if hit.beat < bars * beats])
    return Pattern(path.stem[:100], bars, beats, tempo if bpm is None else bpm, inside)


def _events(
    messages: list[Any], ticks: int
) -> tuple[int, float, list[tuple[int, float, int, float]]]:
    """Beats of a bar, tempo, and (channel, beat, note, velocity 0..1) of every note."""
    beats, tempo = 4, 0.0
    at = 0
    notes: list[tuple[int, float, int, float]] = []
    for message in messages:
        at += message.time
        if message.type == "set_tempo" and not tempo:
            tempo = min(max(60e6 / max(1, message.tempo), BPM[0]), BPM[1])
        elif message.type == "time_signature" and not notes:
            quarters = message.numerator * 4 / message.denominator
            beats = int(min(max(math.ceil(quarters), BEATS[0]), BEATS[1]))
        elif message.type == "note_on" and message.velocity > 0:
            notes.append((message.channel, at / ticks, message.note, message.velocity / 127))
    return beats, tempo or 120.0, notes
