"""The process that sends alerts."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from processes.child import ChildProgram

if TYPE_CHECKING:
    from pathlib import Path

START_TIMEOUT_S = 120.0


def alert_program(configuration: Path, root: Path) -> ChildProgram:
    """Return the program that watches the runs of `root` and sends the alerts of a `configuration` file.

    It is ready within 120 s. It is restarted when it dies; no run waits for it.
    """
    return ChildProgram(
        name="alerts",
        command=[sys.executable, "-m", "trxas.alerts.process", str(configuration.resolve()), str(root)],
        ready=re.compile("alerts ready: (.*)"),
        start_timeout_s=START_TIMEOUT_S,
        restarts=True,
    )
