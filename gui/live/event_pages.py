"""Event pages as single events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def page_events(page: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the events of an event page in order, each with those of the page's keys that single events have."""
    for index in range(len(page["seq_num"])):
        event: dict[str, Any] = {"descriptor": page["descriptor"]}
        event |= {key: page[key][index] for key in ("uid", "seq_num", "time") if key in page}
        for key in ("data", "timestamps"):
            event[key] = {name: column[index] for name, column in page.get(key, {}).items()}
        yield event
