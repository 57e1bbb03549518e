"""Driftwave's engine: everything about sound. It knows no transport."""

__version__ = "0.1.0"
