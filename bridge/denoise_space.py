"""The row of the table of OSC methods that takes noise out of a clip."""

from __future__ import annotations

from bridge import denoise_requests as requests
from bridge.osc_spec import Arg, Kind, Method

_F, _B, _S = Kind.FLOAT, Kind.BOOL, Kind.STRING


def denoise_methods(job: Arg, clip: Arg) -> tuple[Method, ...]:
    """The row, with the arguments that other methods have too."""
    return (
        Method(
            "/drift/denoise", requests.DenoiseCommand, "Take the noise out of a clip",
            args=(job, clip),
            keys=(
                Arg("amount", _F, "how far noise is brought down at most", unit="dB", minimum=0,
                    maximum=96, default=30.0, optional=True),
                Arg("learn_start", _F, "start of a passage of noise alone", unit="s", minimum=0,
                    maximum=3600, default=0.0, optional=True),
                Arg("learn_end", _F, "end of that passage; 0: the noise is tracked", unit="s",
                    minimum=0, maximum=3600, default=0.0, optional=True),
                Arg("delta", _B, "1: the new clip is what is removed", default=False,
                    optional=True),
                Arg("quality", _S, "live, or best, which hears the whole clip first",
                    default="live", choices=("live", "best"), optional=True),
            ),
            replies=("/drift/queued", "/drift/progress", "/drift/clip/added", "/drift/done"),
            job=True,
            done=(
                Arg("clip", _S, "id of the new clip; its parent is the noisy one"),
                Arg("milliseconds", _F, "time it took to make", unit="ms"),
                Arg("reduction", _F, "how much lower its level is", unit="dB"),
            ),
        ),
    )  # fmt: skip
