"""A voice's networks in torch, rebuilt from its description and its weights."""

from __future__ import annotations

from safetensors import SafetensorError, safe_open
from torch import nn

from engine.errors import VoiceError
from engine.networks.interface import NetworkInfo
from engine.registry import find
from engine.voice import WEIGHTS, Voice
from engine.voice_format import Network

__all__ = ["voice_network"]


def voice_network(voice: Voice, description: Network, prefix: str) -> nn.Module:
    """The network that a table of voice.toml describes, with its weights in float32.

    prefix: of its weights' names, "denoiser." or "autoencoder.". Raises VoiceError when they do not
    fit.
    """
    try:
        spec = find("network", description.name)
        settings = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in description.settings.items()
        }
        table = voice.conditioning
        info = NetworkInfo(voice.codec.latent_dims, table.categories, table.descriptors)
        network: nn.Module = spec.build(spec.settings(**settings), info)
        with safe_open(voice.path(WEIGHTS), framework="pt") as file:
            names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118
            state = {name[len(prefix) :]: file.get_tensor(name).float() for name in names}
        network.load_state_dict(state)
    except (SafetensorError, OSError) as error:
        raise VoiceError(f"voice {voice.name!r}: {WEIGHTS} cannot be read: {error}") from error
    except Exception as error:  # settings come from a file: any of their mistakes ends here
        raise VoiceError(
            f"voice {voice.name!r}: network {description.name!r} does not fit its weights: "
            f"{str(error)[:300]}"
        ) from error
    return network.eval()
