"""The configuration file of the sessions that measure while things fail."""

from __future__ import annotations

import json
from pathlib import Path

from trxas.configuration import load_configuration

CONNECTION_TIMEOUT_S = 60.0
"""Wall time for a dead IOC to come back."""

I0_TOLERANCE = 0.01
"""Share of an exposure from which a dropout of the ion chamber is detected: the simulated flux fluctuates by 0.3 %."""


def write_strict_configuration(path: Path) -> Path:
    """Write the configuration in use with more time for a dead IOC and a tight tolerance of I0; return `path`.

    Raises ConfigurationError if the configuration in use cannot be read.
    """
    # Faults last for seconds of wall time at a fast simulation, and none of them may pass a check by being short.
    usual = load_configuration().path.resolve()
    # Texts of JSON are texts of TOML.
    lines = (
        f"extends = {json.dumps(str(usual), ensure_ascii=False)}",
        f"[epics]\nconnection_timeout_s = {CONNECTION_TIMEOUT_S}",
        f"[quality]\ni0_tolerance = {I0_TOLERANCE}",
    )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
