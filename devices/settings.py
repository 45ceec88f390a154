"""Several axes and the laser shutter set together, as one movement with one status.

bluesky reports a group of statuses of which one fails early as a timeout, and the failure once more later; a single
status fails once, with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping

from ophyd.status import StatusBase

from devices.axis import Axis
from devices.shutter import Shutter
from devices.waiting import AllOf

Target = float | str


class Settings:
    """A bluesky Movable over named axes and shutters; its targets are a mapping by name."""

    name = "settings"
    parent = None

    def __init__(self, movers: Mapping[str, Axis | Shutter]) -> None:
        self._movers = dict(movers)

    def set(self, targets: Mapping[str, Target]) -> StatusBase:
        """Check every target, then start all moves at once; done when all have arrived, failed with the first."""
        for name, target in targets.items():
            self._movers[name].check_value(target)  # type: ignore[arg-type]  # each checks its own kind
        return AllOf([self._movers[name].set(target) for name, target in targets.items()])  # type: ignore[arg-type]

    def stop(self, *, success: bool = False) -> None:
        """Stop every axis where it is."""
        for mover in self._movers.values():
            mover.stop(success=success)
