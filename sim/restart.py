"""Death and restart of the server: a new program replaces the old one and is given only its time to start."""

from __future__ import annotations

import math
import os
import sys
import time
from dataclasses import dataclass
from typing import NoReturn

EXIT_DEAD = 70
"""Exit code of a server that died for good (EX_SOFTWARE of sysexits)."""


@dataclass(frozen=True, kw_only=True)
class Restart:
    """Restart `number` of a server; 0 is its first start.

    `since`: first start; `until`: when it may serve again (both seconds since the epoch). With `other_port`, its
    connections are not on the port on which it answers searches.
    """

    number: int
    since: float
    until: float
    other_port: bool = False

    @property
    def running_s(self) -> float:
        """Time from the first start until the server serves again, including its dead time, s of wall time."""
        return max(self.until, time.time()) - self.since if self.number else 0.0

    def wait(self) -> None:
        """Wait until the server may serve again; 0 s at its first start."""
        time.sleep(max(self.until - time.time(), 0.0))

    def again(self, arguments: list[str] | None, port: int, dead_s: float, other_port: bool) -> NoReturn:  # noqa: FBT001  # signature of the callback
        """End this program at once, without clean-up, and restart it on `port` in `dead_s` seconds (infinite: never).

        The process keeps its id, so that its parent can still end it.
        """
        # A death must look like one: no shutdown hooks, no goodbye to clients, the sockets simply close. exec replaces
        # the program and keeps the process, so the program that started it neither sees an exit nor has to know about
        # restarts; the new program learns from its options when it may serve. Only a death without end really exits.
        sys.stdout.flush()
        if math.isinf(dead_s):
            os._exit(EXIT_DEAD)
        given = sys.argv[1:] if arguments is None else arguments
        after = f"{self.number + 1}:{self.since!r}:{time.time() + dead_s!r}:{int(other_port)}"
        command = [sys.executable, "-m", "sim", *given, "--port", str(port), "--after-death", after]
        os.execv(command[0], command)  # noqa: S606  # our own interpreter and module


FIRST_START = Restart(number=0, since=time.time(), until=0.0)


def parse_restart(text: str) -> Restart:
    """Return the restart that `Restart.again` passed to this program; raises ValueError for any other text."""
    number, since, until, other_port = text.split(":")
    return Restart(number=int(number), since=float(since), until=float(until), other_port=bool(int(other_port)))
