"""A ring of the latest frames of one player, which clients read again by number."""

from __future__ import annotations

import numpy as np

from sim.types import FloatArray

RING = 4096
"""Frames that the ring holds, also the limit of rows in a table: a client that returns finds all of its frames."""

BLOCK = 32
"""Frames in one answer."""


class FrameRing:
    """The latest `size` frames, each an array of `length` numbers; frames are numbered from 1 without gaps."""

    def __init__(self, length: int, size: int = RING) -> None:
        self._size = size
        self._frames = np.zeros((size, length))
        self.latest = 0
        """Number of the latest frame, 0 before the first."""

    def append(self, frame: FloatArray) -> None:
        """Add a frame, (length,), which replaces the oldest of a full ring; raises ValueError for another length."""
        self.latest += 1
        self._frames[self.latest % self._size] = frame

    def block(self, first: int) -> FloatArray:
        """Return up to BLOCK frames from number `first` on: [frames, length, number of the first, frames...].

        The answer always has the same length. It begins with the oldest frame of the ring if `first` is gone.
        """
        first = max(first, self.latest - self._size + 1, 1)
        count = max(min(self.latest - first + 1, BLOCK), 0)
        length = self._frames.shape[1]
        answer = np.zeros(3 + BLOCK * length)
        answer[:3] = count, length, first
        rows = np.arange(first, first + count) % self._size
        answer[3 : 3 + count * length] = self._frames[rows].ravel()
        return answer
