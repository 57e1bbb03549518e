"""Codecs of any network, sounds as codes, priors over them: from a shard to drawn codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from engine.errors import DataError, RecipeError
from engine.frameworks import Batch, DataInfo, Framework
from engine.frameworks.autoregressive import Autoregressive
from engine.frameworks.sampling import Noise, Order
from engine.frameworks.vae import Vae
from engine.networks.autoencoder import Autoencoder
from engine.networks.interface import no_conditions
from engine.networks.quantized import QuantizedAutoencoder
from engine.training.audio_shard import AudioSettings, AudioShard
from engine.training.code_shard import CodeShard
from engine.training.codec_model import load_codec
from engine.training.encode import write_codes
from engine.training.frame_shard import WindowSettings
from engine.training.loop import Run, Trainer, build_framework
from engine.training.oneshots import from_synthesis
from engine.training.prepare import write_shard
from engine.training.preview import write_wav
from engine.training.recipe import parse_recipe, read_recipe
from engine.training.shards import Ingredients, prepared

RECIPES = Path(__file__).parents[2] / "engine" / "recipes"
INFO = DataInfo(44_100, 1, 4096, (), ())
NETWORKS = {
    "convnext": """latent_dims = 8
encoder_bins = 257
encoder_width = 16
encoder_depth = 1
decoder_bins = 129
decoder_widths = [16, 16, 8]
decoder_depths = [1, 1, 1]
expansion = 2""",
    "mlp": "width = 32\ndepth = 1",
    "resnet1d": "width = 16\ndepth = 2",
    "rnn": "width = 16\ndepth = 1",
    "transformer": "width = 16\ndepth = 1\nheads = 2",
}
QUANTIZER = "[framework.quantizer]\ncodebooks = 2\ncodes = 16\ndecay = 0.9"


def codec_recipe(network: str, framework: str, more: str = "", steps: int = 6) -> str:
    quantizer = QUANTIZER if framework in ("vqvae", "vqgan") else ""
    return f"""
name = "tiny"
[network]
name = "{network}"
{NETWORKS[network]}
[codec]
name = "stft_vae"
encoder_fft = 512
encoder_hop = 128
decoder_fft = 256
decoder_hop = 64
latent_dims = 8
width = 24
[framework]
name = "{framework}"
{more}
{quantizer}
[data]
name = "audio"
frames = 4096
[optimizer]
rate = 3e-3
warmup_steps = 1
[loop]
steps = {steps}
batch = 2
log_every = 1
save_every = 3
preview_every = 0
precision = "float32"
"""


PRIOR = """
name = "tiny-prior"
[network]
name = "rnn"
width = 16
depth = 1
[framework]
name = "autoregressive"
width = 16
[data]
name = "codes"
frames = [6, 9]
[loop]
steps = 4
batch = 3
log_every = 1
save_every = 2
preview_every = 0
precision = "float32"
"""


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "sounds.npz"
    write_shard(from_synthesis(0.02), path)
    return path


def trained(text: str, data: Path, out: Path, resume: bool = False) -> Trainer:
    recipe = parse_recipe(text)
    source = recipe.data.spec.build(recipe.data.settings, data)
    trainer = Trainer(recipe, source, Run(out, resume=resume))
    trainer.train(lambda row: None, lambda: False)
    return trainer


def tones(rows: int = 4) -> Batch:
    """Decaying sines, each of its own pitch."""
    t = np.arange(4096) / 44_100
    hertz = np.geomspace(120, 3000, rows)[:, None]
    x = 0.8 * np.sin(2 * np.pi * hertz * t) * np.exp(-t * 20)
    whole = torch.full((rows,), 4096)
    return Batch(
        torch.from_numpy(x.astype(np.float32))[:, None], whole, whole * 0, torch.zeros(rows, 0)
    )


def noise(seed: int) -> Noise:
    return lambda k, shape: torch.randn(
        shape, generator=torch.Generator().manual_seed(1000 * seed + k)
    )


def descent(framework: Framework, steps: int) -> list[dict[str, float]]:
    """Losses of every step on one batch; all phases, as the loop runs them."""
    batch, rows = tones(), []
    framework.train()
    framework.begin(lambda n: batch)
    optimizers = {p.name: torch.optim.Adam(p.parameters, 4e-3) for p in framework.phases()}
    for step in range(steps):
        row: dict[str, float] = {}
        for phase in framework.phases():
            losses = phase.loss(batch, torch.Generator().manual_seed(step), step)
            optimizers[phase.name].zero_grad()
            torch.autograd.backward(losses["total"], inputs=list(phase.parameters))
            optimizers[phase.name].step()
            row |= {f"{phase.name}.{k}": float(v.detach()) for k, v in losses.items()}
        rows.append(row)
    return rows


@pytest.mark.parametrize("network", sorted(NETWORKS))
def test_every_kind_of_network_is_an_autoencoder_of_any_length(network: str) -> None:
    framework = build_framework(parse_recipe(codec_recipe(network, "vae")), INFO)
    assert isinstance(framework, Vae)
    for samples in (1, 256, 2500):
        audio = 0.1 * torch.randn(2, 1, samples, generator=torch.Generator().manual_seed(0))
        latent = framework.codec.encode(framework.network, audio)
        frames = -(-samples // 256)
        assert latent.shape == (2, 8, frames)
        decoded = framework.codec.decode(framework.network, latent)
        assert decoded.shape == (2, 1, 256 * frames)
        assert decoded.isfinite().all()


@pytest.mark.parametrize("network", sorted(NETWORKS))
def test_a_vae_of_every_kind_of_network_learns_one_batch(network: str) -> None:
    framework = build_framework(parse_recipe(codec_recipe(network, "vae")), INFO)
    rows = descent(framework, 40)
    assert rows[-1]["main.spectral"] < 0.8 * rows[0]["main.spectral"]
    assert rows[-1]["main.kl"] > 0.01  # the latents say something


def test_a_vae_draws_sounds_from_its_prior() -> None:
    framework = build_framework(parse_recipe(codec_recipe("rnn", "vae")), INFO)
    assert isinstance(framework, Vae)
    told = no_conditions(torch.zeros(3, 1, 1))
    sampling = framework.sampling()
    orders = [Order(told, 1200, noise(seed)) for seed in (0, 0, 1)]
    drawn = [sampling.draw(framework.network, order).x for order in orders]
    assert drawn[0].shape == (3, 1, 1200)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    with pytest.raises(RecipeError, match="VqVae trains no network that makes sounds by itself"):
        build_framework(parse_recipe(codec_recipe("rnn", "vqvae")), INFO).sampling()


@pytest.mark.parametrize("network", ["convnext", "transformer"])
def test_a_vqvae_learns_one_batch_and_uses_its_codes(network: str) -> None:
    framework = build_framework(parse_recipe(codec_recipe(network, "vqvae")), INFO)
    rows = descent(framework, 60)
    assert rows[-1]["main.spectral"] < 0.8 * rows[0]["main.spectral"]
    assert rows[-1]["main.perplexity"] > 4  # of 16
    assert rows[-1]["main.used"] > 0.5
    assert np.isfinite([list(row.values()) for row in rows]).all()


def test_codes_decode_to_what_the_quantised_latents_do() -> None:
    framework = build_framework(parse_recipe(codec_recipe("rnn", "vqvae")), INFO)
    network = framework.network.eval()
    assert isinstance(network, QuantizedAutoencoder)
    spectrum = framework.codec.spectrum(tones().x)
    with torch.no_grad():
        codes = network.encode_codes(spectrum)
        assert codes.shape == (4, 2, 16)
        latent = network.encode(spectrum)
        torch.testing.assert_close(
            network.decode_codes(codes), network.decode(latent), atol=1e-5, rtol=1e-4
        )


def test_a_vqgan_trains_autoencoder_and_discriminator_in_turn() -> None:
    more = "adversarial_from_step = 4\ndiscriminator_width = 4"
    framework = build_framework(parse_recipe(codec_recipe("resnet1d", "vqgan", more)), INFO)
    rows = descent(framework, 30)
    assert "autoencoder.feature" not in rows[3]
    assert "autoencoder.feature" in rows[4]
    assert rows[-1]["discriminator.total"] < rows[0]["discriminator.total"]
    assert rows[-1]["autoencoder.spectral"] < rows[0]["autoencoder.spectral"]


@pytest.mark.parametrize("framework", ["vqvae", "vqgan"])
def test_quantised_runs_resume_to_the_bit(framework: str, shard: Path, tmp_path: Path) -> None:
    more = "adversarial_from_step = 2\ndiscriminator_width = 4" if framework == "vqgan" else ""
    text = codec_recipe("rnn", framework, more)
    trained(text.replace("steps = 6", "steps = 3"), shard, tmp_path / "parts")
    trained(text, shard, tmp_path / "parts", resume=True)
    trained(text, shard, tmp_path / "whole")
    first, second = (load_file(tmp_path / d / "checkpoint.safetensors") for d in ("parts", "whole"))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    rows = (tmp_path / "whole" / "curve.jsonl").read_text().splitlines()
    assert any(name.endswith("perplexity") for name in json.loads(rows[-1]))


@pytest.mark.parametrize("network", ["rnn", "mlp", "convnext"])
@pytest.mark.parametrize("framework", ["vae", "vqvae"])
def test_codecs_are_saved_and_loaded(
    framework: str, network: str, shard: Path, tmp_path: Path
) -> None:
    trainer = trained(codec_recipe(network, framework, steps=1), shard, tmp_path)
    before = torch.random.get_rng_state()
    loaded, codec = load_codec(tmp_path / "model.safetensors")
    assert torch.equal(before, torch.random.get_rng_state())
    assert isinstance(loaded, QuantizedAutoencoder) == (framework == "vqvae")
    assert not loaded.training
    reference = trainer.framework.network
    reference.load_state_dict(trainer.ema.state)
    assert isinstance(reference, Autoencoder)
    audio = tones().x
    assert torch.equal(codec.encode(loaded, audio), codec.encode(reference.eval(), audio))


def test_from_sounds_to_codes_to_a_prior_and_back_to_sound(shard: Path, tmp_path: Path) -> None:
    trained(codec_recipe("rnn", "vqvae", steps=2), shard, tmp_path / "codec")
    model = tmp_path / "codec" / "model.safetensors"
    recipe = parse_recipe(PRIOR)
    say: list[dict] = []
    made = prepared(recipe, Ingredients(shard, (), 0.0, model, 2), tmp_path / "run", say.append)
    assert made.name == "codes.npz"
    source = recipe.data.spec.build(recipe.data.settings, made)
    assert isinstance(source, CodeShard)
    assert (source.info.channels, source.info.codebook_size) == (2, 16)
    batch = source.batch(1, 0, 5)
    assert batch.x.dtype == torch.int64
    assert batch.x.shape[:2] == (5, 2)
    short = int(batch.lengths.argmin())
    tail = batch.x[short, :, int(batch.lengths[short]) :]
    assert torch.equal(tail, torch.from_numpy(source.silence)[:, None].expand_as(tail))

    network, codec = load_codec(model)
    sound = AudioShard(AudioSettings(), shard).sound(0)
    assert isinstance(network, QuantizedAutoencoder)
    with torch.no_grad():
        codes = network.encode_codes(codec.spectrum(torch.from_numpy(sound.copy())[None, None]))
    begin, known = int(source.start[0]), codes.shape[2] - 2  # the end hears the padding
    stored = source.values[begin : begin + known].T
    assert np.array_equal(stored, codes[0, :, :known].numpy())

    # the prior's run, whole and in parts
    trained(PRIOR.replace("steps = 4", "steps = 2"), made, tmp_path / "parts")
    trained(PRIOR, made, tmp_path / "parts", resume=True)
    trainer = trained(PRIOR, made, tmp_path / "whole")
    first, second = (load_file(tmp_path / d / "checkpoint.safetensors") for d in ("parts", "whole"))
    assert all(torch.equal(first[name], second[name]) for name in second)

    prior = trainer.framework
    assert isinstance(prior, Autoregressive)
    told = no_conditions(torch.zeros(2, 1, 1), len(source.info.descriptors))
    drawn = prior.sampling().draw(prior.network, Order(told, 7, noise(0))).x
    assert drawn.shape == (2, 2, 7)
    with torch.no_grad():
        audio = codec.audio(network.decode_codes(drawn))
    assert audio.shape == (2, 1, 7 * 256)
    assert audio.isfinite().all()


def test_wrong_data_and_codecs_are_refused(shard: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not a code shard"):
        CodeShard(WindowSettings(), shard)
    trained(codec_recipe("rnn", "vae", steps=1), shard, tmp_path)
    network, codec = load_codec(tmp_path / "model.safetensors")
    with pytest.raises(RecipeError, match=r"makes no codes; expected .* vqvae or vqgan"):
        write_codes(network, codec, AudioShard(AudioSettings(), shard), tmp_path / "x.npz", 1)
    no_codec = Ingredients(shard, (), 0.0, None, 1)
    assert prepared(parse_recipe(PRIOR), no_codec, tmp_path, print) == shard  # taken for codes
    with pytest.raises(RecipeError, match=r'use \[data\] name = "codes"'):
        build_framework(parse_recipe(PRIOR), INFO)
    text = codec_recipe("rnn", "vqvae")
    one_code = parse_recipe(text.replace("codebooks = 2\ncodes = 16", "codes = 1"))
    with pytest.raises(RecipeError, match="1 codebooks of 1 codes"):
        build_framework(one_code, INFO)
    head, tail = text.split("[codec]")[0], text.split("[framework]")[1]
    with pytest.raises(RecipeError, match=r'need \[codec\] name = "stft_vae"'):
        build_framework(parse_recipe(f"{head}[framework]{tail}"), INFO)


def test_without_a_codec_sounds_are_not_made_into_codes(tmp_path: Path) -> None:
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    write_wav(sounds / "tone.wav", tones(1).x[0, 0].numpy(), 44_100)
    with pytest.raises(RecipeError, match="trains on codes; add --codec MODEL"):
        prepared(parse_recipe(PRIOR), Ingredients(sounds, (), 0.1, None, 1), tmp_path, print)


@pytest.mark.parametrize("network", ["mlp", "convnext"])
def test_networks_that_cannot_be_causal_are_refused_as_priors(network: str) -> None:
    text = PRIOR.replace('name = "rnn"\nwidth = 16\ndepth = 1', f'name = "{network}"')
    with pytest.raises(RecipeError, match=f"'{network}'.*'autoregressive'.*causal.*transformer"):
        build_framework(parse_recipe(text), INFO)


@pytest.mark.parametrize(
    "name", ["lab/vqvae", "lab/vqgan", "lab/vqgan_prior", "lab/gan", "codec", "codec-finish"]
)
def test_shipped_recipes_build(name: str) -> None:
    recipe = read_recipe(RECIPES / f"{name}.toml")
    channels, codes = (2, 512) if recipe.data.spec.name == "codes" else (1, 0)
    channels = 64 if recipe.data.spec.name == "latents" else channels
    info = DataInfo(44_100, channels, 86, ("kick", "snare"), ("length",), codebook_size=codes)
    assert sum(p.numel() for p in build_framework(recipe, info).network.parameters()) > 1e5
