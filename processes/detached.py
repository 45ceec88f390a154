"""Programs that outlive the process that starts them."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence


def start_detached(command: Sequence[str]) -> None:
    """Start a program in its own session, without input or output; raises OSError if it cannot be run."""
    subprocess.Popen(  # noqa: S603  # programs of known names
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
