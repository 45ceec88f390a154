"""The calibration of the gates at the time of a run, between one that was measured before it and one after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from reduction.gate_calibration import CHAMBERS, GateCalibration

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

DRIFTS = "drifts"
"""Key of an interpolated calibration: sentences on what has changed between both by more than chance explains."""


def interpolated(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    time_s: float,
    compare: Callable[[GateCalibration, GateCalibration], list[str]],
) -> dict[str, Any]:
    """Return the calibration at a time in s, linear between two, in the form in which start documents record it.

    Zeros, light and offsets of the chambers go by the times of the dark exposures, levels by those of the blocked ones;
    a part that was not measured again stays. Errors are those of both calibrations, which are independent. `compare`
    returns sentences on significant changes between both. Raises ReductionError for a damaged calibration.
    """
    first = GateCalibration.from_document(before)
    second = GateCalibration.from_document(after)
    alike = before.get("photodiode_weights") == after.get("photodiode_weights")
    if first is None or second is None or not alike or first.chains.keys() != second.chains.keys():
        return dict(before)
    dark = _share(before, after, "dark", time_s)
    blocked = _share(before, after, "blocked", time_s)
    tables = {
        mode: _table(before["modes"][mode], after["modes"][mode], dark, blocked, lit=_same_delays(first, second))
        for mode in first.chains
    }
    chambers = {
        name: _mixed(one, after[CHAMBERS][name], dark, ("offset_per_s",), ("error_per_s",))
        for name, one in before.get(CHAMBERS, {}).items()
        if name in after.get(CHAMBERS, {})
    }
    document = {**before, "modes": tables, DRIFTS: compare(first, second)}
    return {**document, CHAMBERS: {**before.get(CHAMBERS, {}), **chambers}} if CHAMBERS in before else document


def _share(before: Mapping[str, Any], after: Mapping[str, Any], kind: str, time_s: float) -> float:
    """Return the share of the later measurement of one kind at a time, 0 to 1; 0 if it was not measured again."""
    if kind not in before or kind not in after or before[kind]["uid"] == after[kind]["uid"]:
        return 0.0
    begin_s = float(before[kind]["time_s"])
    end_s = float(after[kind]["time_s"])
    return float(np.clip((time_s - begin_s) / (end_s - begin_s), 0.0, 1.0)) if end_s > begin_s else 0.0


def _same_delays(first: GateCalibration, second: GateCalibration) -> bool:
    """Return whether the laser's light was measured at the same delays and fluence, so that it can be interpolated."""
    delays = (first.lit_delays_ps, second.lit_delays_ps)
    same = len(delays[0]) == len(delays[1]) and bool(np.allclose(*delays, atol=1.0))
    return same and bool(np.isclose(first.lit_fluence_mj_cm2, second.lit_fluence_mj_cm2, rtol=1e-3))


def _table(
    before: Mapping[str, Any], after: Mapping[str, Any], dark: float, blocked: float, *, lit: bool
) -> dict[str, Any]:
    table = _mixed(before, after, dark, ("zero", "lit") if lit else ("zero",), ("zero_error", "lit_error")[: 1 + lit])
    if "level" in before and "level" in after:
        table = _mixed(table, after, blocked, ("level",), ("level_error",))
    return table


def _mixed(
    before: Mapping[str, Any], after: Mapping[str, Any], share: float, values: tuple[str, ...], errors: tuple[str, ...]
) -> dict[str, Any]:
    """Return the table with `values` and their `errors` between both tables; exactly the first one at a share of 0."""
    if share == 0.0:
        return dict(before)
    found = {key: _plain((1 - share) * np.asarray(before[key]) + share * np.asarray(after[key])) for key in values}
    found |= {
        key: _plain(np.hypot((1 - share) * np.asarray(before[key]), share * np.asarray(after[key]))) for key in errors
    }
    return {**before, **found}


def _plain(numbers: ArrayLike) -> Any:
    return np.asarray(numbers).tolist()
