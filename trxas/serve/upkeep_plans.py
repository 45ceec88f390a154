"""Actions that a person would take at the prompt, as plans for the queue, which has no prompt.

The queue server reads types from signatures, so annotations are evaluated in this module.
"""

from collections.abc import Callable

import bluesky.plan_stubs as bps

from errors import InputError
from plans.types import AnyPlan
from trxas.session.resume import resume_plan
from trxas.session.session import Session

SHORTEST_UID = 8
"""Digits from which a number is taken for the beginning of a uid, which people copy with at least eight characters."""


def upkeep_plans(session: Session) -> dict[str, Callable[..., AnyPlan]]:
    """Return the plans by name: `move_axis`, `resume_run`, and `reset_safety` where the beamline has a watchdog.

    They raise, before anything moves, InputError for an axis or a position that does not exist, and what `resume_plan`
    and `Session.reset_safety` raise.
    """
    axes = session.beamline.axes

    def move_axis(axis: str, value: float) -> AnyPlan:
        """Move one axis and check that it arrives; nothing is measured, and the shutters stay as they are.

        Parameters
        ----------
        axis : event field of the axis, such as energy_ev or delay_ps.
        value : position in the unit of the axis, with which its name ends.
        """
        if axis not in axes:
            raise InputError(f"There is no axis {axis!r}. Give one of {', '.join(axes)}.")
        # `set` would refuse too, but only after the message that names the move: checked here, nothing has begun.
        axes[axis].check_value(value)
        yield from bps.mv(axes[axis], value)

    # A text, because a form has one field for it: the queue server checks types, and a parameter of two types would be
    # offered as a Python literal.
    def resume_run(run: str = "-1") -> AnyPlan:
        """Measure the exposures that an interrupted run lacks, in a new run; both are read as one.

        Parameters
        ----------
        run : uid of the run or its beginning, scan id, or -1 for the latest run.
        """
        # A scan id has few digits; a uid of digits alone is longer.
        key = int(run) if run.lstrip("-").isdigit() and len(run) < SHORTEST_UID else run
        return (yield from resume_plan(session, key))

    plans: dict[str, Callable[..., AnyPlan]] = {"move_axis": move_axis, "resume_run": resume_run}
    if session.beamline.safety is not None:

        def reset_safety() -> AnyPlan:
            """Reset the watchdog after a trip. First find out why it tripped; the shutters stay closed."""
            yield from bps.null()
            # Not a message: the record of the reset goes back to 0 at once, so setting it would never be done.
            session.reset_safety()

        plans["reset_safety"] = reset_safety
    return plans
