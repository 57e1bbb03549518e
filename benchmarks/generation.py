"""Engine only: how long a voice takes for a sound, by steps and length, and the codec alone."""

from __future__ import annotations

import itertools
import resource

from benchmarks.measure import Figure, summarise, times_ms
from engine.runtime import LoadedVoice, open_runtime
from engine.runtime.spectra import synthesise
from engine.samplers import philox_noise
from engine.types import GenerateRequest
from engine.voice import find_voice

CASES = (
    # seconds, steps, target in ms
    (1.0, 1, 25.0),
    (1.0, 2, None),
    (1.0, 4, 60.0),
    (1.0, 8, None),
    (5.0, 4, 250.0),
)


def run(count: int, *, voice: str = "drums", device: str = "cpu") -> list[Figure]:
    """Generate each case ``count`` times with seeds that never repeat."""
    runtime = open_runtime(device)
    loaded = runtime.load(find_voice(voice))
    figures = []
    for seconds, steps, target in CASES:
        seeds = itertools.count(1)
        request = GenerateRequest(voice=voice, prompt="short dark snare", seconds=seconds)

        def generate(
            request: GenerateRequest = request,
            steps: int = steps,
            seeds: itertools.count[int] = seeds,
        ) -> None:
            loaded.generate(
                GenerateRequest(
                    voice=request.voice,
                    prompt=request.prompt,
                    seconds=request.seconds,
                    steps=steps,
                    seed=next(seeds),
                ),
                index=0,
                on_step=lambda step, steps: None,
                cancelled=lambda: False,
            )

        plural = "" if steps == 1 else "s"
        figures.append(
            summarise(
                f"generate {seconds:g} s at {steps} step{plural} ({runtime.name})",
                times_ms(generate, count=count),
                target=target,
            )
        )
    figures.append(_decoding(loaded, count))
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures.append(summarise("memory of the generating process, peak", [peak_mib], unit="MiB"))
    return figures


def _decoding(loaded: LoadedVoice, count: int) -> Figure:
    """Latents of one second through decoder and inverse STFT."""
    codec = loaded.voice.codec
    frames = -(-loaded.voice.sample_rate // codec.hop_frames)
    latent = loaded.networks.array(philox_noise(1, 0, 0, codec.latent_dims, frames))

    def decode() -> None:
        spectrum = loaded.networks.decode(latent)
        synthesise(spectrum, codec.decoder_fft, codec.decoder_hop)

    return summarise("codec decode, 1 s", times_ms(decode, count=count))
