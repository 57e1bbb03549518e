"""Write the adapted voice and put it where every door finds it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from engine.adaptation.hearing import ModuleNetworks
from engine.adaptation.start import kind_of
from engine.errors import StorageError, UsageError, VoiceError
from engine.networks.autoencoder import Autoencoder
from engine.networks.interface import NetworkInfo
from engine.registry import find
from engine.runtime.generation import LoadedVoice
from engine.runtime.onnx import OnnxRuntime
from engine.training.checkpoint import replace_file
from engine.training.loop import network_weights
from engine.types import GenerateRequest
from engine.voice import DESCRIPTION, Voice, find_voices, load_voice, voice_dirs
from engine.voice_format import Audio, Conditioning
from engine.voice_networks import voice_network
from engine.voice_writer import VoiceParts, write_voice

RECIPE = "adapt"
PARITY = 2e-3
"""Largest difference, of full scale 1, between a sound of the graphs and of the networks."""

_LONGEST_DEFAULT = 3.0


def check_name(name: str, target: Path) -> None:
    """Raise UsageError unless a voice may be called this.

    target: where it will lie; a voice of the name that lies elsewhere, or that no adaptation made,
    is not touched.
    """
    if not name or not all(c.isalnum() or c in "-_" for c in name) or not name.isascii():
        raise UsageError(f"name is {name!r}; use letters, digits, - and _ (--name)")
    for voice in find_voices():
        if voice.name == name and (voice.folder != target or voice.recipe != RECIPE):
            raise UsageError(
                f"a voice is called {name!r} already, in {voice.folder}; choose another --name"
            )
    there = target / DESCRIPTION
    if there.exists() and load_voice(target).recipe != RECIPE:
        raise UsageError(f"{target} holds a voice that no adaptation made; choose another --name")


def voice_name(folder: Path) -> str:
    """A name for the voice of a folder: its own, made of letters, digits and -."""
    letters = [c if c.isascii() and c.isalnum() else "-" for c in folder.resolve().name.lower()]
    name = "-".join(part for part in "".join(letters).split("-") if part)
    return name or "sounds"


def target_folder(name: str) -> Path:
    """Where the user's voice of that name lies."""
    return voice_dirs()[0] / name


def made_voice(
    folder: Path,
    base: Voice,
    name: str,
    table: Conditioning,
    denoiser: Path,
    autoencoder: Path,
    seconds: float,
    description: str,
    card: str,
) -> Voice:
    """Write the voice folder from two models and check it against them; VoiceError if it differs.

    seconds: how long most of its sounds are.
    """
    network = denoiser_of(base, table, network_weights(denoiser))
    codec = voice_network(base, base.autoencoder, "autoencoder.")
    assert isinstance(codec, Autoencoder)
    codec.load_state_dict(network_weights(autoencoder))
    default = float(np.clip(np.ceil(10.0 * seconds) / 10.0, base.default_seconds, _LONGEST_DEFAULT))
    parts = VoiceParts(
        name=name,
        version="1",
        licence=base.licence,
        recipe=RECIPE,
        description=description,
        denoiser=network,
        denoiser_kind=kind_of(base, "denoiser"),
        autoencoder=codec,
        autoencoder_kind=kind_of(base, "autoencoder"),
        audio=Audio(base.sample_rate, base.channels, min(default, base.max_seconds),
                    base.max_seconds),
        codec=base.codec,
        sampling=base.sampling,
        conditioning=table,
        card=card,
    )  # fmt: skip
    shutil.rmtree(folder, ignore_errors=True)
    voice = write_voice(folder, parts)
    _check_parity(voice, LoadedVoice(voice, ModuleNetworks(network, codec)))
    return voice


def denoiser_of(
    base: Voice, table: Conditioning, weights: Mapping[str, torch.Tensor]
) -> torch.nn.Module:
    """The base's denoiser for these categories, with these weights, in evaluation mode."""
    name, settings = kind_of(base, "denoiser")
    info = NetworkInfo(base.codec.latent_dims, table.categories, table.descriptors)
    network: torch.nn.Module = find("network", name).build(settings, info)
    network.load_state_dict(dict(weights))
    return network.eval()


def _check_parity(voice: Voice, torch_voice: LoadedVoice) -> None:
    """Both runtimes must make the same sound of the same seed."""
    request = GenerateRequest(voice=voice.name, seed=5, steps=2, seconds=0.8)
    one = OnnxRuntime(1).load(voice).generate(request).audio
    other = torch_voice.generate(request).audio
    difference = float(np.abs(one - other).max())
    if not difference <= PARITY:
        raise VoiceError(
            f"the graphs of voice {voice.name!r} differ from its networks by {difference:.2g}; "
            f"expected at most {PARITY:g}: report this, the training in its folder is whole"
        )


def installed(voice: Voice, name: str, card: str) -> Voice:
    """Copy a finished voice to the user's voices. A killed copy leaves no half voice there.

    A folder is a voice by its voice.toml, which is put in last. Raises StorageError when there is
    no room: an earlier voice of the name stays.
    """
    target = target_folder(name)
    partial = target.with_name(f".{name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        shutil.copytree(voice.folder, partial, ignore=shutil.ignore_patterns(DESCRIPTION))
        (partial / "CARD.md").write_text(card, encoding="utf-8")
        for path in partial.iterdir():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    except OSError as error:  # shutil's own error is one, without an errno
        shutil.rmtree(partial, ignore_errors=True)
        raise StorageError(
            f"cannot write the voice to {target} ({error.strerror or 'no room?'}); make room there "
            "and give the same command again: the training is whole"
        ) from error
    if target.exists():
        (target / DESCRIPTION).unlink(missing_ok=True)
        shutil.rmtree(target)
    partial.rename(target)
    text = (voice.folder / DESCRIPTION).read_bytes()
    replace_file(target / DESCRIPTION, lambda file: file.write(text))
    return load_voice(target)
