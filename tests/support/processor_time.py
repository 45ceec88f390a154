"""Processor time of an action, whatever the machine and whatever else it does."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

YARDSTICK_S = 0.004
"""Processor time of `yardstick` on a free core of the machine on which the limits of the tests were chosen, s."""


def yardstick() -> None:
    """Do a fixed amount of what the analysis does: small arrays and dictionaries."""
    kept: dict[str, float] = {}
    values = np.linspace(0.1, 1.0, 20)
    for number in range(2000):
        kept[f"key {number % 7}"] = float(np.sum(values * values))


def processor_s(action: Callable[[], object], repeats: int = 3) -> float:
    """Return the least processor time of `action`, s, on a machine that needs `YARDSTICK_S` for the yardstick.

    A slower machine, or a core that is shared with others, slows down both. The least of some `repeats` is what
    `action` needs; the others have been disturbed.
    """
    times = [(_seconds(action), slowness(repeats=1)) for _ in range(repeats)]
    return min(seconds for seconds, _ in times) / min(slow for _, slow in times)


def slowness(repeats: int = 5) -> float:
    """Return how many times as long as on the machine of `YARDSTICK_S` everything takes here and now."""
    return min(_seconds(yardstick) for _ in range(repeats)) / YARDSTICK_S


def _seconds(action: Callable[[], object]) -> float:
    begin = time.process_time()
    action()
    return time.process_time() - begin
