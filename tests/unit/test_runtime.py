"""The runtimes: one meaning on ONNX Runtime and torch, exact lengths, seeds, cancelling."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.errors import BadRange, Cancelled, UsageError, VoiceError
from engine.operations.finish import GRID, PEAK, finish
from engine.runtime import LoadedVoice, open_runtime
from engine.runtime.cuda import TorchRuntime
from engine.runtime.inputs import network_inputs
from engine.runtime.onnx import OnnxRuntime
from engine.runtime.spectra import analyse, synthesise
from engine.stft import Stft
from engine.types import GenerateRequest
from engine.voice import Voice
from tests.support.tiny_voice import LATENT_DIMS, tiny_voice

# Between runtimes, on a full-scale signal: sums run in another order, nothing else differs.
TOLERANCE = 1e-4
# Where a GPU multiplies, rounding differs more.
GPU_TOLERANCE = 1e-3


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Voice:
    return tiny_voice(tmp_path_factory.mktemp("voices") / "tiny")


@pytest.fixture(scope="module")
def loaded(voice: Voice) -> LoadedVoice:
    return OnnxRuntime(1).load(voice)


def ask(**changes: object) -> GenerateRequest:
    settings: dict[str, object] = {"voice": "tiny", "prompt": "short dark snare", "seed": 7}
    return GenerateRequest(**{**settings, **changes})  # type: ignore[arg-type]


def noise(seconds: float, rate: int = 44_100, channels: int = 1) -> np.ndarray:
    rng = np.random.default_rng(5)
    return (rng.standard_normal((channels, int(seconds * rate))) * 0.1).astype(np.float32)


@pytest.mark.parametrize("steps", [1, 2, 4, 8])
def test_onnx_and_torch_make_the_same_sound(voice: Voice, loaded: LoadedVoice, steps: int) -> None:
    request = ask(steps=steps, seconds=0.4)
    here = loaded.generate(request, index=1)
    there = TorchRuntime("cpu").load(voice).generate(request, index=1)
    assert np.abs(here.audio).max() > 1e-3
    np.testing.assert_allclose(here.audio, there.audio, atol=TOLERANCE)
    assert here.conditions == there.conditions


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@pytest.mark.parametrize("seconds", [0.4, 1.0])
def test_a_gpu_makes_the_same_sound(voice: Voice, loaded: LoadedVoice, seconds: float) -> None:
    on_gpu = TorchRuntime("cuda").load(voice)
    for index in range(3):
        request = ask(seconds=seconds)
        here, there = loaded.generate(request, index=index), on_gpu.generate(request, index=index)
        np.testing.assert_allclose(here.audio, there.audio, atol=GPU_TOLERANCE)


def test_varying_agrees_between_runtimes(voice: Voice, loaded: LoadedVoice) -> None:
    request = ask(source=noise(0.3), source_rate=44_100, strength=0.5)
    here = loaded.generate(request).audio
    there = TorchRuntime("cpu").load(voice).generate(request).audio
    np.testing.assert_allclose(here, there, atol=TOLERANCE)


def test_a_sound_depends_on_seed_and_index_alone(voice: Voice, loaded: LoadedVoice) -> None:
    first = loaded.generate(ask(), index=0).audio
    others = [loaded.generate(ask(), index=k).audio for k in (1, 2, 3)]
    again = OnnxRuntime(1).load(voice).generate(ask(count=64), index=0).audio
    np.testing.assert_array_equal(first, again)
    for other in others:
        assert np.abs(first - other).max() > 1e-4
    assert np.abs(first - loaded.generate(ask(seed=8)).audio).max() > 1e-4


def test_threads_do_not_change_the_bits(voice: Voice, loaded: LoadedVoice) -> None:
    audio = OnnxRuntime(2).load(voice).generate(ask(seconds=1.5)).audio
    np.testing.assert_array_equal(audio, loaded.generate(ask(seconds=1.5)).audio)


@pytest.mark.parametrize("seconds", [1e-5, 0.01, 0.1, 0.25, 1.0, 2.0, 5.0, 12.0])
def test_length_is_exact_and_samples_lie_on_the_grid(loaded: LoadedVoice, seconds: float) -> None:
    audio = loaded.generate(ask(seconds=seconds, steps=1)).audio
    assert audio.shape == (1, max(1, round(seconds * 44_100)))
    assert audio.dtype == np.float32
    assert np.isfinite(audio).all()
    assert np.abs(audio).max() <= PEAK + 1 / GRID
    np.testing.assert_array_equal(audio.astype(np.float64) * GRID % 1.0, 0.0)


def test_the_default_length_is_the_voices(loaded: LoadedVoice) -> None:
    assert loaded.generate(ask()).audio.shape == (1, 11_025)


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": None},
        {"steps": 0},
        {"steps": 1001},
        {"seconds": 0.0},
        {"seconds": 12.1},
        {"seconds": float("nan")},
        {"note": 128},
        {"descriptors": {"smell": 0.5}},
        {"descriptors": {"length": 1.5}},
        {"biases": {"length": float("nan")}},
        {"guidance": float("inf")},
        {"source": np.zeros((1, 0), np.float32), "source_rate": 44_100},
        {"source": np.full((1, 10), np.nan, np.float32), "source_rate": 44_100},
        {"source": np.zeros((1, 10), np.float32), "source_rate": 0},
        {"source": np.zeros((1, 10), np.float32), "source_rate": 44_100, "strength": 1.5},
    ],
)
def test_values_out_of_range_are_refused(loaded: LoadedVoice, changes: dict[str, object]) -> None:
    with pytest.raises(BadRange, match=r"expected|needs|makes|empty"):
        loaded.generate(ask(**changes))


def test_progress_counts_the_steps_and_cancelling_ends_between_them(loaded: LoadedVoice) -> None:
    seen: list[tuple[int, int]] = []
    loaded.generate(ask(steps=4), on_step=lambda done, steps: seen.append((done, steps)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    with pytest.raises(Cancelled):
        loaded.generate(ask(), cancelled=lambda: True)
    calls: list[int] = []

    def after_two() -> bool:
        calls.append(1)
        return len(calls) > 2

    with pytest.raises(Cancelled):
        loaded.generate(ask(steps=8), cancelled=after_two)
    assert len(calls) == 3


def test_vary_keeps_the_source_at_strength_zero_and_leaves_it_with_strength(
    loaded: LoadedVoice,
) -> None:
    source = noise(0.3)
    kept = loaded.generate(ask(source=source, source_rate=44_100, strength=0.0))
    assert kept.audio.shape == (1, source.shape[1])
    distances = [
        float(np.abs(loaded.generate(ask(source=source, source_rate=44_100, strength=s)).audio
                     - kept.audio).mean())
        for s in (0.0, 0.1, 1.0)
    ]  # fmt: skip
    assert distances[0] == 0.0
    assert distances[0] < distances[1] < distances[2]


@pytest.mark.parametrize(("rate", "channels"), [(22_050, 1), (48_000, 2), (44_100, 2)])
def test_a_source_of_any_rate_and_channels(loaded: LoadedVoice, rate: int, channels: int) -> None:
    source = noise(0.2, rate, channels)
    made = loaded.generate(ask(source=source, source_rate=rate))
    assert made.sample_rate == max(rate, 44_100)
    assert made.audio.shape == (min(channels, 2), pytest.approx(0.2 * made.sample_rate, abs=2))


def test_words_knobs_notes_and_descriptors_reach_the_network(voice: Voice) -> None:
    names = voice.conditioning.descriptors
    inputs = network_inputs(voice, ask(prompt="dark snare foo", biases={"depth": 1.0}))
    values = dict(zip(names, inputs.descriptors[0], strict=True))
    assert voice.conditioning.categories[inputs.category[0]] == "snare"
    assert values["brightness"] == pytest.approx(0.225)  # among snares, by the rank table
    assert values["depth"] == pytest.approx(0.6)
    assert np.isnan(values["length"])
    assert inputs.words_unknown == ("foo",)

    inputs = network_inputs(voice, ask(prompt="dark", descriptors={"brightness": 0.7}, note=8))
    values = dict(zip(names, inputs.descriptors[0], strict=True))
    assert inputs.category[0] == -1
    assert values["brightness"] == pytest.approx(0.7)
    assert values["pitch"] == 1.0  # above every quantile of the tiny voice

    inputs = network_inputs(voice, ask(prompt="snare", negative="dark clap", guidance=99.0))
    values = dict(zip(names, inputs.descriptors[0], strict=True))
    assert values["brightness"] > 0.5
    assert inputs.words_unknown == ("clap",)
    assert inputs.guidance[0] == voice.sampling.guidance_high


def test_guidance_that_is_not_folded_costs_a_second_call_and_changes_the_sound(
    voice: Voice, loaded: LoadedVoice
) -> None:
    sampling = dataclasses.replace(voice.sampling, sampler="heun", folded=False)
    plain = LoadedVoice(dataclasses.replace(voice, sampling=sampling), loaded.networks)
    one, two = (plain.generate(ask(guidance=g)).audio for g in (1.0, 3.0))
    assert np.abs(one - two).max() > 1e-4


def test_spectra_are_those_the_networks_were_trained_on() -> None:
    rng = np.random.default_rng(0)
    for n_fft, hop in ((2048, 512), (1024, 256)):
        audio = rng.standard_normal((1, 20 * hop)).astype(np.float32)
        trained = Stft(n_fft, hop)
        spectrum = trained.forward_numpy(audio)
        np.testing.assert_allclose(analyse(audio, n_fft, hop), spectrum, atol=1e-5)
        np.testing.assert_allclose(
            synthesise(spectrum, n_fft, hop), trained.inverse_numpy(spectrum), atol=1e-5
        )
    with pytest.raises(ValueError, match="multiple"):
        analyse(audio[:, 1:], n_fft, hop)


def test_finish_cuts_pads_fades_and_limits() -> None:
    loud = np.full((1, 1000), 3.0, np.float32) * np.sin(np.arange(1000) / 5).astype(np.float32)
    cut = finish(loud, 500, 44_100)
    assert cut.shape == (1, 500)
    assert np.abs(cut).max() == pytest.approx(PEAK, abs=1e-6)
    assert abs(cut[0, -1]) < 1e-3
    padded = finish(loud, 2000, 44_100)
    assert np.abs(padded[0, 1000:]).max() == 0.0
    offset = np.full((1, 44_100), 0.5, np.float32)
    assert abs(float(finish(offset, 44_100, 44_100)[0, 20_000:30_000].mean())) < 0.01
    quiet = 1e-9 * np.ones((1, 10), np.float32)
    np.testing.assert_array_equal(finish(quiet, 10, 44_100), 0.0)
    with pytest.raises(VoiceError, match="finite"):
        finish(np.full((1, 4), np.nan, np.float32), 4, 44_100)


def test_level_follows_the_loudness_asked_for_and_is_even_otherwise(loaded: LoadedVoice) -> None:
    usual = np.abs(loaded.generate(ask()).audio).max()
    said = np.abs(loaded.generate(ask(prompt="short dark quiet snare")).audio).max()
    assert usual > 4.0 * said  # the tiny voice is faint: the largest gain applies
    sound = np.sin(np.arange(4410) / 7.0)[np.newaxis].astype(np.float32)
    for gain, peak in ((0.1, 0.9), (5.0, 0.9), (0.001, 0.016)):
        leveled = finish(sound * np.float32(gain), 4410, 44_100, level=True)
        assert np.abs(leveled).max() == pytest.approx(peak, rel=0.05)


def test_finish_takes_any_length() -> None:
    for samples in (1, 2, 3, 7, 64):
        assert finish(np.ones((1, 5), np.float32), samples, 44_100).shape == (1, samples)


def test_devices() -> None:
    assert open_runtime("cpu").name.startswith("ONNX Runtime")
    assert open_runtime("cpu", threads=1).name.endswith("1 CPU thread(s)")
    with pytest.raises(UsageError, match="expected one of auto, cpu, cuda"):
        open_runtime("tpu")
    if not torch.cuda.is_available():
        assert open_runtime("auto").name.startswith("ONNX Runtime")
        with pytest.raises(UsageError, match="CUDA"):
            open_runtime("cuda")


def test_the_cpu_path_imports_no_torch_and_no_training(voice: Voice) -> None:
    code = (
        "import sys; from pathlib import Path; from engine.runtime import open_runtime\n"
        "from engine.voice import load_voice; from engine.types import GenerateRequest\n"
        f"voice = load_voice(Path({str(voice.folder)!r}))\n"
        "audio = open_runtime('cpu', threads=1).load(voice).generate("
        "GenerateRequest(voice='tiny', prompt='snare', seed=1)).audio\n"
        "assert audio.any()\n"
        "for name in ('torch', 'scipy', 'onnx', 'engine.training', 'engine.frameworks'):\n"
        "    assert name not in sys.modules, name\n"
    )
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root, timeout=120)


@pytest.mark.parametrize("break_it", ["decode", "velocity"])
def test_networks_that_answer_nonsense_are_a_voice_error(
    loaded: LoadedVoice, break_it: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nonsense(*_: object) -> np.ndarray:
        return np.full((1, LATENT_DIMS, 11) if break_it == "velocity" else (1, 2, 513, 44), np.nan,
                       dtype=np.float32)  # fmt: skip

    monkeypatch.setattr(loaded.networks, break_it, nonsense)
    with pytest.raises(VoiceError, match="not finite"):
        loaded.generate(ask())
