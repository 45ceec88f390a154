"""Two moves of an axis as one: past the target, and back to it from the side that takes out the backlash."""

from __future__ import annotations

from collections.abc import Callable

from ophyd.status import Status, StatusBase
from ophyd.utils import StatusTimeoutError

from errors import MotionError


class BothMoves(Status):
    """Overshoot and return as one status, which fails with the reason of the move that failed.

    A time-out becomes a MotionError, as ophyd lets only its own timers raise its StatusTimeoutError.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        super().__init__()

    def __str__(self) -> str:
        return self._what

    __repr__ = __str__

    def fail(self, error: BaseException) -> None:
        """End both with `error`."""
        self.set_exception(MotionError(str(error)) if isinstance(error, StatusTimeoutError) else error)

    def follow(self, second: StatusBase, arrived: Callable[[], None]) -> None:
        """End with the `second` move, after a call of `arrived` if it has succeeded."""

        def finish(_: StatusBase) -> None:
            error = second.exception(timeout=0)
            if error is not None:
                self.fail(error)
                return
            arrived()
            self.set_finished()

        second.add_callback(finish)
