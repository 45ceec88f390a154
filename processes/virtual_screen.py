"""An X server without a monitor, for programs that need a screen where there is none."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from errors import ConfigurationError

PROGRAM = "Xvfb"
"""The virtual framebuffer of X.Org; package `xvfb` of Debian."""


@dataclass(frozen=True, kw_only=True)
class VirtualScreen:
    """A running X server: the DISPLAY of its clients, and its process."""

    display: str
    process: subprocess.Popen[bytes]


@contextlib.contextmanager
def virtual_screen() -> Iterator[VirtualScreen]:
    """Run an X server without a monitor, 1280 x 1024 pixels, during the context; it listens on a local socket only.

    Raises ConfigurationError if Xvfb is not installed or does not start.
    """
    server = shutil.which(PROGRAM)
    if server is None:
        raise ConfigurationError(
            f"There is no virtual screen: {PROGRAM} is not installed. Install it (Debian: xvfb) or do without a screen."
        )
    read_end, write_end = os.pipe()
    # The server chooses a free number and writes it to this pipe once it accepts clients.
    command = [server, "-displayfd", str(write_end), "-screen", "0", "1280x1024x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, pass_fds=(write_end,), stderr=subprocess.DEVNULL) as process:  # noqa: S603  # found above
        os.close(write_end)
        try:
            with os.fdopen(read_end) as number:
                display = number.readline().strip()
            if not display:
                raise ConfigurationError(
                    f"{PROGRAM} ended with exit code {process.wait()} before it had a screen. Check its installation, "
                    "or do without a screen."
                )
            yield VirtualScreen(display=f":{display}", process=process)
        finally:
            process.terminate()
