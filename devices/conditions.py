"""Conditions that must hold during the whole of an exposure, not only at its end."""

from __future__ import annotations

import threading

from devices.laser import Laser
from devices.surroundings import Surroundings


class Conditions:
    """Remembers every condition that failed since `begin`, by the monitors of laser, ring, shutter and jet."""

    def __init__(self, laser: Laser, surroundings: Surroundings) -> None:
        self._laser, self._surroundings = laser, surroundings
        self._failed: set[str] = set()
        self._lock = threading.Lock()
        self._watching = False

    def begin(self) -> None:
        """Start a new exposure: forget what failed before, and note what fails now."""
        if not self._watching:
            # Subscribed here and not when built: a signal that never connects has no monitor to wait for.
            self._laser.watch(self._look)
            self._surroundings.watch(self._look)
            self._watching = True
        with self._lock:
            self._failed = set(self._now())

    def failed(self) -> set[str]:
        """Names of the conditions that failed at any time since `begin`."""
        self._look()
        with self._lock:
            return set(self._failed)

    def _look(self) -> None:
        now = self._now()
        with self._lock:
            self._failed.update(now)

    def _now(self) -> list[str]:
        failed = self._surroundings.failed_conditions()
        return failed if self._laser.locked and self._laser.divider_is_right else [*failed, "laser_lock"]
