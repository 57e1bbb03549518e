"""/drift/denoise: a clip without its noise, with lineage, progress and cancel, and bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support.osc_client import OscClient

RATE = 44_100
ENDS = ("/drift/done", "/drift/fail")


@pytest.fixture
def noisy(client: OscClient, tmp_path: Path) -> str:
    """A clip of two seconds: noise alone, then a tone in it."""
    rng = np.random.Generator(np.random.Philox(key=[1, 5]))
    time = np.arange(2 * RATE) / RATE
    sound = 0.3 * np.sin(2 * np.pi * 440 * time) * (time > 1.0)
    noise = 0.02 * rng.standard_normal((time.size, 2))
    soundfile.write(tmp_path / "noisy.wav", sound[:, None] + noise, RATE, "PCM_24")
    client.send("/drift/clip/import", str(tmp_path / "noisy.wav"))
    return str(client.until(*ENDS)[-1][1][2])


def samples(client: OscClient, clip: str, path: Path) -> np.ndarray:
    client.send("/drift/clip/export", clip, str(path))
    assert client.until(*ENDS)[-1][0] == "/drift/done"
    return soundfile.read(path, dtype="int32")[0].astype(np.int64) >> 8


def test_a_clip_is_denoised_into_a_new_one_and_delta_is_the_rest(
    client: OscClient, noisy: str, tmp_path: Path
) -> None:
    made = []
    for delta in (0, 1):
        keys = ("amount", 20.0, "learn_end", 0.9, "delta", delta)
        client.send("/drift/denoise", 3, noisy, *keys)
        answers = client.until(*ENDS)
        assert answers[0] == ("/drift/queued", [3, 0])
        assert "/drift/progress" in [address for address, _ in answers]
        done, [command, job, clip, _milliseconds, reduction] = answers[-1]
        assert (done, command, job) == ("/drift/done", "denoise", 3)
        assert float(str(reduction)) > 0.0
        made.append(str(clip))
    parts = [
        samples(client, clip, tmp_path / f"{number}.wav")
        for number, clip in enumerate((noisy, *made))
    ]
    assert np.array_equal(parts[1] + parts[2], parts[0])
    gap = slice(10_000, 35_000)
    assert parts[1][gap].std() < 0.25 * parts[0][gap].std()
    client.send("/drift/clip/lineage", made[0])
    relatives = [values for _, values in client.until(*ENDS)[:-1]]
    assert noisy in [value for values in relatives for value in values]


@pytest.mark.parametrize(
    ("clip", "keys", "code"),
    [
        ("nothing", (), "not_found"),
        ("", ("amount", 200.0), "bad_range"),
        ("", ("quality", "perfect"), "bad_range"),
        ("", ("learn_start", 1.0, "learn_end", 0.5), "bad_range"),
        ("", ("learn_end", 99.0), "bad_range"),
    ],
)
def test_what_cannot_be_done_is_said(
    client: OscClient, noisy: str, clip: str, keys: tuple[object, ...], code: str
) -> None:
    client.send("/drift/denoise", 4, clip or noisy, *keys)
    address, values = client.until(*ENDS)[-1]
    assert (address, values[2]) == ("/drift/fail", code)


def test_it_can_be_cancelled(client: OscClient, noisy: str) -> None:
    for job in (11, 12):
        client.send("/drift/denoise", job, noisy, "quality", "best")
    client.send("/drift/cancel", 12)
    ends: dict[int, str] = {}
    while not {11, 12} <= ends.keys():
        address, values = client.until(*ENDS)[-1]
        if values[0] == "denoise":
            ends[int(str(values[1]))] = address
    assert ends[11] == "/drift/done"
    assert ends[12] == "/drift/fail"
