"""Codecs: audio to latents or codes and back."""
