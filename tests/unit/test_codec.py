"""The codec: one STFT in numpy and torch, shapes, lengths, silence, and the closed-form fit."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from engine.codecs.stft_vae import StftVae, StftVaeSettings  # noqa: E402
from engine.errors import RecipeError  # noqa: E402
from engine.frameworks import Batch, DataInfo, Parts  # noqa: E402
from engine.frameworks.spectral import spectral_distance  # noqa: E402
from engine.frameworks.vae import Vae, VaeSettings  # noqa: E402
from engine.networks.convnext import ConvNextAutoencoder, ConvNextSettings  # noqa: E402
from engine.stft import Stft  # noqa: E402

RESOLUTIONS = [(2048, 512), (1024, 256), (256, 64), (128, 64), (512, 256)]
TINY = ConvNextSettings(
    latent_dims=8, encoder_width=16, encoder_depth=1, decoder_widths=(16, 16, 8),
    decoder_depths=(1, 1, 1), expansion=2,
)  # fmt: skip


def noise(frames: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((2, frames)).astype(np.float32) * 0.2


@pytest.mark.parametrize(("n_fft", "hop"), RESOLUTIONS)
def test_stft_round_trip_returns_the_signal(n_fft: int, hop: int) -> None:
    stft, audio = Stft(n_fft, hop), noise(hop * 37)
    spectrum = stft.forward_numpy(audio)
    assert spectrum.shape == (2, 2, n_fft // 2 + 1, 37)
    np.testing.assert_allclose(stft.inverse_numpy(spectrum), audio, atol=2e-5)


@pytest.mark.parametrize(("n_fft", "hop"), RESOLUTIONS)
def test_numpy_and_torch_agree(n_fft: int, hop: int) -> None:
    stft, audio = Stft(n_fft, hop), noise(hop * 21, seed=1)
    by_numpy = stft.forward_numpy(audio)
    by_torch = stft.forward(torch.from_numpy(audio)).numpy()
    np.testing.assert_allclose(by_torch, by_numpy, atol=1e-5)
    spoiled = by_numpy + noise(by_numpy.size // 2, seed=2).reshape(by_numpy.shape)
    np.testing.assert_allclose(
        stft.inverse(torch.from_numpy(spoiled)).numpy(), stft.inverse_numpy(spoiled), atol=1e-5
    )


@settings(max_examples=20, deadline=None)
@given(frames=st.integers(1, 40))
def test_stft_keeps_every_length(frames: int) -> None:
    stft = Stft(1024, 256)
    assert stft.inverse_numpy(stft.forward_numpy(noise(256 * frames))).shape == (2, 256 * frames)


def test_white_noise_keeps_its_rms_in_the_spectrum() -> None:
    spectrum = Stft(1024, 256).forward_numpy(noise(256 * 200))
    power = (spectrum[:, :, 5:-5, 5:-5] ** 2).sum(1).mean()
    assert np.sqrt(power) == pytest.approx(0.2, rel=0.05)


def test_stft_refuses_partial_frames_and_bad_sizes() -> None:
    with pytest.raises(ValueError, match="multiple of the hop, 256"):
        Stft(1024, 256).forward_numpy(noise(1000))
    with pytest.raises(ValueError, match="hop 300"):
        Stft(1024, 300)


@pytest.mark.parametrize("samples", [1, 1023, 1024, 1025, 5000])
def test_codec_shapes_for_any_length(samples: int) -> None:
    codec, network = StftVae(StftVaeSettings()), ConvNextAutoencoder(TINY).eval()
    audio = torch.randn(3, 1, samples, generator=torch.Generator().manual_seed(0))
    latent = codec.encode(network, audio)
    frames = -(-samples // codec.hop_frames)
    assert latent.shape == (3, 8, frames)
    assert codec.decode(network, latent).shape == (3, 1, frames * codec.hop_frames)
    assert codec.delay_frames == 0


def test_encoding_is_deterministic_and_normalised() -> None:
    codec, network = StftVae(StftVaeSettings()), ConvNextAutoencoder(TINY).eval()
    audio = torch.randn(1, 1, 4096, generator=torch.Generator().manual_seed(0))
    plain = codec.encode(network, audio)
    assert torch.equal(plain, codec.encode(network, audio))
    network.latent_mean.fill_(0.5)
    network.latent_std.fill_(2.0)
    assert torch.allclose(codec.encode(network, audio), (plain - 0.5) / 2.0)
    spectrum = network.decode(codec.encode(network, audio))
    assert torch.allclose(spectrum, network.decoder(plain), atol=1e-5)


def test_magnitudes_below_the_floor_decode_to_true_silence() -> None:
    network = ConvNextAutoencoder(TINY).eval()
    with torch.no_grad():
        network.decoder.head.weight.zero_()
        network.decoder.head.bias[: network.decoder.bins] = -12.0
        spectrum = network.decode(torch.zeros(1, 8, 4))
    assert spectrum.abs().max() == 0.0


def test_codec_and_network_of_other_sizes_are_one_clear_error() -> None:
    codec = StftVae(StftVaeSettings(encoder_fft=1024))
    with pytest.raises(RecipeError, match=r"ConvNextAutoencoder has .*\(1025, 513\).*\(513, 513\)"):
        codec.check(ConvNextAutoencoder(TINY))


def framework() -> Vae:
    torch.manual_seed(0)
    info = DataInfo(44_100, 1, 8192, (), ())
    return Vae(
        VaeSettings(), Parts(ConvNextAutoencoder(TINY), StftVae(StftVaeSettings()), info, 10)
    )


def low_tones(n: int) -> Batch:
    """Four decaying sines of 50 to 200 Hz with random phases."""
    rng = np.random.default_rng(n)
    t = np.arange(8192) / 44_100
    hertz, phase = rng.uniform(50, 200, (4, 1)), rng.uniform(0, 6.28, (4, 1))
    x = 0.9 * np.sin(2 * np.pi * hertz * t + phase) * np.exp(-t * 8)
    one = torch.full((4,), 8192)
    return Batch(torch.from_numpy(x.astype(np.float32))[:, None], one, one * 0, torch.zeros(4, 7))


def test_closed_form_fit_finds_the_phases_of_low_tones() -> None:
    vae, unseen = framework(), low_tones(99)

    def error() -> float:
        with torch.no_grad():
            spectrum, _, _ = vae.reconstruct(unseen.x, torch.Generator().manual_seed(0))
            return float(vae.spectral.phase_distance(unseen.x, spectrum))

    before = error()
    vae.begin(low_tones)
    assert before > 0.9  # phases at random
    assert error() < 0.7 * before  # four latents cannot tell more of them


def test_loss_falls_when_one_batch_is_repeated() -> None:
    vae, batch = framework(), low_tones(0)
    optimizer = torch.optim.AdamW(vae.network.parameters(), lr=3e-3)
    first = last = 0.0
    for step in range(30):
        losses = vae.loss(batch, torch.Generator().manual_seed(5), step)
        optimizer.zero_grad()
        losses["total"].backward()
        optimizer.step()
        last = losses["total"].item()
        first = first or last
    assert last < 0.7 * first


def test_distance_is_zero_for_equal_sounds_and_grows_with_noise() -> None:
    x = torch.from_numpy(noise(4096))
    distances = [
        float(sum(spectral_distance(x, x + level * torch.randn_like(x), Stft(512, 128), 44_100)))
        for level in (0.0, 0.01, 0.1)
    ]
    assert distances[0] == pytest.approx(0.0, abs=1e-4)
    assert distances[0] < distances[1] < distances[2]
