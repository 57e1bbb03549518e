"""The library over OSC beside the command line, kill -9 between steps, disks that refuse."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine import cli
from engine.library import Library
from tests.integration.test_library_crash import small_disk
from tests.support.clips import make_clip
from tests.support.osc_client import OscClient
from tests.support.serving import ServedEngine

ENDS = ("/drift/done", "/drift/fail")


def ask(client: OscClient, address: str, *args: object) -> tuple[list[list[object]], list[object]]:
    """The items of an answer and its end."""
    client.send(address, *args)
    *items, end = client.until(*ENDS)
    return [values for _, values in items], [end[0], *end[1]]


def made(client: OscClient, prompt: str, job: int = 1) -> str:
    """A new clip."""
    client.send("/drift/generate", job, "prompt", prompt, "seed", job)
    answers = client.until(*ENDS)
    return next(str(values[0]) for address, values in answers if address == "/drift/clip/added")


def test_find_undo_redo_and_history_with_the_command_line_beside(
    engine: ServedEngine, client: OscClient, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = made(client, "lowest kick of all")
    with OscClient(engine.port) as watcher:
        watcher.send("/drift/notify", 1)
        watcher.until("/drift/done")
        assert ask(client, "/drift/clip/name", clip, "Boom")[1][0] == "/drift/done"
        library = ["--library", str(engine.library)]
        assert cli.main(["clips", "tag", clip[:8], "live", *library]) == 0
        items, end = ask(client, "/drift/clip/find", "text", "boom kick", "tags", "live")
        assert ([item[0] for item in items], end[3:]) == ([clip], [1, 1])
        assert ask(client, "/drift/clip/tags")[0] == [["live", 1]]
        assert ask(client, "/drift/undo", 0)[1][3:] == ["", 0], "a button's release does nothing"
        assert ask(client, "/drift/undo")[1][3:] == [f"tag {clip[:8]} live", 1]
        assert cli.main(["clips", "undo", *library]) == 0
        assert ask(client, "/drift/clip/find", "text", "boom")[1][3:] == [0, 0]
        assert ask(client, "/drift/redo", 1)[1][3] == f"name {clip[:8]} 'Boom'"
        labels = [(item[0], item[1]) for item in ask(client, "/drift/history")[0]]
        assert labels == [(f"tag {clip[:8]} live", 1), (f"name {clip[:8]} 'Boom'", 0)]
        assert ask(client, "/drift/clip/delete", clip)[1][0] == "/drift/done"
        items, end = ask(client, "/drift/clip/trash")
        assert ([item[0] for item in items], end[3:]) == ([clip], [1, 30])
        assert ask(client, "/drift/clip/restore", clip)[1][0] == "/drift/done"
        changed = [v[1] for a, v in watcher.drain() if a == "/drift/clip/changed" and v[0] == clip]
        assert changed == ["clip/name", "undo", "redo", "clip/delete", "clip/restore"]
    capsys.readouterr()


def test_export_in_every_form_import_and_lineage(
    engine: ServedEngine, client: OscClient, tmp_path: Path
) -> None:
    clip = made(client, "first of a family", 7)
    for form, depth, rate in (("wav", "16", 8_000), ("aiff", "32f", 48_000), ("flac", "24", 0)):
        _, end = ask(client, "/drift/clip/export", clip, "", rate, depth, form)
        path = Path(str(end[3]))
        assert path.suffix == f".{form}"
        items, end = ask(client, "/drift/clip/show", str(path))
        assert (items[0][0], end[0]) == (clip, "/drift/done")
    folder = tmp_path / "all"
    items, end = ask(
        client, "/drift/clip/exportall", "text", "family", "folder", str(folder), "format", "aiff"
    )
    assert (end[3:], len(items)) == ([1, str(folder)], 1)
    assert soundfile.info(items[0][1]).subtype == "PCM_24"

    time_s = np.arange(22_050) / 22_050
    soundfile.write(
        tmp_path / "found.ogg", 0.5 * np.sin(900 * time_s) * np.exp(-9 * time_s), 22_050
    )
    items, end = ask(client, "/drift/clip/import", str(tmp_path / "found.ogg"), "Found")
    source = str(end[3])
    assert (end[4], items[0][0]) == (1, source)
    client.send("/drift/vary", 9, source, 0.4, 1)
    answers = client.until(*ENDS)
    assert answers[-1][0] == "/drift/done", answers
    child = next(str(v[0]) for address, v in answers if address == "/drift/clip/added")
    items, _ = ask(client, "/drift/clip/lineage", child)
    assert items == [[source, -1, child, "here", "Found", ""]]
    assert ask(client, "/drift/clip/lineage", source)[0][0][:4] == [child, 1, source, "here"]
    assert ask(client, "/drift/undo")[1][3] == "import found.ogg"
    assert ask(client, "/drift/clip/lineage", child)[0][0][3] == "deleted"


@pytest.mark.parametrize(
    ("address", "args", "code"),
    [
        ("/drift/clip/find", ("sort", "loudest"), "bad_range"),
        ("/drift/clip/find", ("since", "yesterday"), "bad_range"),
        ("/drift/clip/export", ("0" * 32, "", 1), "not_found"),
        ("/drift/clip/exportall", ("rate", 1), "bad_range"),
        ("/drift/clip/exportall", ("format", "flac", "depth", "32f"), "bad_range"),
        ("/drift/clip/exportall", ("folder", "/proc/nowhere"), "internal"),
        ("/drift/clip/import", ("/nowhere.wav",), "not_found"),
        ("/drift/clip/import", (__file__,), "not_found"),
        ("/drift/clip/show", (__file__,), "not_found"),
        ("/drift/clip/restore", ("0" * 32,), "not_found"),
        ("/drift/clip/lineage", ("x",), "not_found"),
        ("/drift/redo", (), "not_found"),
    ],
)
def test_wrong_requests_get_their_code(
    engine: ServedEngine, client: OscClient, address: str, args: tuple[object, ...], code: str
) -> None:
    made(client, "something to export", 3)
    with Library(engine.library) as library:
        library.name(library.search(limit=1)[0].id, f"no redo {time.time()}")
    _, end = ask(client, address, *args)
    assert (end[0], end[3]) == ("/drift/fail", code), end


CHANGER = """
import sys
from pathlib import Path
from engine.library import Library
with Library(Path(sys.argv[1])) as library:
    clips = [record.id for record in library.search()]
    for turn in range(10_000):
        library.delete(*clips)
        print("deleted", flush=True)
        library.undo()
        print("undone", flush=True)
        library.redo()
        library.undo()
"""


def test_kill_9_leaves_every_step_whole(tmp_path: Path) -> None:
    with Library(tmp_path) as library:
        clips = [make_clip(seed, frames=500) for seed in range(5)]
        for clip in clips:
            library.add(clip)
    for round_number in range(10):
        changer = subprocess.Popen(
            [sys.executable, "-c", CHANGER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert changer.stdout is not None
        changer.stdout.readline()
        time.sleep(0.013 * round_number)
        changer.send_signal(signal.SIGKILL)
        changer.communicate(timeout=60)
        with Library(tmp_path) as library:
            step = library.history.steps(1)[0]
            assert library.count() == (5 if step.undone else 0), "all of a step or nothing"
            if not step.undone:
                assert sorted(library.trash()) == sorted(clip.id for clip in clips)
                library.undo()
            for clip in clips:
                assert np.array_equal(library.get(clip.id).audio, clip.audio)


def test_a_full_disk_and_a_read_only_folder_end_an_export_and_an_import(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = ["--library", str(tmp_path / "library")]
    with Library(tmp_path / "library") as library:
        for seed in range(30):
            library.add(make_clip(seed, frames=44_100, prompt=f"clip {seed}"))
    with small_disk(tmp_path / "disk") as mounted:
        if not mounted:
            pytest.skip("needs permission to mount a small file system")
        out = str(tmp_path / "disk")
        assert cli.main(["clips", "export", "--all", "--out", out, *folder]) == 1
        streams = capsys.readouterr()
        written = [Path(line) for line in streams.out.splitlines()]
        assert "disk space" in streams.err
        assert 5 < len(written) < 30
        assert sorted(written) == sorted(Path(out).iterdir()), "no half file and no temporary"
        for path in written:
            assert soundfile.info(path).frames == 44_100
        subprocess.run(["mount", "-o", "remount,ro", out], check=True)
        assert cli.main(["clips", "export", "--all", "--out", f"{out}/new", *folder]) == 1
        assert "Read-only" in capsys.readouterr().err
        assert cli.main(["clips", "import", str(written[0]), "--library", f"{out}/library"]) == 1
        assert "choose another folder" in capsys.readouterr().err


def test_a_read_only_library_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with small_disk(tmp_path / "disk") as mounted:
        if not mounted or os.geteuid() != 0:
            pytest.skip("needs permission to mount a small file system")
        folder = tmp_path / "disk" / "library"
        with Library(folder) as library:
            library.add(make_clip(1, frames=100))
        subprocess.run(["mount", "-o", "remount,ro", str(tmp_path / "disk")], check=True)
        assert cli.main(["clips", "list", "--library", str(folder), "--json"]) == 1
        streams = capsys.readouterr()
        assert "folder may be written" in streams.err
        assert json.loads(streams.out)["error"]["code"] == "internal"
