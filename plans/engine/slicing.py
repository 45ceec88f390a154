"""Slices of the exposures of a sequence: how many an exposure has, and which lengths are possible."""

from __future__ import annotations

from devices.configuration import SequencerSettings
from devices.exposure.slices import LEAST, LONGEST_S, SHORTEST_S
from errors import InputError, OutOfRangeError
from plans.choices import Stepping
from plans.engine.spec import ScanSpec


def number_of_slices(dwell_s: float, slice_s: float | None) -> int:
    """Return in how many slices of about `slice_s` seconds an exposure of `dwell_s` is counted; 1 without slices."""
    return 1 if slice_s is None else round(dwell_s / slice_s)


def check_slices(spec: ScanSpec, settings: SequencerSettings | None) -> None:
    """Raise InputError for slices without a sequencer, or of a length, s, that the exposures of a run do not allow.

    An exposure needs enough slices to tell a bad one, and all of them have to fit into one table of the sequencer.
    """
    if spec.slice_s is None:
        return
    if spec.stepping is not Stepping.HARDWARE:
        raise InputError(f'slice_s = {spec.slice_s:g} s: only a sequencer counts in slices. Give stepping="hardware".')
    if settings is None:
        return  # the detection by a sequencer is refused then
    # Dwells may differ along the grid: the shortest one limits the slices from above, the longest one from below.
    shortest_s = min(spec.dwells_s)
    longest_s = max(spec.dwells_s)
    low_s = max(SHORTEST_S, longest_s / settings.rows)
    high_s = min(LONGEST_S, shortest_s / LEAST)
    if low_s > high_s:
        raise InputError(
            f"slice_s = {spec.slice_s:g} s: exposures of {shortest_s:g} to {longest_s:g} s cannot be counted in slices "
            f"of one length: {LEAST} to {settings.rows} slices of {SHORTEST_S:g} to {LONGEST_S:g} s in each. Leave "
            "slice_s out, or give a longer dwell_s or dwell_factors that differ less."
        )
    fewest = number_of_slices(shortest_s, spec.slice_s)
    most = number_of_slices(longest_s, spec.slice_s)
    if fewest < LEAST or most > settings.rows:
        remedy = (
            f"An exposure needs {LEAST} slices or more, as a bubble shows by its difference from the others, and at "
            f"most {settings.rows}, which one table holds. Choose slice_s within these limits, or change dwell_s."
        )
        raise OutOfRangeError("slice_s", spec.slice_s, low_s, high_s, "s", remedy)
