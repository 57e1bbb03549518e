"""How sound and messages cross a process border: the plugin link and OSC. Knows no engine."""
