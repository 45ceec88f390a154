"""The sessions that people start, each with its own displays, threads and ways to run a plan."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from enum import StrEnum

from processes.virtual_screen import virtual_screen


class SessionKind(StrEnum):
    """How the measuring session is started."""

    SCRIPT = "script"
    """A program that opens a session: no prompt, no table, no figures."""

    IPYTHON = "ipython"
    """`trxas ipython` on a terminal without a screen: table and progress bar, figures are saved."""

    IPYTHON_SCREEN = "ipython-screen"
    """`trxas ipython` on a terminal with a screen, here a virtual one: figures are shown too."""

    QUEUE = "queue"
    """The session in the queue server of `trxas serve`."""


class SessionChoice(StrEnum):
    """A kind of session, or all of them in turn."""

    SCRIPT = SessionKind.SCRIPT
    IPYTHON = SessionKind.IPYTHON
    IPYTHON_SCREEN = SessionKind.IPYTHON_SCREEN
    QUEUE = SessionKind.QUEUE
    ALL = "all"

    def kinds(self) -> tuple[SessionKind, ...]:
        """Return the chosen kinds."""
        return tuple(SessionKind) if self is SessionChoice.ALL else (SessionKind(self.value),)


@contextlib.contextmanager
def screen_of(kind: SessionKind) -> Iterator[str]:
    """Yield the DISPLAY for a session of this kind, "" for none; raise ConfigurationError if no screen is available."""
    if kind is not SessionKind.IPYTHON_SCREEN:
        yield ""
        return
    with virtual_screen() as screen:
        yield screen.display
