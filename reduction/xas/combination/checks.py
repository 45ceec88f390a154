"""Whether runs measure the same: what can never be combined, and what only if it is asked for explicitly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from errors import InputError
from reduction.xas.series import AXIS_TOLERANCE_EV, AXIS_TOLERANCE_PS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reduction.run_metadata import RunMetadata

FLUENCE_WITHIN = 0.02
"""Largest relative difference between fluences that count as equal: they are set again in every run (chosen)."""

DELAY_WITHIN_PS = 1.0
"""Largest difference between fixed delays that count as equal, ps."""

ENERGY_WITHIN_EV = 0.05
"""Largest difference between fixed energies that count as equal, eV: the repeatability of the monochromator."""


def _scheme(run: RunMetadata) -> tuple[object, ...]:
    timing = run.timing
    # The bunch period follows the RF frequency from run to run by less than a picosecond.
    delays = tuple(round(delay, -1) for delay in timing.gate_delays_ps)
    return timing.pumped_probe, timing.reference_probes, delays


_NEVER: Mapping[str, Callable[[RunMetadata], object]] = {
    "scanned axis": lambda run: run.axis,
    "edge": lambda run: run.edge,
    "absorber": lambda run: run.absorber,
    "pump scheme (pumped gate, unpumped gates, delays in ps)": _scheme,
}
_FORCED: Mapping[str, Callable[[RunMetadata], object]] = {
    "sample": lambda run: run.sample,
    "energy windows": lambda run: run.windows,
}
_FORCED_NUMBERS: Mapping[str, tuple[str, float, str]] = {
    "fixed delay": ("delay_ps", DELAY_WITHIN_PS, "ps"),
    "fixed energy": ("energy_ev", ENERGY_WITHIN_EV, "eV"),
    "energy calibration": ("energy_calibration_offset_ev", AXIS_TOLERANCE_EV, "eV"),
    "time zero": ("time_zero_raw_ps", AXIS_TOLERANCE_PS, "ps"),
}


def require_combinable(runs: Sequence[RunMetadata], *, force: bool = False) -> tuple[str, ...]:
    """Return the differences between runs that `force` allows, a sentence each; empty for runs that agree.

    Another scanned axis, edge, absorber or pump scheme is never allowed; another sample, fluence, fixed delay or
    energy, energy windows or calibration of an axis only with `force`. Raises InputError with all differences.
    """
    if len(runs) < 2:
        raise InputError(f"{len(runs)} run cannot be combined: give at least two different ones.")
    uids = [run.uid for run in runs]
    if len(set(uids)) < len(uids):
        raise InputError(
            f"A run is given twice among {', '.join(uid[:8] for uid in uids)}: its counts would be used twice. Give "
            "each run once."
        )
    first = runs[0]
    never = [_difference(name, value, first, run) for run in runs[1:] for name, value in _NEVER.items()]
    if problems := [one for one in never if one]:
        raise InputError(f"These runs cannot be combined. {' '.join(problems)}")
    found = [one for run in runs[1:] for one in _forced(first, run) if one]
    if found and not force:
        raise InputError(
            f"These runs differ. {' '.join(found)} To combine them still, add force=True (trxas export: --force)."
        )
    return tuple(found)


def _forced(first: RunMetadata, run: RunMetadata) -> list[str]:
    texts = [_difference(name, value, first, run) for name, value in _FORCED.items()]
    if abs(run.fluence_mj_cm2 - first.fluence_mj_cm2) > FLUENCE_WITHIN * max(first.fluence_mj_cm2, run.fluence_mj_cm2):
        texts.append(_text("fluence", f"{first.fluence_mj_cm2:g}", f"{run.fluence_mj_cm2:g} mJ/cm2", first, run))
    for name, (field, within, unit) in _FORCED_NUMBERS.items():
        one: Any = getattr(first, field)
        other: Any = getattr(run, field)
        if one is not None and other is not None and abs(one - other) > within:
            texts.append(_text(name, f"{one:g}", f"{other:g} {unit}", first, run))
    return texts


def _difference(name: str, value: Callable[[RunMetadata], object], first: RunMetadata, run: RunMetadata) -> str:
    one = value(first)
    other = value(run)
    return "" if one == other else _text(name, str(one), str(other), first, run)


def _text(name: str, one: str, other: str, first: RunMetadata, run: RunMetadata) -> str:
    return f"{name}: {one or 'none'} in {first.uid[:8]}, {other or 'none'} in {run.uid[:8]}."
