"""Objects that last as long as their process, which Python need not examine again and again."""

from __future__ import annotations

import functools
import gc


@functools.cache
def exempt_lasting_objects() -> None:
    """Exempt all objects of this process from Python's collection of garbage; further calls change nothing.

    To be called when what is imported late is there. A full collection examines every object, half a million in a
    session, and stops all threads for 0.4 s meanwhile. Garbage in reference cycles that exists at this moment is never
    freed.
    """
    gc.freeze()
