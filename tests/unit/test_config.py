"""Settings: which source wins, and what a wrong key or value is answered with."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from engine.config import Settings, config_dir, resolve
from engine.errors import UsageError
from engine.logs import JsonFormatter, TextFormatter


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    return path


def test_flags_win_over_variables_over_the_file_over_defaults(tmp_path: Path) -> None:
    file = write(tmp_path, 'osc_port = 1000\nvoice = "file"\ndevice = "cuda"\n')
    environ = {"DRIFTWAVE_OSC_PORT": "2000", "DRIFTWAVE_VOICE": "variable", "HOME": "/x"}
    settings = resolve({"osc_port": 3000, "voice": None}, environ=environ, file=file)
    assert (settings.osc_port, settings.voice, settings.device) == (3000, "variable", "cuda")
    assert settings.log_format == "text"
    assert resolve({}, environ={}, file=tmp_path / "none.toml") == Settings()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("osc_prot = 1\n", "did you mean 'osc_port'"),
        ("nonsense = 1\n", "expected one of voice, device"),
        ("osc_port = 70000\n", "whole number from 0 to 65535"),
        ("osc_port = true\n", "whole number"),
        ('osc_port = "x"\n', "whole number"),
        ('lan = "perhaps"\n', "true or false"),
        ('device = "gpu"\n', "one of auto, cpu, cuda"),
        ('voice = ""\n', "not empty"),
        ("library = 5\n", "not empty"),
        ("osc_port = \n", "cannot be read as TOML"),
    ],
)
def test_a_wrong_file_is_named_with_the_remedy(tmp_path: Path, text: str, message: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(UsageError, match=message) as caught:
        resolve({}, environ={}, file=file)
    assert str(file) in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot be read"):
        resolve({}, environ={}, file=file)


def test_a_misspelt_variable_is_an_error_and_a_foreign_one_is_not(tmp_path: Path) -> None:
    none = tmp_path / "none.toml"
    with pytest.raises(UsageError, match="DRIFTWAVE_OSC_PORT"):
        resolve({}, environ={"DRIFTWAVE_OSCPORT": "1"}, file=none)
    with pytest.raises(UsageError, match="DRIFTWAVE_DEVICE: device is 'x'"):
        resolve({}, environ={"DRIFTWAVE_DEVICE": "x"}, file=none)
    foreign = {"DRIFTWAVE_SOMETHING_ELSE": "1", "DRIFTWAVE_RUNTIME_DIR": "/x"}
    assert resolve({}, environ=foreign, file=none) == Settings()


def test_a_wrong_flag_is_named_as_typed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--log-format: log_format is 'xml'"):
        resolve({"log_format": "xml"}, environ={}, file=tmp_path / "none.toml")


def test_the_folder_of_the_settings_can_be_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTWAVE_CONFIG_DIR", "/somewhere")
    assert config_dir() == Path("/somewhere/driftwave")


def test_logs_are_lines_for_people_or_json() -> None:
    record = logging.LogRecord("engine.x", logging.WARNING, "f", 1, "half %d", (3,), None)
    assert TextFormatter().format(record).endswith("warning x: half 3")
    line = json.loads(JsonFormatter().format(record))
    assert (line["level"], line["logger"], line["message"]) == ("warning", "engine.x", "half 3")
    assert line["time"].endswith("Z")
