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
        self._reopen: list[Shutter] = []

    def set(self, targets: Mapping[str, Target]) -> StatusBase:
        """Check every target, then start all moves at once; done when all have arrived, failed with the first."""
        for name, target in targets.items():
            self._movers[name].check_value(target)  # type: ignore[arg-type]  # each checks its own kind
        return AllOf([self._movers[name].set(target) for name, target in targets.items()])  # type: ignore[arg-type]

    def pause(self) -> None:
        """Block the laser for as long as a plan is paused; bluesky calls this and `resume`."""
        self._reopen = [shutter for shutter in self._shutters() if shutter.position == "open"]
        for shutter in self._reopen:
            shutter.set("closed").wait(timeout=shutter.timeout_s)

    def resume(self) -> None:
        """Let the laser through again if the pause blocked it."""
        for shutter in self._reopen:
            shutter.set("open").wait(timeout=shutter.timeout_s)
        self._reopen = []

    def _shutters(self) -> list[Shutter]:
        return [mover for mover in self._movers.values() if isinstance(mover, Shutter)]

    def stop(self, *, success: bool = False) -> None:
        """Stop every axis where it is."""
        for mover in self._movers.values():
            mover.stop(success=success)
