"""kill -9 while the library writes, and a disk that fills up: what was stored stays."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.errors import StorageError
from engine.library import Library
from tests.support.clips import make_clip

WRITER = """
import sys
from pathlib import Path
from engine.library import Library
from tests.support.clips import make_clip
first = int(sys.argv[2])
with Library(Path(sys.argv[1])) as library:
    for seed in range(first, first + 1000):
        clip = make_clip(seed, frames=8_000)
        library.add(clip)
        print(clip.id, flush=True)
        if seed % 5 == 0:
            library.delete(clip.id)
            library.restore(clip.id)
"""


def test_kill_9_at_random_moments_loses_nothing_that_was_reported(tmp_path: Path) -> None:
    chance = random.Random(2)
    reported: set[str] = set()
    for round_number in range(12):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(round_number * 1000)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout is not None
        reported.add(writer.stdout.readline().strip())
        time.sleep(chance.uniform(0.0, 0.15))
        writer.send_signal(signal.SIGKILL)
        rest, _ = writer.communicate(timeout=60)
        reported.update(line for line in rest.splitlines() if len(line) == 32)
    with Library(tmp_path) as library:
        # A writer killed between delete and restore leaves its clip deleted, not lost.
        for clip_id in library.trash():
            library.restore(clip_id)
        stored = {record.id for record in library.search(limit=100_000)}
        assert reported <= stored
        for clip_id in stored:
            assert library.get(clip_id).audio.shape == (1, 8_000)
        assert not list((tmp_path / "incoming").iterdir())
        assert not list((tmp_path / "damaged").iterdir())
        assert not list((tmp_path / "trash").iterdir())


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """A file system of 2 MiB at `folder` when this process may mount one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_an_error_and_nothing_is_lost(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as mounted:
        if not mounted:
            pytest.skip("needs permission to mount a small file system")
        stored = []
        with Library(tmp_path / "disk") as library:
            refusal = ""
            while not refusal and len(stored) < 1000:
                clip = make_clip(len(stored), frames=20_000)
                try:
                    library.add(clip)
                    stored.append(clip)
                except StorageError as error:
                    refusal = str(error)
            assert "free disk space" in refusal
            assert len(stored) > 5
            with pytest.raises(StorageError):
                library.add(make_clip(5000, frames=44_100 * 20))
            for clip in stored:
                assert np.array_equal(library.get(clip.id).audio, clip.audio)
            with contextlib.suppress(StorageError):
                library.delete(stored[0].id)
        with Library(tmp_path / "disk") as library:
            for clip in stored[1:]:
                assert np.array_equal(library.get(clip.id).audio, clip.audio)


def test_a_file_size_limit_is_an_error_and_nothing_is_lost(tmp_path: Path) -> None:
    with Library(tmp_path) as library:
        small, large = make_clip(1, frames=1_000), make_clip(2, frames=400_000)
        library.add(small)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))
        try:
            with pytest.raises(StorageError, match="disk space"):
                library.add(large)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert not list((tmp_path / "incoming").iterdir())
        assert np.array_equal(library.get(small.id).audio, small.audio)
        library.add(large)
        assert library.count() == 2
