"""What all tests share."""

from __future__ import annotations

import os

# Spinning OpenMP threads starve each other on shared cores: tests use one, and it sleeps.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
