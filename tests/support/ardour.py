"""Ardour without a screen or a sound card: makes, saves, reopens and exports real sessions."""

from __future__ import annotations

import os
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import mido
import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from tests.support.engine_process import FIRST_PAD_NOTE, LV2, LV2_URI, VST3, require, run_host
from tests.support.serving import WATCHDOG_S

RATE_HZ = 44_100
TICKS_A_BEAT = 1920  # Ardour's unit of musical time
BEATS_A_MINUTE = 120  # of a new session
UNIQUE_IDS = {"LV2": LV2_URI, "VST3": "2046504473616C636E47774400000000"}

_LIBRARIES = Path("/usr/lib/ardour7")
_SCANNER = _LIBRARIES / "ardour-vst3-scanner"
# No sound card, and no resampler of ports, whose delay Ardour does not always take into account.
_CONFIG = """<Ardour><Config>
  <Option name="hide-dummy-backend" value="0"/>
  <Option name="port-resampler-quality" value="0"/>
</Config></Ardour>
"""
_EXPORT_TRIES = 3

_CREATE = """
local session = assert(create_session(arg[1], arg[2], tonumber(arg[3])))
local midi = ARDOUR.ChanCount(ARDOUR.DataType("midi"), 1)
local stereo = ARDOUR.ChanCount(ARDOUR.DataType("audio"), 2)
session:new_midi_track(midi, stereo, true, ARDOUR.PluginInfo(), nil, nil, 1, "Drums",
  ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, false, false)
assert(session:save_state("", false, false, false, false, false) == 0)
"""

_OPEN = """
local session = assert(load_session(arg[1], arg[2]))
local track
for route in session:get_tracks():iter() do track = route end

local function set(insert, label, value)
  local plugin = insert:to_insert():plugin(0)
  for i = 0, plugin:parameter_count() - 1 do
    local control, known = plugin:nth_parameter(i, false)
    if known and plugin:parameter_is_input(control)
        and plugin:parameter_label(control) == label then
      assert(ARDOUR.LuaAPI.set_processor_param(insert, i, value))
      return
    end
  end
  error("no parameter " .. label)
end

local function push(insert)
  set(insert, "Generate", 0)
  sleep(0.2)
  set(insert, "Generate", 1)
end
"""

# Generate stays at 1, as Ardour leaves a switch that was clicked.
_GENERATE = """
local insert = ARDOUR.LuaAPI.new_plugin(session, arg[3], ARDOUR.PluginType[arg[4]], "")
assert(not insert:isnil(), "Ardour does not know the plugin")
assert(track:add_processor_by_index(insert, 0, nil, true) == 0)
set(insert, "Attack Time", 0)
set(insert, "Seconds", tonumber(arg[5]))

local meter = session:master_out():peak_meter()
local function heard()
  return meter:meter_level(0, ARDOUR.MeterType.MeterMaxPeak) > -100
end
local function hit(note)
  local parser = ARDOUR.RawMidiParser()
  for _, byte in ipairs({0x90, note, 127}) do parser:process_byte(byte) end
  track:to_track():to_midi_track():write_immediate_event(
    Evoral.EventType.MIDI_EVENT, parser:buffer_size(), parser:midi_buffer())
end
local tries = 0
while not heard() do  -- a push is lost when the plugin has not met the engine yet
  assert(tries < 900, "the pad stays silent")
  if tries % 30 == 0 then push(insert) end
  hit(tonumber(arg[6]))
  sleep(0.1)
  tries = tries + 1
end
assert(session:save_state("", false, false, false, false, false) == 0)
"""

_PUSH_FOR_EVER = """
local insert = track:nth_plugin(0)
set(insert, "Seconds", tonumber(arg[3]))
while true do
  push(insert)
  sleep(2)
end
"""


def need_ardour(plugin_format: str) -> None:
    """Skip the test when Ardour 7 is not here."""
    programs = ["ardour7-lua", "ardour7-export"]
    if plugin_format == "VST3":
        programs.append(str(_SCANNER))
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: apt install ardour")


class ArdourSession:
    """One session with one MIDI track, in a folder that also holds Ardour's own settings.

    Every method runs Ardour in a process of its own, which opens the saved session anew.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], plugin_format: str) -> None:
        self._home = folder / "home"
        self._session = folder / "song"
        self._file = self._session / "song.ardour"
        self._format = plugin_format
        bundles = self._home / "lv2"
        bundles.mkdir(parents=True)
        (bundles / LV2.name).symlink_to(require(LV2))
        self._environment = {
            **environment,
            "HOME": str(self._home),
            "XDG_CONFIG_HOME": str(self._home / "config"),
            "XDG_CACHE_HOME": str(self._home / "cache"),
            "XDG_DATA_HOME": str(self._home / "data"),
            "LV2_PATH": str(bundles),
        }
        config = self._home / "config" / "ardour7" / "config"
        config.parent.mkdir(parents=True)
        config.write_text(_CONFIG)
        if plugin_format == "VST3":
            self._scan()

    def create(self) -> None:
        """A session with a MIDI track and nothing on it."""
        self._lua(_CREATE, RATE_HZ)

    def place_hits(self, beats: Sequence[int], length_beats: int) -> None:
        """Put pad 1's note at these beats, counted from 0, and make the session this long.

        Ardour imports MIDI files in its window only, so the file, its region and the session's
        range are written into the saved session.
        """
        length = length_beats * TICKS_A_BEAT
        track = mido.MidiTrack()
        now = 0
        for beat in beats:
            start = beat * TICKS_A_BEAT
            for kind, tick in (("note_on", start), ("note_off", start + TICKS_A_BEAT // 2)):
                track.append(mido.Message(kind, note=FIRST_PAD_NOTE, velocity=127, time=tick - now))
                now = tick
        track.append(mido.MetaMessage("end_of_track", time=length - now))
        midi = mido.MidiFile(type=0, ticks_per_beat=TICKS_A_BEAT, tracks=[track])
        midi.save(self._session / "interchange" / self._session.name / "midifiles" / "hits.mid")

        tree = ET.parse(self._file)
        whole = {"position": "b0", "start": "b0", "length": f"b{length}@b0"}
        source = {"name": "hits.mid", "type": "midi", "id": "90001"}
        region = {"name": "hits", "type": "midi", "id": "90002", "source-0": "90001", **whole}
        session_range = {"name": "session", "id": "90003", "flags": "IsSessionRange"}
        session_range |= {"start": "b0", "end": f"b{length}"}
        for place, tag, attributes in (
            ("Sources", "Source", source),
            ("Playlists/Playlist", "Region", {**region, "master-source-0": "90001"}),
            ("Locations", "Location", session_range),
        ):
            parent = tree.find(place)
            assert parent is not None, f"the session has no {place}"
            ET.SubElement(parent, tag, attributes)
        tree.write(self._file, encoding="UTF-8", xml_declaration=True)

    def generate(self, seconds: float) -> None:
        """Insert the instrument, generate on pad 1, hit it until the master sounds, save."""
        unique_id = UNIQUE_IDS[self._format]
        self._lua(_OPEN + _GENERATE, unique_id, self._format, seconds, FIRST_PAD_NOTE)

    @contextmanager
    def pushing_generate(self, seconds: float) -> Iterator[None]:
        """Have the session open and Generate pushed every other second; nothing is saved."""
        command = self._lua_command(_OPEN + _PUSH_FOR_EVER, seconds)
        with (self._home / "pushing.log").open("w") as log:
            process = subprocess.Popen(
                list(map(str, command)), env=self._environment, stdout=log, stderr=log
            )
        try:
            yield
        finally:
            process.kill()
            process.wait(WATCHDOG_S)

    def export(self) -> npt.NDArray[np.float32]:
        """What the session sounds like, `(2, T)`, by Ardour's export as 32-bit floats.

        The exporter of Ardour 7.3 hangs or breaks its own memory about once in fifty runs, with
        its own synthesizer and with no plugin at all too, so one that did not end well runs again.
        """
        out = self._home / "export.wav"
        for tries in range(_EXPORT_TRIES):
            try:
                command = ["ardour7-export", "-b", "float", "-o", out, *self._place()]
                self._run(command, WATCHDOG_S / 2)
                break
            except (AssertionError, subprocess.TimeoutExpired):
                if tries + 1 == _EXPORT_TRIES:
                    raise
        audio, rate_hz = soundfile.read(out, dtype="float32", always_2d=True)
        assert rate_hz == RATE_HZ
        return np.ascontiguousarray(audio.T)

    def saved_value(self, label: str) -> float:
        """A parameter as it stands in the saved session."""
        place = f"Routes/Route[@name='Drums']/Processor/Controllable[@name='{label}']"
        parameter = ET.parse(self._file).find(place)
        assert parameter is not None, f"the session has no {place}"
        return float(parameter.attrib["value"])

    def _place(self) -> list[str | Path]:
        return [self._session, self._session.name]

    def _lua_command(self, script: str, *arguments: object) -> list[str | Path]:
        path = self._home / "script.lua"
        path.write_text(script)
        return ["ardour7-lua", path, *self._place(), *map(str, arguments)]

    def _lua(self, script: str, *arguments: object) -> None:
        self._run(self._lua_command(script, *arguments))

    def _run(self, command: Sequence[str | Path], timeout_s: float = WATCHDOG_S) -> None:
        # Ardour tells its errors on the standard output. On one processor its threads do not
        # trip over each other when a session is exported right after it was opened.
        processor = str(min(os.sched_getaffinity(0)))
        told = ["taskset", "-c", processor, "sh", "-c", 'exec "$0" "$@" >&2', *command]
        run_host(told, self._environment, timeout_s=timeout_s)

    def _scan(self) -> None:
        paths = {
            "LD_LIBRARY_PATH": str(_LIBRARIES),
            "ARDOUR_DLL_PATH": str(_LIBRARIES),
            "ARDOUR_DATA_PATH": "/usr/share/ardour7",
            "ARDOUR_CONFIG_PATH": "/etc/ardour7",
        }
        run_host([_SCANNER, "-f", "-q", require(VST3)], {**self._environment, **paths})
