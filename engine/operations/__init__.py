"""What can be done with a sound, written once for every runtime and reached from every door.

Each operation is a function of a Bench (a loaded voice, one request, one variation) that returns a
Made sound. `make` picks it by the request. Latents are NumPy arrays (1, D, L), sounds (C, T).
"""

from engine.operations.bench import Bench, Draw, Made
from engine.operations.dispatch import make

__all__ = ["Bench", "Draw", "Made", "make"]
