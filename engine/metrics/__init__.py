"""Measures of sounds and of sets of sounds, in NumPy alone."""
