"""ONNX Runtime as this project imports it: with its telemetry off.

    from engine.onnx_library import onnxruntime

Official builds may report to their maker over the network and keep an identifier of
the device in the user's cache, from the moment of the import (Privacy.md of the package). What
is made on one's own machine stays there: no other module may import the package.
"""

from __future__ import annotations

import os

# Read when the library is loaded; nothing that comes later undoes what it has sent.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

__all__ = ["onnxruntime"]
