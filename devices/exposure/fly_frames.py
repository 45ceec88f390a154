"""Frames of fly scans as a stream of their own: what every bin is made of, with the energy of each frame.

The reduction bins them again once it knows the backlash of the drive.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from devices.exposure.sequence_frames import PAGE_S

STREAM = "frames"
"""Name of the stream of the frames."""

PREFIX = "frame_"
"""Prefix of the fields of a frame; the rest of each name is that of the field of an exposure."""


class FrameStream:
    """Stream of the frames of a run: a bluesky Collectable that yields the frames its reader has put into it.

    `keys` are the data keys of an exposure.
    """

    name = STREAM
    parent = None

    def __init__(self, keys: Mapping[str, dict[str, Any]]) -> None:
        self._keys = keys
        self._waiting: list[tuple[dict[str, Any], float]] = []

    def put(self, values: Mapping[str, Any], end_s: float) -> None:
        """Add a frame that ended at `end_s`, s since the epoch; its quality is "" for a good one."""
        self._waiting.append(({PREFIX + key: value for key, value in values.items()}, end_s))

    def clear(self) -> None:
        """Forget the frames that were not collected: a new run begins."""
        self._waiting.clear()

    def describe_collect(self) -> dict[str, dict[str, Any]]:
        """Return the data keys: those of an exposure, with the same units and shapes."""
        return {PREFIX + key: dict(value) for key, value in self._keys.items()}

    def collect_pages(self) -> Iterator[dict[str, Any]]:
        """Yield the frames that came since the last call, as pages that span at most 0.1 s each."""
        while self._waiting:
            begin_s = self._waiting[0][1]
            late = (place for place, (_, end_s) in enumerate(self._waiting) if end_s - begin_s > PAGE_S)
            taken = self._waiting[: next(late, len(self._waiting))]
            ends_s = [end_s for _, end_s in taken]
            yield {
                "data": {key: [values[key] for values, _ in taken] for key in taken[0][0]},
                "timestamps": {key: list(ends_s) for key in taken[0][0]},
                "time": list(ends_s),
            }
            self._waiting = self._waiting[len(taken) :]
