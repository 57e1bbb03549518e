"""Drum loops: patterns of generated hits, from a style, a MIDI file or a beatbox recording."""
