"""When Python searches a process for garbage in reference cycles: a search stops all threads of the process."""

from __future__ import annotations

import functools
import gc

NEW_OBJECTS = 20_000
"""New objects after which Python searches them for garbage; its default is 700. They take some megabytes."""


def search_rarely() -> None:
    """Let Python search for garbage once in 20 000 new objects, unless it does so even more rarely, or never.

    The imports of a session leave 140 000 objects, and with Python's default the searches take a tenth of their time.
    """
    first, *others = gc.get_threshold()
    if 0 < first < NEW_OBJECTS:
        gc.set_threshold(NEW_OBJECTS, *others)


@functools.cache
def exempt_lasting_objects() -> None:
    """Exempt all objects of this process from Python's collection of garbage; further calls change nothing.

    To be called when what is imported late is there. A full collection examines every object, half a million in a
    session, and stops all threads for 0.4 s meanwhile. Garbage in reference cycles that exists at this moment is never
    freed.
    """
    gc.freeze()
