"""Death and return of the server: a new program in place of the old one, which knows no more than when it is due."""

from __future__ import annotations

import math
import os
import sys
import time
from dataclasses import dataclass
from typing import NoReturn

EXIT_DEAD = 70
"""Exit code of a server that died for good (EX_SOFTWARE of sysexits)."""


@dataclass(frozen=True)
class Restart:
    """The `number`-th start again of a server first started at `since` that stays dead until `until`, epoch seconds.

    With `other_port` its connections are not on the port on which it answers searches.
    """

    number: int
    since: float
    until: float
    other_port: bool = False

    @property
    def running_s(self) -> float:
        """Seconds for which the server will have been running, dead or alive, when it is alive again."""
        return max(self.until, time.time()) - self.since if self.number else 0.0

    def wait(self) -> None:
        """Stay dead."""
        time.sleep(max(self.until - time.time(), 0.0))

    def again(self, arguments: list[str] | None, port: int, dead_s: float, other_port: bool) -> NoReturn:  # noqa: FBT001  # of the caller's callback
        """End this program at once, without any clean-up, and start it again on `port` in `dead_s` seconds, if ever.

        The process keeps its number, so that whoever started it can still end it.
        """
        sys.stdout.flush()
        if math.isinf(dead_s):
            os._exit(EXIT_DEAD)
        given = sys.argv[1:] if arguments is None else arguments
        after = f"{self.number + 1}:{self.since!r}:{time.time() + dead_s!r}:{int(other_port)}"
        command = [sys.executable, "-m", "sim", *given, "--port", str(port), "--after-death", after]
        os.execv(command[0], command)  # noqa: S606  # our own interpreter and module


FIRST_START = Restart(0, time.time(), 0.0)


def parse_restart(text: str) -> Restart:
    """What `Restart.again` hands to the next program."""
    number, since, until, other_port = text.split(":")
    return Restart(int(number), float(since), float(until), bool(int(other_port)))
