"""Calibrations that add to the previous value, applied once per measurement.

A correction is measured on the axis as it is calibrated then. Applied a second time, as by a script that is run twice,
it would shift an axis that is already right. So the plans of `RELATIVE` report the absolute result, and a repetition
changes nothing. A correction is a repetition if it equals the latest one, and either

- it has more digits than people type, so that it comes from a fit, and a second fit would not give the same digits; or
- no run was measured since that could have found it again.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import bluesky.plan_stubs as bps

from devices.beamline import Beamline
from plans.plan_entry import RegisteredPlan
from plans.types import AnyPlan
from reduction.number_text import with_error
from reduction.values import Value
from storage import Store, list_runs
from storage.calibrations import SavedCalibration
from trxas.session.calibrations import ENERGY, TIME_ZERO, SessionCalibrations
from trxas.session.foil_offset import latest_foil_offset
from trxas.session.latest_time_zero import latest_response, latest_time_zero

_TYPED_DIGITS = 3
"""Digits after the decimal point, of ps or eV, that people type; fits have more."""


@dataclass(frozen=True, kw_only=True)
class RelativeCalibration:
    """A plan that adds its `argument` to the calibration `name`; `found_by` are the plans that measure the argument.

    `latest` returns what to add to a calibration by the latest run, where the argument is left out; its error is the
    argument `error`, unless the plan takes none.

    `label` and `unit` are those of the calibration, for people; `setting` is how it is set as a whole.
    """

    name: str
    argument: str
    label: str
    unit: str
    found_by: tuple[str, ...]
    setting: str
    latest: Callable[[Store, float], Value]
    error: str = ""


RESPONSE_PLAN = "apply_instrument_response"
"""Plan that sets a calibration as a whole, so that it may be repeated; it can take it from the latest run too."""

RELATIVE: Mapping[str, RelativeCalibration] = {
    "rezero": RelativeCalibration(
        name=TIME_ZERO,
        argument="t0_ps",
        label="time zero on the raw delay",
        unit="ps",
        found_by=("time_zero_scan", "delay_scan"),
        setting='RE(bps.configure(delay, {"time_zero_raw_ps": ...}))',
        latest=latest_time_zero,
    ),
    "apply_energy_calibration": RelativeCalibration(
        name=ENERGY,
        argument="offset_ev",
        label="energy calibration",
        unit="eV",
        found_by=("foil_scan", "energy_scan"),
        setting='RE(bps.configure(energy, {"calibration_offset_ev": ...}))',
        latest=latest_foil_offset,
        error="error_ev",
    ),
}
"""The plans whose result depends on how often they are called."""


def applied_once(
    plan: RegisteredPlan, calibrations: SessionCalibrations, store: Store, *, say: Callable[[str], object] = print
) -> Callable[..., AnyPlan]:
    """Return `plan`; if it is one of `RELATIVE`, it reports the absolute result, and a repetition changes nothing.

    A calibration without its value takes that of the latest run that measures it.
    Such a plan returns the calibration that is then in use, in its unit. It raises what the plan itself raises.
    """
    if plan.entry.name == RESPONSE_PLAN:
        return _with_latest_response(plan, store, say)
    relative = RELATIVE.get(plan.entry.name)
    if relative is None:
        return plan

    @functools.wraps(plan)
    def applied(beamline: Beamline, *args: Any, **kwargs: Any) -> AnyPlan:
        # The arguments are checked as by the plan itself, so that a wrong one is refused before anything is compared.
        arguments = plan.entry.arguments(beamline.configuration, args, kwargs)
        before = calibrations.current()[relative.name]
        if arguments[relative.argument] is None:
            found = relative.latest(store, before)
            arguments |= {relative.argument: found.value} | ({relative.error: found.sigma} if relative.error else {})
            say(f"{relative.label}: the latest scan asks for a change by {with_error(*found, relative.unit)}")
        change = float(arguments[relative.argument])
        earlier = calibrations.saved(relative.name)
        if earlier is not None and is_repetition(relative, earlier, change, before, store):
            say(_refusal(plan.entry.name, relative, earlier))
            yield from bps.null()
            return before
        with calibrations.adding(relative.name, change):
            after = yield from plan(beamline, **arguments)
        say(f"{relative.label}: {after:.10g} {relative.unit} (was {before:.10g}, changed by {change:+.10g})")
        return after

    return applied


def _with_latest_response(plan: RegisteredPlan, store: Store, say: Callable[[str], object]) -> Callable[..., AnyPlan]:
    """Return the plan that applies an instrument response, which takes it from the latest run if none is given."""

    @functools.wraps(plan)
    def applied(beamline: Beamline, *args: Any, **kwargs: Any) -> AnyPlan:
        arguments = plan.entry.arguments(beamline.configuration, args, kwargs)
        if arguments["sigma_ps"] is None and arguments["error_ps"] is None:
            found = latest_response(store)
            arguments |= {"sigma_ps": found.value, "error_ps": found.sigma}
            say(f"instrument response: the latest scan gives {with_error(*found, 'ps')}")
        return (yield from plan(beamline, **arguments))

    return applied


def is_repetition(
    relative: RelativeCalibration, earlier: SavedCalibration, change: float, value: float, store: Store
) -> bool:
    """Return whether adding `change` to the calibration `value` would apply the `earlier` correction again.

    Both are in the unit of the calibration. Raises StorageError if the runs of `store` cannot be listed.
    """
    if not change or earlier.change is None or not math.isclose(earlier.change, change, rel_tol=1e-9):
        return False
    if earlier.value != value:
        # Another calibration is in use than the one that the correction led to.
        return False
    if round(change, _TYPED_DIGITS) != change:
        return True
    since = (run.plan_name for run in list_runs(store, journals_only=True) if run.time_s > earlier.time_s)
    return not set(since) & set(relative.found_by)


def _refusal(plan_name: str, relative: RelativeCalibration, earlier: SavedCalibration) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(earlier.time_s))
    return (
        f"Nothing changed: {plan_name}({earlier.change:.10g}) was applied before, at {when}, and the "
        f"{relative.label} is {earlier.value:.10g} {relative.unit} since then. Measure again ({relative.found_by[0]}) "
        f"to find out what is left, or set the total: {relative.setting}."
    )
