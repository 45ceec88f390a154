"""Signature of a session in the lock of a beamline: its readable name and a random id, within an EPICS string."""

from __future__ import annotations

import secrets

LOCK_TEXT_LENGTH = 39
"""Characters of an EPICS string (DBR_STRING has 40 bytes, one of them a null)."""

ID_BYTES = 4

GAP = "~"
"""Sign in place of the characters that were left out of a long name."""


def lock_text(name: str) -> str:
    """Return `name`, user@host:process, followed by a random id, so that no two sessions have the same text.

    The name is shortened at the end of the user's part, so that host, process and id stay whole; the result has at
    most 39 characters.
    """
    # An EPICS string holds bytes, and a character of another alphabet can take several of them.
    name = name.encode("ascii", "replace").decode()
    # Host and process identify the session that holds the lock, for anybody who needs it; the user's name may be
    # shortened, as the host knows it. Four random bytes make two equal texts improbable, also for two sessions of one
    # process id.
    unique = f"#{secrets.token_hex(ID_BYTES)}"
    room = LOCK_TEXT_LENGTH - len(unique)
    if len(name) > room:
        user, at, rest = name.partition("@")
        tail = (at + rest)[-(room - 1 - len(GAP)) :]
        name = user[: room - len(GAP) - len(tail)] + GAP + tail
    return name + unique
