"""Recipes of every kind of the laboratory's models, of the smallest size: two steps each."""

from __future__ import annotations

from pathlib import Path

LOOP = """
[loop]
steps = 2
batch = 2
log_every = 1
save_every = 1
preview_every = 0
precision = "float32"
"""
CONVNEXT = """
[network]
name = "convnext"
latent_dims = 8
encoder_width = 16
encoder_depth = 1
decoder_widths = [16, 16, 8]
decoder_depths = [1, 1, 1]
[codec]
name = "stft_vae"
[data]
name = "audio"
frames = 4096
"""
TRANSFORMER = """
[network]
name = "transformer"
width = 16
depth = 1
heads = 2
"""
WAVENET = """
[network]
name = "wavenet"
layers = 2
channels = 4
upsample = [8, 8]
label_width = 8
"""
WAVE = """
[data]
name = "audio"
sample_rate = 16000
frames = 1024
gain = 4.0
"""
LATENTS = """
[data]
name = "latents"
frames = [8]
"""
TINY = {
    "vae": CONVNEXT + '[framework]\nname = "vae"',
    "vqvae": CONVNEXT + '[framework]\nname = "vqvae"\nquantizer = {codebooks = 2, codes = 8}',
    "vqgan": CONVNEXT
    + '[framework]\nname = "vqgan"\nadversarial_from_step = 1\n'
    + "discriminator_width = 4\nquantizer = {codebooks = 2, codes = 8}",
    "prior": TRANSFORMER
    + '[framework]\nname = "autoregressive"\nwidth = 16\n[lab]\ncodec = "vqgan"'
    + LATENTS.replace("latents", "codes"),
    "flow": TRANSFORMER + LATENTS + '[framework]\nname = "flow"\n[lab]\ncodec = "vae"',
    "tuned": TRANSFORMER
    + LATENTS
    + '[framework]\nname = "consistency"\n[lab]\ncodec = "vae"\nstart_from = "flow"',
    "sketch": TRANSFORMER
    + LATENTS
    + '[data.condition]\nkind = "sketch"\n[framework]\nname = "edm"\n[lab]\ncodec = "vae"',
    "gan": TRANSFORMER
    + LATENTS
    + '[framework]\nname = "gan"\ndiscriminator_width = 4\n[lab]\ncodec = "vae"',
    "dae": WAVENET + WAVE + '[framework]\nname = "dae"\nresidual = true\nrelative = true',
    "diffwave": WAVENET
    + WAVE
    + '[framework]\nname = "ddpm"\nobjective = "eps"\nschedule = "diffwave"\ntimesteps = 50',
    "unconditional": WAVENET + WAVE + 'labels = false\n[framework]\nname = "ddpm"',
    "vocoder": WAVENET
    + WAVE
    + 'labels = false\n[data.condition]\nkind = "mel"\nhop = 64\nbands = 10\n'
    + '[framework]\nname = "wavegrad"',
}


def write_recipes(folder: Path) -> None:
    """Write every recipe of TINY to ``folder``, named like engine.lab wants them."""
    for name, text in TINY.items():
        (folder / f"{name}.toml").write_text(f'# Tiny {name}.\nname = "{name}"\n{text}\n{LOOP}')
