"""Offset of the energy axis that the latest foil scan found."""

from __future__ import annotations

from errors import InputError
from reduction.kinds import reduce_run
from reduction.values import Value
from reduction.xas.calibration_plans import FOIL_PLAN
from storage import Store, load_dataset
from trxas.session.latest_scan import latest_complete

# Below the digits of any monochromator, so that a difference of equal numbers is exactly 0.
_DIGITS = 6


def latest_foil_offset(store: Store, current_ev: float) -> Value:
    """Return the offset, eV, to add to an axis that is calibrated by `current_ev`, from the latest complete foil scan.

    Applied a second time it is 0, as the scan states the edge on the monochromator's own energy. Raises InputError if
    no foil was scanned, if the latest scan has no edge by its reference, or if it agrees with a tabulated edge.
    """
    # Imported here, as in every reduction that the start of a session does not need.
    from reduction.xas.results import FoilResults

    newest = latest_complete(store, FOIL_PLAN)
    if newest is None:
        raise InputError("There is no complete foil scan in the data folder. Run foil_scan, or give offset_ev in eV.")
    # The run states the calibration of its own axis, which may have changed since: the total is compared with the
    # present one.
    found = reduce_run(load_dataset(store, newest.uid))
    offset_ev = found.offset_ev if isinstance(found, FoilResults) else None
    if offset_ev is None or not isinstance(found, FoilResults):
        raise InputError(
            f"The latest foil scan, {newest.uid[:8]}, gives no offset: {' '.join(found.remarks)} Give offset_ev in eV."
        )
    # Without + 0.0 a small negative number becomes -0, which people would read as a change.
    change_ev = round(offset_ev.value + found.axis_offset_ev - current_ev, _DIGITS) + 0.0
    if found.aligned is not None and found.aligned.reference.warning and abs(change_ev) < offset_ev.sigma:
        # An axis that was calibrated by a real foil must not be replaced by the table's scatter.
        raise InputError(
            f"The latest foil scan, {newest.uid[:8]}, would change the axis by {change_ev:+.2f} eV, which a tabulated "
            f"edge does not determine: its error is {offset_ev.sigma:.1f} eV. Scan a foil with a better reference, or "
            "give offset_ev in eV."
        )
    return Value(change_ev, offset_ev.sigma)
