"""Adapt a voice to a folder of sounds: ``driftwave train --from VOICE --data FOLDER``."""
