"""Several axes and the laser shutter set together, as one movement with one status.

In a group of statuses where one fails early, bluesky reports a time-out first and the failure later; a single status
fails once, with its reason.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from ophyd.status import StatusBase

from devices.axes.axis import Axis, Following
from devices.shutter import Shutter
from devices.signals.move_status import AllOf
from devices.signals.pausing import failures_logged
from errors import TrxasError

Target = float | str

logger = logging.getLogger("trxas.devices")


class AxisGroup:
    """A bluesky Movable over named axes and shutters; its targets are a mapping by name, in the units of the axes.

    `stop_first` stops what moves the shutters by itself, before a pause closes them.
    """

    name = "axis_group"
    parent = None

    def __init__(self, movers: Mapping[str, Axis | Shutter], stop_first: Callable[[], None] | None = None) -> None:
        self._movers = dict(movers)
        self._stop_first = stop_first
        self._reopen: list[Shutter] = []

    def check_value(self, targets: Mapping[str, Target]) -> None:
        """Raise InputError unless every axis and shutter may go to its target; bluesky's `check_limits` calls this."""
        for name, target in targets.items():
            self._movers[name].check_value(target)  # type: ignore[arg-type]  # each checks its own kind

    def set(self, targets: Mapping[str, Target]) -> StatusBase:
        """Check every target, then start all moves at once.

        The status is done when all have arrived, and fails as soon as one of them fails. Raises InputError, and moves
        nothing, if a target is not allowed.
        """
        return AllOf(self.start(targets))

    def ready_move(self, targets: Mapping[str, Target], following: Following) -> Callable[[], list[StatusBase]]:
        """Return a function that starts the move of a single axis, and returns its status; raises InputError.

        `following` begins at the end of the move. The axis must be one that `moves_during_read_out`.
        """
        self.check_value(targets)
        ((name, target),) = targets.items()
        axis = self._movers[name]
        assert isinstance(axis, Axis)  # shutters have no exposure behind them
        move = axis.ready_move(float(target), following)
        return lambda: [move()]

    def start(self, targets: Mapping[str, Target]) -> list[StatusBase]:
        """Start all moves at once and return their statuses; raises InputError as `set` does."""
        # All are checked before the first one moves: a wrong target must not leave the other axes half way.
        self.check_value(targets)
        return [self._movers[name].set(target) for name, target in targets.items()]  # type: ignore[arg-type]

    def pause(self) -> None:
        """Block laser and X-rays while a plan is paused; bluesky calls this and `resume`.

        A shutter that does not close is logged as an error, and the others are closed anyway. Nothing is raised:
        an exception here would end bluesky's engine, and the plan could not clean up.
        """
        # A sequencer that still runs would open the laser shutter again right after this.
        with failures_logged("The sequencer was not stopped for the pause"):
            if self._stop_first is not None:
                self._stop_first()
        # Only shutters that were open are opened again: one that was closed belongs to a dark exposure.
        self._reopen = []
        for shutter in self._shutters():
            with failures_logged(f"THE {shutter.name} MAY STILL BE OPEN: it was not closed for the pause"):
                if shutter.position == "open":
                    self._reopen.append(shutter)
                    shutter.set("closed").wait(timeout=shutter.timeout_s)

    def resume(self) -> None:
        """Open the shutters that the pause closed; raises nothing.

        A shutter that may not be opened now stays closed: the scan notices it and waits.
        """
        for shutter in self._reopen:
            try:
                shutter.set("open").wait(timeout=shutter.timeout_s)
            except (TrxasError, TimeoutError) as error:
                logger.warning("The %s stays closed: %s", shutter.name, error)
        self._reopen = []

    def _shutters(self) -> list[Shutter]:
        return [mover for mover in self._movers.values() if isinstance(mover, Shutter) and mover.can_close]

    def stop(self, *, success: bool = False) -> None:
        """Stop every axis at its current position; shutters finish their stroke."""
        for mover in self._movers.values():
            mover.stop(success=success)
