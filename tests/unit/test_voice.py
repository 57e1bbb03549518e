"""Voice folders: found, checked, and refused clearly when broken, hostile or too new."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from engine.errors import DriftwaveError, VoiceError
from engine.runtime.onnx import OnnxRuntime
from engine.types import GenerateRequest
from engine.voice import (
    DESCRIPTION,
    GRAPHS,
    WEIGHTS,
    find_voice,
    find_voices,
    load_voice,
    voice_dirs,
)
from tests.support.tiny_voice import tiny_voice


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_voice(tmp_path / "voices" / "tiny").folder


def edit(folder: Path, change: Callable[[str], str]) -> None:
    path = folder / DESCRIPTION
    before = path.read_text()
    after = change(before)
    assert after != before
    path.write_text(after)


def rehash(folder: Path, file: str) -> None:
    """Makes voice.toml agree with a file that was changed: what a hostile author would do."""
    lines = (folder / DESCRIPTION).read_text().splitlines()
    digest = hashlib.sha256((folder / file).read_bytes()).hexdigest()
    key = f'"{file}" = '
    lines = [f'{key}"{digest}"' if line.startswith(key) else line for line in lines]
    (folder / DESCRIPTION).write_text("\n".join(lines) + "\n")


def test_a_good_folder_says_what_it_is(folder: Path) -> None:
    voice = load_voice(folder)
    assert (voice.name, voice.sample_rate, voice.channels) == ("tiny", 44_100, 1)
    assert voice.hash == hashlib.sha256((folder / DESCRIPTION).read_bytes()).hexdigest()
    assert voice.path(WEIGHTS).exists()
    with pytest.raises(dataclasses.FrozenInstanceError):
        voice.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize("file", [WEIGHTS, *GRAPHS])
@pytest.mark.parametrize("harm", ["missing", "bit", "truncated", "folder", "link", "pipe"])
def test_a_damaged_file_is_named(folder: Path, file: str, harm: str) -> None:
    path = folder / file
    data = bytearray(path.read_bytes())
    path.unlink()
    if harm == "bit":
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    elif harm == "truncated":
        path.write_bytes(data[:-1])
    elif harm == "folder":
        path.mkdir()
    elif harm == "link":
        (folder.parent / "elsewhere").write_bytes(data)
        path.symlink_to(folder.parent / "elsewhere")
    elif harm == "pipe":
        os.mkfifo(path)
    with pytest.raises(VoiceError, match=file.replace(".", r"\.")):
        load_voice(folder)


@pytest.mark.parametrize(
    ("find", "put", "told"),
    [
        ("format = 1", "format = 2", "update Driftwave"),
        ("format = 1", "format = 0", "expected 1"),
        ("format = 1", 'format = "1"', "expected int"),
        ('name = "tiny"', 'name = "../../etc"', "letters, digits"),
        ('name = "tiny"', "name = 7", "expected str"),
        ("sample_rate = 44100", "sample_rate = 44100000", "8000 to 192000"),
        ("sample_rate = 44100", "sample_rat = 44100", "did you mean 'sample_rate'"),
        ("sample_rate = 44100", "", "lacks 'sample_rate'"),
        ("max_seconds = 12.0", "max_seconds = nan", "finite"),
        ("max_seconds = 12.0", "max_seconds = 1e9", "0.1 to 600"),
        ("latent_dims = 8", "latent_dims = 1000000000", "1 to 1024"),
        ("latent_dims = 8", "latent_dims = true", "expected int"),
        ("decoder_hop = 256", "decoder_hop = 255", "multiple"),
        ("longest_frames = 86", "longest_frames = 1", "expected"),
        ('sampler = "consistency"', 'sampler = "magic"', "consistency, euler, heun"),
        ('"model.safetensors" =', '"../model.safetensors" =', "lists the files"),
        ('"model.safetensors" =', '"/etc/passwd" =', "lists the files"),
        ('"encoder.onnx" =', '"encoder.pkl" =', "lists the files"),
        ("categories = [", "categories = [1, ", "expected str"),
        ("quantiles = [[", "quantiles = [[[", "not valid TOML"),
        ("guidance = 2.0", "guidance = 9.0", "1.0 to 4.0"),
    ],
)
def test_a_wrong_description_is_refused_with_its_reason(
    folder: Path, find: str, put: str, told: str
) -> None:
    edit(folder, lambda text: text.replace(find, put, 1))
    with pytest.raises(VoiceError) as caught:
        load_voice(folder)
    assert told in str(caught.value)


def test_a_huge_description_is_not_read(folder: Path) -> None:
    with (folder / DESCRIPTION).open("r+b") as file:
        file.truncate(1 << 33)  # sparse: takes no room on disk
    with pytest.raises(VoiceError, match="at most"):
        load_voice(folder)


def test_a_huge_graph_is_not_read(folder: Path) -> None:
    with (folder / "decoder.onnx").open("r+b") as file:
        file.truncate(1 << 33)
    with pytest.raises(VoiceError, match="at most"):
        load_voice(folder)


def test_deeply_nested_toml_is_no_crash(folder: Path) -> None:
    (folder / DESCRIPTION).write_text("a = " + "[" * 100_000)
    with pytest.raises(VoiceError, match="TOML"):
        load_voice(folder)


@pytest.mark.parametrize("location", ["../secret", "/etc/hostname", "voice.toml/../../secret"])
def test_weights_outside_the_folder_are_not_read(folder: Path, location: str) -> None:
    (folder.parent / "secret").write_bytes(bytes(1_000_000))
    path = folder / "decoder.onnx"
    model = onnx.load(str(path), load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    path.write_bytes(model.SerializeToString())
    rehash(folder, "decoder.onnx")
    with pytest.raises(VoiceError, match=r"decoder\.onnx does not run"):
        OnnxRuntime(1).load(load_voice(folder))


def test_a_graph_of_another_shape_is_refused(folder: Path) -> None:
    shutil.copy(folder / "encoder.onnx", folder / "decoder.onnx")
    rehash(folder, "decoder.onnx")
    with pytest.raises(VoiceError, match="has inputs and outputs"):
        OnnxRuntime(1).load(load_voice(folder))


def test_settings_that_do_not_fit_the_weights_are_refused_by_torch(folder: Path) -> None:
    from engine.runtime.cuda import TorchRuntime

    edit(folder, lambda text: text.replace("width = 32", "width = 64"))
    with pytest.raises(VoiceError, match="does not fit its weights"):
        TorchRuntime("cpu").load(load_voice(folder))


def test_voices_are_found_the_first_of_a_name_wins_and_broken_ones_are_told(tmp_path: Path) -> None:
    mine, shipped = tmp_path / "mine", tmp_path / "shipped"
    tiny_voice(mine / "a", "kit")
    tiny_voice(shipped / "b", "kit")
    tiny_voice(shipped / "c", "other")
    broken = tiny_voice(mine / "d", "broken").folder
    (broken / WEIGHTS).unlink()
    (mine / "not-a-voice").mkdir()
    told: list[tuple[Path, VoiceError]] = []
    found = find_voices(
        [mine, tmp_path / "absent", shipped], lambda path, error: told.append((path, error))
    )
    assert [(voice.name, voice.folder) for voice in found] == [
        ("kit", mine / "a"),
        ("other", shipped / "c"),
    ]
    assert [path for path, _ in told] == [broken]


def test_a_wrong_name_gets_the_nearest_one(folder: Path) -> None:
    with pytest.raises(VoiceError, match="did you mean 'tiny'"):
        find_voice("tinny", [folder.parent])
    with pytest.raises(VoiceError, match="installed: tiny"):
        find_voice("drums", [folder.parent])
    assert find_voice("tiny", [folder.parent]).folder == folder
    assert find_voice(str(folder)).name == "tiny"


def test_the_users_folder_comes_from_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIFTWAVE_VOICES", str(folder.parent))
    assert voice_dirs()[0] == folder.parent
    assert find_voice("tiny").folder == folder


def test_an_error_in_the_wanted_voice_is_the_one_that_is_told(folder: Path) -> None:
    (folder / "decoder.onnx").unlink()
    with pytest.raises(VoiceError, match=r"decoder\.onnx"):
        find_voice("tiny", [folder.parent])


def test_fuzz_any_change_gives_a_voice_error_or_a_voice(folder: Path, tmp_path: Path) -> None:
    """400 mutations of every file, half of them with the sha256 put right again."""
    rng = np.random.default_rng(2026)
    files = [DESCRIPTION, DESCRIPTION, WEIGHTS, *GRAPHS]
    outcomes = {"refused": 0, "loaded": 0}
    messages: list[str] = []
    for round_number in range(400):
        trial = tmp_path / "trial"
        shutil.rmtree(trial, ignore_errors=True)
        shutil.copytree(folder, trial)
        file = files[round_number % len(files)]
        data = bytearray((trial / file).read_bytes())
        for _ in range(int(rng.integers(1, 6))):
            at = int(rng.integers(len(data)))
            kind = rng.integers(4)
            if kind == 0:
                data[at] = int(rng.integers(256))
            elif kind == 1:
                del data[at : at + int(rng.integers(1, 64))]
            elif kind == 2:
                data[at:at] = bytes(rng.integers(0, 256, int(rng.integers(1, 64)), dtype=np.uint8))
            else:
                other = int(rng.integers(len(data)))
                data[at : at + 16] = data[other : other + 16]
            data = data or bytearray(b"\0")
        (trial / file).write_bytes(data)
        if file != DESCRIPTION and rng.integers(2):
            rehash(trial, file)
        try:
            load_voice(trial)
            outcomes["loaded"] += 1
        except VoiceError as error:
            messages.append(str(error))
            outcomes["refused"] += 1
    assert outcomes["refused"] > 200
    assert min(map(len, messages)) > 20
    assert outcomes["loaded"] > 20


def test_fuzz_changed_weights_and_descriptions_still_run_or_are_refused(
    folder: Path, tmp_path: Path
) -> None:
    """60 changed weights and descriptions that load: making sound ends in sound or an error."""
    rng = np.random.default_rng(7)
    messages: list[str] = []
    for round_number in range(60):
        trial = tmp_path / "trial"
        shutil.rmtree(trial, ignore_errors=True)
        shutil.copytree(folder, trial)
        file = (WEIGHTS, DESCRIPTION)[round_number % 2]
        data = bytearray((trial / file).read_bytes())
        for _ in range(20 if file == WEIGHTS else 1):
            data[int(rng.integers(len(data)))] = int(rng.integers(48, 58))
        (trial / file).write_bytes(data)
        if file == WEIGHTS:
            rehash(trial, file)
        try:
            loaded = OnnxRuntime(1).load(load_voice(trial))
            audio = loaded.generate(GenerateRequest("tiny", "snare", seed=1, seconds=0.05)).audio
        except DriftwaveError as error:
            messages.append(str(error))
        else:
            assert np.isfinite(audio).all()
    assert all(len(message) > 20 for message in messages)
