"""How soon a busy thread of this process gives way to another one."""

from __future__ import annotations

import sys

SWITCH_S = 5e-4
"""Python's switch interval where exposures are prepared or windows drawn, s.

An exposure is prepared, and a window painted, in fifty to a hundred short steps, before each of which Python may switch
to a thread that writes the catalogue or computes a curve: each step may wait this long for it. With Python's default of
5 ms one busy thread would double the dead time, and freeze the window.
"""


def switch_soon() -> None:
    """Set the switch interval of this process to `SWITCH_S`, unless it is shorter."""
    sys.setswitchinterval(min(SWITCH_S, sys.getswitchinterval()))
