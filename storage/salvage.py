"""What a journal still holds behind a record that was damaged: whole records that can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from storage.documents import NamedDocument


def usable(before: Iterable[NamedDocument], found: Iterable[NamedDocument]) -> list[NamedDocument]:
    """Return those of the `found` documents that make sense after those `before` the damage.

    An event whose descriptor was destroyed means nothing, a second start or stop belongs to no run.
    """
    known = list(before)
    descriptors = {doc["uid"] for name, doc in known if name == "descriptor"}
    kept: list[NamedDocument] = []
    for name, doc in found:
        if name == "descriptor":
            descriptors.add(doc["uid"])
        if name == "start" or (name in ("event", "event_page") and doc.get("descriptor") not in descriptors):
            continue
        kept.append((name, doc))
        if name == "stop":
            break
    return kept
