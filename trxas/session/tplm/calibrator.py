"""Time zero and response, dark rate, centre and focus of a microscope, applied when their run has ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import bluesky.plan_stubs as bps

from devices.beamline import Beamline
from devices.tplm.timing import PhotonTiming
from devices.tplm.timing_electronics import CENTRE_TOLERANCE_UM, CENTRES, DARK, FOCUS, FOCUS_TOLERANCE_UM, TIMINGS
from plans.types import AnyPlan
from reduction.number_text import with_error
from reduction.run_kind import RunResults
from reduction.tplm.metadata import CENTRE_PLAN, DARK_PLAN, FOCUS_PLAN, RESPONSE_PLAN
from reduction.tplm.results import CentreResults, DarkResults, FocusResults, ResponseResults
from reduction.types import Documents
from trxas.session.run_calibrator import RunCalibrator

Calibration = tuple[str, dict[str, Any]]
"""Name of a calibration of the photon timing, and its values, with errors, by names with their units."""


def calibrator_of(beamline: Beamline, load: Callable[[str], Documents]) -> RunCalibrator | None:
    """Return the calibrator of a microscope; None for an endstation of another technique."""
    return MicroscopeCalibrator(beamline.exposure, load) if isinstance(beamline.exposure, PhotonTiming) else None


class MicroscopeCalibrator(RunCalibrator):
    """Calibrator that configures the photon timing after each complete run of a calibration plan.

    Plans that search, for the centre of the image or the focus, read from the device what their last run has found.
    """

    of_plans = frozenset({CENTRE_PLAN, FOCUS_PLAN, RESPONSE_PLAN, DARK_PLAN})
    unchanged = "The calibrations of the microscope stay as they were"

    def __init__(
        self, timing: PhotonTiming, load: Callable[[str], Documents], say: Callable[[str], object] = print
    ) -> None:
        super().__init__(load, say)
        self._timing = timing

    def apply(self, uid: str, results: RunResults) -> AnyPlan:
        """Use the calibrations of a run, and print them with what has changed."""
        for name, values in self._found(results):
            before = self._timing.calibrations[name]
            self._say(_change_text(name, before, values))
            stamped = {**values, "run": uid, "measured_s": time.time()}
            yield from bps.configure(self._timing, {name: stamped})

    def _found(self, results: RunResults) -> Iterator[Calibration]:
        if isinstance(results, CentreResults):
            yield from _centres(results)
        elif isinstance(results, FocusResults):
            height = results.focus.height_um
            yield FOCUS, {"value_um": height.value, "error_um": height.sigma, "fwhm_nm": results.focus.fwhm_nm.value}
        elif isinstance(results, DarkResults):
            yield DARK, {"rate_hz": results.dark.rate_hz.value, "error_hz": results.dark.rate_hz.sigma}
        elif isinstance(results, ResponseResults):
            source = "external" if self._timing.latest.external_trigger else "internal"
            yield TIMINGS[source], _timing(results)


def _centres(results: CentreResults) -> Iterator[Calibration]:
    for axis, found in (("x_um", results.x), ("y_um", results.y)):
        if found is not None:
            values = {"value_um": found.centre_um.value, "error_um": found.centre_um.sigma}
            yield CENTRES[axis], {**values, "fwhm_nm": found.fwhm_nm.value}


def _timing(results: ResponseResults) -> dict[str, Any]:
    found = results.response
    return {
        "time_zero_ps": found.time_zero_ps.value,
        "time_zero_error_ps": found.time_zero_ps.sigma,
        "fwhm_ps": found.fwhm_ps.value,
        "fwhm_error_ps": found.fwhm_ps.sigma,
        "tail_share": found.tail_share.value,
        "tail_share_error": found.tail_share.sigma,
        "tail_ps": found.tail_ps.value,
        "tail_error_ps": found.tail_ps.sigma,
        "covariance": found.covariance.tolist(),
    }


MAIN_VALUES = {
    **dict.fromkeys(TIMINGS.values(), ("time_zero_ps", "time_zero_error_ps", "ps")),
    **dict.fromkeys((*CENTRES.values(), FOCUS), ("value_um", "error_um", "um")),
    DARK: ("rate_hz", "error_hz", "Hz"),
}
"""Keys of value and error, and the unit, of the number by which people know a calibration."""

TOLERANCES_UM = {**dict.fromkeys(CENTRES.values(), CENTRE_TOLERANCE_UM), FOCUS: FOCUS_TOLERANCE_UM}
"""Shifts, um, within which a search counts as finished."""


def _change_text(name: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return a line with value, error and unit, the change since the last time, and whether a search is finished."""
    value, error, unit = MAIN_VALUES[name]
    text = f"{name.replace('_', ' ')}: {with_error(now[value], now[error], unit)}"
    if not before:
        return f"{text}, measured for the first time"
    change = now[value] - before[value]
    text += f", changed by {change:+.3g} {unit}"
    if name not in TOLERANCES_UM:
        return text
    within = "within" if abs(change) <= TOLERANCES_UM[name] else "more than"
    return f"{text}: {within} the tolerance of {TOLERANCES_UM[name]:g} um"
