"""The configuration file of the sessions that measure while things fail."""

from __future__ import annotations

import re
from pathlib import Path

from devices.configuration.reading import decoded
from trxas.configuration import load_configuration

CONNECTION_TIMEOUT_S = 60.0
"""Wall time for a dead IOC to come back."""

I0_TOLERANCE = 0.01
"""Share of an exposure from which a dropout of the ion chamber is detected: the simulated flux fluctuates by 0.3 %."""

SETTINGS = {"connection_timeout_s": ("epics", CONNECTION_TIMEOUT_S), "i0_tolerance": ("quality", I0_TOLERANCE)}


def write_strict_configuration(path: Path) -> Path:
    """Write the configuration in use with more time for a dead IOC and a tight tolerance of I0; return `path`.

    Raises ConfigurationError if the configuration in use cannot be read.
    """
    usual = load_configuration().path
    text = decoded(usual.read_bytes(), usual).replace("\r\n", "\n")
    for key, (table, value) in SETTINGS.items():
        text = _with_setting(text, table, key, value)
    path.write_text(text, encoding="utf-8")
    return path


def _with_setting(text: str, table: str, key: str, value: float) -> str:
    line = f"{key} = {value}"
    text, replaced = re.subn(rf"(?m)^{key} *=.*$", line, text)
    return text if replaced else re.sub(rf"(?m)^\[{table}\].*$", lambda header: f"{header[0]}\n{line}", text)
