"""The course of the energy axis from several scans of one foil."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from errors import ReductionError
from reduction.energy_course import EnergyCourse
from reduction.values import Value
from reduction.xas.calibration import FoilSpectrum
from reduction.xas.foil_alignment import align_foil

if TYPE_CHECKING:
    from reduction.xas.results import FoilResults

LARGEST_DRIFT_EV = 5.0
"""Largest drift between two foil scans that is searched."""

SAME_EV = 1e-6
"""Difference below which two energy calibrations are the same one, eV."""


def energy_course(foils: Sequence[FoilResults], axis_offset_ev: float) -> EnergyCourse | None:
    """Return the course of an axis that is calibrated by `axis_offset_ev`, eV; None if the foils show none.

    With a reference curve, as of `use_foil_reference` or `[foils.NAME]`, the offsets are those to true energies. The
    single point that a table gives is too uncertain for that (0.5 eV and more): then each foil is compared with the
    earliest of the same calibration, whose energies count as right. Every foil is aligned by its whole curve; one that
    cannot be aligned is left out.
    """
    dated = sorted((one for one in foils if one.time_s > 0), key=lambda one: one.time_s)
    if dated and (aligned := dated[-1].aligned) is not None and aligned.reference.curve is not None:
        reference = aligned.reference
        shifts = [_shift(one, reference.curve, axis_offset_ev) for one in dated]
        source = f"the reference of {reference.edge}, {reference.source}"
        return _course(dated, shifts, source, reference.error_ev)
    same = [one for one in dated if abs(one.axis_offset_ev - axis_offset_ev) < SAME_EV]
    if len(same) < 2:
        return None
    first = same[0]
    shifts = [Value(0.0, 0.0), *(_shift(one, first.absorption, axis_offset_ev) for one in same[1:])]
    return _course(same, shifts, f"the first foil scan of this calibration, run {first.uid[:8]}", 0.0)


def _shift(foil: FoilResults, reference: FoilSpectrum | None, axis_offset_ev: float) -> Value | None:
    """Return how much too high the foil lies on the axis with its calibration, eV; None if it cannot be aligned."""
    assert reference is not None  # the caller has a curve
    energy_ev = foil.absorption.energy_ev + (axis_offset_ev - foil.axis_offset_ev)
    spectrum = FoilSpectrum(energy_ev, foil.absorption.absorption)
    try:
        return align_foil(spectrum, reference, largest_shift_ev=LARGEST_DRIFT_EV).shift_ev
    except ReductionError:
        return None


def _course(
    foils: Sequence[FoilResults], shifts: Sequence[Value | None], source: str, reference_error_ev: float
) -> EnergyCourse | None:
    rows = [(one.time_s, shift) for one, shift in zip(foils, shifts, strict=True) if shift is not None]
    if not rows:
        return None
    return EnergyCourse(
        times_s=tuple(time_s for time_s, _ in rows),
        offset_ev=tuple(-shift.value for _, shift in rows),
        sigma_ev=tuple(shift.sigma for _, shift in rows),
        source=source,
        reference_error_ev=reference_error_ev,
    )
