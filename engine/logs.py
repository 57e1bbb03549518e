"""Logs on stderr: lines for people or one JSON object a line for machines."""

from __future__ import annotations

import json
import logging
import sys
import time


class TextFormatter(logging.Formatter):
    """`12:30:05 warning library: message`, with a traceback below where there is one."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(word)s %(short)s: %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """One record as text."""
        record.word = record.levelname.lower()
        record.short = record.name.split(".")[-1]
        return super().format(record)


class JsonFormatter(logging.Formatter):
    """Time (UTC, ISO 8601), level, logger, message and traceback as one line of JSON."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        """One record as a line of JSON."""
        seconds = self.formatTime(record, "%Y-%m-%dT%H:%M:%S")
        line = {
            "time": f"{seconds}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def start_logging(form: str = "text", level: str = "info") -> None:
    """Send every logger's records of `level` and above to stderr in the given format."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    logging.captureWarnings(True)
