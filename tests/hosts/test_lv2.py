"""The built LV2 in jalv on a JACK server without a sound card."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.library import Library
from tests.support.clap_host import ClapHost, generate_on_pad_1, state_text
from tests.support.engine_process import (
    LV2,
    LV2_URI,
    find_clip,
    host_environment,
    library_clips,
    require,
    run_host,
    run_python_host,
    running_engine,
    wait_for,
)
from tests.support.jack_server import jack_environment, jack_server, need
from tests.support.serving import WATCHDOG_S

pytestmark = pytest.mark.host

RATE_HZ = 44_100
PERIOD = 512
CLIENT = "driftwave-jalv"
PAD_NOTE = 36
PUSH_S = 0.25  # many periods


@pytest.fixture
def environment(tmp_path: Path, tiny_voices: Path) -> dict[str, str]:
    """Of jalv and the recorder: a JACK server and a folder of bundles of their own."""
    bundles = tmp_path / "lv2"
    bundles.mkdir()
    (bundles / LV2.name).symlink_to(require(LV2))
    return {
        **host_environment(tmp_path, tiny_voices),
        "LV2_PATH": str(bundles),
        **jack_environment(),
    }


@pytest.fixture
def jack(environment: dict[str, str], tmp_path: Path) -> Iterator[None]:
    need("jackd", "jackd2")
    need("jalv", "jalv")
    with jack_server(environment, tmp_path, RATE_HZ, PERIOD):
        yield


class Jalv:
    """jalv with our plugin, told what to do by lines on its standard input."""

    def __init__(self, environment: dict[str, str], folder: Path, *flags: str) -> None:
        self._environment = environment
        self._out = folder / "heard.npy"
        self._log = folder / "jalv.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [
                    "stdbuf",
                    "-oL",
                    "jalv",
                    "-x",
                    "-n",
                    CLIENT,
                    "-c",
                    "attack_time=0",
                    *flags,
                    LV2_URI,
                ],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                text=True,
            )
        wait_for(lambda: f"{CLIENT}:lv2_audio_out_2" in self._ports(), "jalv's ports")

    def tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def play(self, seconds: float = 1.0) -> np.ndarray:
        """What pad 1 plays."""
        run_python_host(
            "tests.support.jack_player",
            [
                f"{CLIENT}:lv2_events_in",
                *(f"{CLIENT}:lv2_audio_out_{side}" for side in (1, 2)),
                *(str(PAD_NOTE), str(seconds), self._out),
            ],
            self._environment,
        )
        return np.load(self._out)

    def song(self, bpm: float, place: int, seconds: float) -> tuple[np.ndarray, int]:
        """What sounds while the transport runs, and the song's frame at which that begins."""
        file = self._out.with_suffix(".npz")
        run_python_host(
            "tests.support.jack_song",
            [
                *(f"{CLIENT}:lv2_audio_out_{side}" for side in (1, 2)),
                *(str(bpm), str(place), str(seconds), file),
            ],
            self._environment,
        )
        if seconds <= 0:
            return np.zeros((2, 0), np.float32), place
        played = np.load(file)
        return played["audio"], int(played["frame"])

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.kill()
        self._process.wait(WATCHDOG_S)
        self._process.stdin.close()

    def _ports(self) -> str:
        assert self._process.poll() is None, self.log()
        return run_host(["jack_lsp"], self._environment)


def test_the_bundle_is_valid(environment: dict[str, str]) -> None:
    need("lv2_validate", "lv2-dev")
    need("sord_validate", "sordi")
    files = sorted(require(LV2).glob("*.ttl"))
    assert len(files) == 2
    assert "Found 0 errors" in validation(["lv2_validate", *map(str, files)])


def validation(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=WATCHDOG_S, check=False)
    return done.stdout + done.stderr


@pytest.mark.usefixtures("jack")
def test_jalv_plays_the_clip_that_generate_made(
    tmp_path: Path, tiny_voices: Path, environment: dict[str, str]
) -> None:
    with running_engine(tmp_path, tiny_voices) as engine:
        jalv = Jalv(environment, tmp_path, "-c", "seconds=0.3")
        with contextlib.closing(jalv):
            with Library(engine.library) as library:

                def generated() -> bool:  # what comes before the plugin met the engine is lost
                    jalv.tell("generate = 0")  # jalv lets no trigger fall back
                    time.sleep(PUSH_S)
                    jalv.tell("generate = 1")
                    time.sleep(PUSH_S)
                    return library.count() > 0

                wait_for(generated, "a clip in the library")

            def heard() -> list[np.ndarray]:
                output = jalv.play()
                clips = library_clips(engine.library, 1)
                return [clip for clip in clips if find_clip(output, clip) >= 0]

            wait_for(lambda: bool(heard()), "a clip of the library in what jalv plays")
            (clip,) = heard()
            engine.kill()
            assert find_clip(jalv.play(), clip) >= 0, "the engine's death must not be heard"


@pytest.mark.usefixtures("jack")
def test_a_state_saved_by_another_format_is_recalled_without_the_engine(
    tmp_path: Path, tiny_voices: Path, environment: dict[str, str]
) -> None:
    with running_engine(tmp_path, tiny_voices) as engine, ClapHost(tmp_path, environment) as clap:
        clap.create(RATE_HZ, PERIOD)
        generate_on_pad_1(clap)
        text = state_text(clap.save(tmp_path / "state.bin"))
        (clip,) = library_clips(engine.library, 1)
    saved = tmp_path / "saved"
    saved.mkdir()
    (saved / "state.ttl").write_text(
        "@prefix lv2: <http://lv2plug.in/ns/lv2core#> .\n"
        "@prefix pset: <http://lv2plug.in/ns/ext/presets#> .\n"
        "@prefix state: <http://lv2plug.in/ns/ext/state#> .\n"
        f"<> a pset:Preset ; lv2:appliesTo <{LV2_URI}> ;\n"
        f'  state:state [ <urn:distrho:state> """{text}""" ] .\n'
    )
    jalv = Jalv(environment, tmp_path, "-l", str(saved))
    with contextlib.closing(jalv):
        assert find_clip(jalv.play(), clip) >= 0, jalv.log()


def preset(folder: Path, property_uri: str, value: str) -> Path:
    """A saved state of one property that jalv can load."""
    saved = folder / "preset"
    saved.mkdir()
    (saved / "state.ttl").write_text(
        "@prefix atom: <http://lv2plug.in/ns/ext/atom#> .\n"
        "@prefix lv2: <http://lv2plug.in/ns/lv2core#> .\n"
        "@prefix pset: <http://lv2plug.in/ns/ext/presets#> .\n"
        "@prefix state: <http://lv2plug.in/ns/ext/state#> .\n"
        f"<> a pset:Preset ; lv2:appliesTo <{LV2_URI}> ;\n"
        f"  state:state [ <{property_uri}> {value} ] .\n"
    )
    return saved


@pytest.mark.usefixtures("jack")
def test_a_file_named_by_the_path_property_is_on_the_pad_and_goes_round_with_the_song(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    bpm, bar = 240.0, 44_100
    noise = np.random.default_rng(3).uniform(-0.5, 0.5, bar)
    file = tmp_path / "break.wav"
    soundfile.write(file, noise, RATE_HZ, subtype="PCM_24")
    (wanted,) = soundfile.read(file, dtype="float32", always_2d=True)[0].T
    saved = preset(tmp_path, f"{LV2_URI}#import", f'"{file}"^^atom:Path')
    jalv = Jalv(environment, tmp_path, "-l", str(saved))
    with contextlib.closing(jalv):
        stereo = np.stack([wanted, wanted])
        wait_for(lambda: find_clip(jalv.play(1.5), stereo) >= 0, "the file's sound")
        jalv.tell("pad_01_bars = 1")
        jalv.tell("pad_01_loop = 1")
        for place in (0, 7 * bar + 12_345):
            played, frame = jalv.song(bpm, place, 3.0)
            rounds = np.tile(wanted, 2 + (frame + played.shape[1]) // bar)
            same = rounds[frame : frame + played.shape[1]]
            assert np.array_equal(played[0, 512:], same[512:]), f"from frame {place}"
            assert np.array_equal(played[1, 512:], same[512:])
