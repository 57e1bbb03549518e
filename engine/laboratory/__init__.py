"""The laboratory: every model of the lecture, trained alike and used alike."""
