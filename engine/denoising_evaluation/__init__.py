"""Denoisers compared: one protocol of noisy sounds, metrics, peers and a report."""
