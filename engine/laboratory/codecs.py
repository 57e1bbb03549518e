"""The codec a recipe's latents or codes come from, as one model file."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file

from engine.errors import RecipeError
from engine.laboratory.plan import VOICE
from engine.training.checkpoint import save_checkpoint
from engine.training.loop import MODEL
from engine.training.recipe import Recipe
from engine.voice import WEIGHTS, find_voice

__all__ = ["codec_file", "voice_codec"]

_PREFIX = "autoencoder."
_RECIPE = Path(__file__).parents[1] / "recipes" / "codec.toml"


def codec_file(recipe: Recipe, out: Path, data: Path) -> Path | None:
    """The model file of the recipe's codec: of a run in ``out``, or a voice's, put in ``data``."""
    name = recipe.lab.codec
    if not name:
        return None
    if not name.startswith(VOICE):
        return out / name / MODEL
    path = data / f"codec-{name.removeprefix(VOICE)}.safetensors"
    if not path.exists():
        voice_codec(name.removeprefix(VOICE), path)
    return path


def voice_codec(name: str, path: Path) -> None:
    """Write the codec of an installed voice to ``path``, as the model of a run of recipe codec.

    Raises VoiceError for an unknown voice, RecipeError when its codec is none of that recipe.
    """
    voice = find_voice(name)
    weights = load_file(voice.path(WEIGHTS))
    tensors = {k.removeprefix(_PREFIX): v for k, v in weights.items() if k.startswith(_PREFIX)}
    if not tensors:
        raise RecipeError(f"voice {name!r} holds no autoencoder; expected weights {_PREFIX}*")
    text = _RECIPE.read_text(encoding="utf-8")
    save_checkpoint(path, tensors, {"name": "codec", "recipe": text, "voice": voice.hash})
