"""Hosts the plugin's core outside a DAW: live audio and MIDI, offline render, test harness."""
