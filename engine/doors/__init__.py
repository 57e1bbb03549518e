"""Doors: translate what arrives over a bridge into jobs, and job events into replies."""
