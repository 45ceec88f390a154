"""What the latest time-zero scan found: time zero on the raw delay, and the width of the instrument response."""

from __future__ import annotations

from typing import TYPE_CHECKING

from errors import InputError
from reduction.kinds import reduce_run
from reduction.values import Value
from reduction.xas.calibration_plans import TIME_ZERO_PLAN
from storage import Store, load_dataset
from trxas.session.latest_scan import latest_complete

if TYPE_CHECKING:
    from reduction.xas.results import TimeZeroResults

# Far below the steps of any delay, so that a difference of equal numbers is exactly 0.
_DIGITS = 6


def latest_time_zero(store: Store, current_raw_ps: float) -> Value:
    """Return the delay, ps, to make the new zero of an axis whose time zero is `current_raw_ps` on the raw delay.

    Applied a second time it is 0, as the scan states time zero on the raw delay. Raises InputError if there is no
    complete time-zero scan, or if the latest one shows no step.
    """
    uid, found = _latest(store, "t0_ps in ps")
    raw_ps = found.time_zero_raw_ps
    if raw_ps is None:
        raise InputError(
            f"The latest time-zero scan, {uid[:8]}, gives no time zero: {' '.join(found.remarks)} Give t0_ps in ps."
        )
    return Value(round(raw_ps.value - current_raw_ps, _DIGITS) + 0.0, raw_ps.sigma)


def latest_response(store: Store) -> Value:
    """Return the width of the instrument response, ps, from the latest time-zero scan alone.

    Raises InputError if there is no complete time-zero scan, or if the latest one does not determine the width.
    """
    uid, found = _latest(store, "sigma_ps and error_ps in ps")
    if found.response is None:
        raise InputError(
            f"The latest time-zero scan, {uid[:8]}, does not determine the width of the instrument response. Repeat it "
            "with more delays over the rise or a longer dwell, or give sigma_ps and error_ps in ps."
        )
    return found.response


def _latest(store: Store, arguments: str) -> tuple[str, TimeZeroResults]:
    # Imported here, as in every reduction that the start of a session does not need.
    from reduction.xas.results import TimeZeroResults

    newest = latest_complete(store, TIME_ZERO_PLAN)
    found = None if newest is None else reduce_run(load_dataset(store, newest.uid))
    if newest is None or not isinstance(found, TimeZeroResults):
        raise InputError(
            f"There is no complete time-zero scan in the data folder. Run time_zero_scan, or give {arguments}."
        )
    return newest.uid, found
