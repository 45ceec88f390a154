"""Channels and records that are given to several gates, of one detector or of two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Protocol

from devices.configuration.fields import Fault


class Sources(Protocol):
    """Interface of an entry: its name, its scaler channels as (scaler, channel), and its records."""

    @property
    def name(self) -> str:
        """Name of the detector."""

    @property
    def channels_of(self) -> tuple[tuple[str, int], ...]:
        """Scaler channels that it occupies; the scaler "" is the master."""

    @property
    def records_of(self) -> tuple[str, ...]:
        """Records that it reads."""


def shared_channels(table: str, detectors: Sequence[Sources]) -> Iterable[Fault]:
    """Yield a fault for every scaler channel that several gates of `detectors` share; `table` is for the message."""
    # One channel for two gates gives two equal signals, and so a transient of exactly 0 that looks well measured.
    for place, times in Counter(place for one in detectors for place in one.channels_of).items():
        if times > 1:
            owners = _owners(one.name for one in detectors if place in one.channels_of)
            scaler, channel = place
            where = scaler or "the master scaler"
            message = f"has {times} gates on channel {channel} of {where}. Give each gate its own channel."
            yield Fault(table=table, key=f"{owners}channel", message=message)


def shared_records(table: str, detectors: Sequence[Sources]) -> Iterable[Fault]:
    """Yield a fault for every record that `detectors` read more than once; `table` is for the message."""
    for record, times in Counter(record for one in detectors for record in one.records_of).items():
        if times > 1:
            owners = _owners(one.name for one in detectors if record in one.records_of)
            message = f"= {record!r}: is given {times} times. Give each gate its own record."
            yield Fault(table=table, key=f"{owners}record", message=message)


def _owners(names: Iterable[str]) -> str:
    """Return the names of the detectors in front of the key of a fault; empty for a single one, which has a label."""
    names = list(names)
    return f"{' and '.join(names)}: " if len(names) > 1 else ""
