"""Conditions that must hold during the whole of an exposure, not only at its end."""

from __future__ import annotations

import threading

from devices.laser import Laser
from devices.surroundings import Surroundings

CONDITIONS = frozenset({"ring_current", "xray_shutter", "jet_flow", "laser_lock", "gates_saturated"})
"""What a pump-probe exposure needs."""

BEAM = frozenset({"ring_current", "xray_shutter"})
"""What an exposure of anything needs."""


class Conditions:
    """Remembers every condition of `needed` that failed since `begin`, by the monitors of laser, ring, shutter and jet.

    What is not needed is not looked at: it need not even be there.
    """

    def __init__(self, laser: Laser, surroundings: Surroundings) -> None:
        self._laser, self._surroundings = laser, surroundings
        self.needed = CONDITIONS
        self._failed: set[str] = set()
        self._lock = threading.Lock()
        self._watching: frozenset[str] = frozenset()

    def begin(self) -> None:
        """Start a new exposure: forget what failed before, and note what fails now."""
        # Subscribed here and not when built: a signal that never connects has no monitor to wait for.
        unwatched, self._watching = self.needed - self._watching, self._watching | self.needed
        if "laser_lock" in unwatched:
            self._laser.watch(self._look)
        self._surroundings.watch(self._look, unwatched)
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
        failed = self._surroundings.failed_conditions(self.needed)
        if "laser_lock" in self.needed and not (self._laser.locked and self._laser.divider_is_right):
            failed.append("laser_lock")
        return failed
