"""Repeated runs of one measurement: which scans count, their combined result, and whether they agree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from errors import ReductionError
from reduction.accumulator import joined
from reduction.xas.all_gates import best_spectrum, by_two_gates
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.exposure_pairs import gate_signal, reference_gate
from reduction.xas.grouping import scan_transients, scatter_ratio
from reduction.xas.scatter import ScatterRatio
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.transient import INDEPENDENT, together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reduction.accumulator import RunAccumulator
    from reduction.run_metadata import RunMetadata
    from reduction.types import FloatArray, Mode, Reference
    from reduction.xas.transient import Spectrum

AXIS_TOLERANCE_EV = 0.01
"""Energy calibrations that differ by less are equal, eV: a fiftieth of the finest step, below any read-back."""

AXIS_TOLERANCE_PS = 1.0
"""Time zeros that differ by less are equal, ps: a fortieth of the instrument response."""

_SAME = (
    *("sample", "edge", "absorber", "axis", "points", "energy_ev", "delay_ps", "fluence_mj_cm2"),
    *("timing", "windows", "photodiodes", "element_weights"),
)


@dataclass(frozen=True, kw_only=True)
class ScanCriteria:
    """Criteria to reject a scan; None switches one off. No criterion depends on the transient, which would bias it.

    `min_fraction`: least fraction of the grid's points measured with good quality. `max_flux_deviation`: largest
    relative distance of the scan's mean I0 rate from the median of all scans. `max_static_deviation`: the same for the
    mean unpumped signal per I0, over the points that the scan has (jet thinner, beam off the jet).
    """

    min_fraction: float | None = None
    max_flux_deviation: float | None = None
    max_static_deviation: float | None = None


class RejectedScan(NamedTuple):
    """A scan that was left out: the run's uid and place in the series, the scan's index, and why, with numbers."""

    uid: str
    run: int
    scan: int
    reason: str


class Series(NamedTuple):
    """The accepted scans of all runs as one accumulator, the runs one by one, and the rejected scans."""

    together: RunAccumulator
    runs: tuple[RunAccumulator, ...]
    rejected: tuple[RejectedScan, ...]


@dataclass(frozen=True, kw_only=True)
class SeriesSpectrum:
    """Combined spectrum of a series.

    `between_scans`: scatter of the transients of all scans over their counting errors (1 is photon-limited), None with
    a single scan. `between_runs`: the same for the reduced transients of the runs, None with a single run.
    `run_transients` and `run_sigmas` (runs, points) are those transients.
    """

    spectrum: Spectrum
    between_scans: ScatterRatio | None
    between_runs: ScatterRatio | None
    run_transients: FloatArray
    run_sigmas: FloatArray
    rejected: tuple[RejectedScan, ...]


_ALL_SCANS = ScanCriteria()


def select_scans(runs: Sequence[RunAccumulator], mode: Mode, criteria: ScanCriteria = _ALL_SCANS) -> Series:
    """Join runs with the same grid and settings, without the scans that fail a criterion (by default none does).

    Runs without any accepted scan are left out. The joined accumulator is accepted by every reduction: energy, delay
    and fluence scans, and the kinetic fit. Raises ReductionError, naming the setting, if the runs differ, or if no scan
    is left.
    """
    _require_same(runs)
    # Levels are relative to the medians over the scans of all runs: a whole run that is off does not pass as normal by
    # itself.
    flux, static = _levels(runs, mode)
    rejected: list[RejectedScan] = []
    masks = []
    for number, run in enumerate(runs):
        reasons = [_reason(run, scan, flux[number][scan], static[number][scan], criteria) for scan in range(run.scans)]
        masks.append(np.array([not reason for reason in reasons], dtype=bool))
        uid = run.metadata.uid
        rejected += [RejectedScan(uid, number, scan, reason) for scan, reason in enumerate(reasons) if reason]
    kept = [(run, mask) for run, mask in zip(runs, masks, strict=True) if mask.any()]
    if not kept:
        raise ReductionError(
            f"No scan of {len(runs)} runs meets the criteria {criteria}. Loosen them, or measure again."
        )
    chosen = tuple(joined([run], [mask]) for run, mask in kept)
    uids = "+".join(run.metadata.uid for run in chosen)
    return Series(joined(chosen, uid=uids), chosen, tuple(rejected))


def series_spectrum(
    runs: Sequence[RunAccumulator],
    mode: Mode,
    probe: int | None = None,
    reference: Reference = "unpumped probe",
    criteria: ScanCriteria = _ALL_SCANS,
) -> SeriesSpectrum:
    """Return the combined spectrum of the energy scans of a series.

    SPC: photons and flux of all scans are summed and reduced once (SI 4), so runs weigh by their counts. Boxcar: each
    run is reduced by itself, and the transients are averaged with the inverse of their variance at each point; on and
    off have the same weights. The `reference` "all gates" gives the spectrum of all scans together by all gates where
    they help, otherwise by two, with the reason in its metadata; runs and scans are compared by two gates. Raises
    ReductionError as `select_scans` and the reductions of single runs do, and if a boxcar run lacks points that another
    one has.
    """
    # Photon counts of all scans may be added before the recipe, which is the best estimate; the recipe of the boxcar
    # scales every scan by itself, so whole runs are averaged. Both give the runs one by one too, to show whether they
    # agree.
    series = select_scans(runs, mode, criteria)
    if reference == "all gates":
        best = best_spectrum(series.together, mode, probe)
        two = series_spectrum(runs, mode, probe, "unpumped probe", criteria)
        reason = best.metadata.two_gates_reason
        return replace(two, spectrum=by_two_gates(two.spectrum, reason) if reason else best)
    reduce = spc_spectrum if mode == "spc" else boxcar_spectrum
    parts = [reduce(run, probe, reference) for run in series.runs]
    if len({len(part.energy_ev) for part in parts}) != 1:
        raise ReductionError(
            "The runs of the series have not measured the same points. Reject incomplete scans (min_fraction=1), or "
            "leave the unfinished run out."
        )
    transients, sigmas = (np.array([getattr(part, name) for part in parts]) for name in ("transient", "sigma"))
    scans = scan_transients(series.together, mode, probe, reference)
    return SeriesSpectrum(
        spectrum=spc_spectrum(series.together, probe, reference) if mode == "spc" else _averaged(parts),
        between_scans=scatter_ratio(*scans) if len(scans[0]) > 1 else None,
        between_runs=scatter_ratio(transients, sigmas, np.ones(sigmas.shape, dtype=bool)) if len(parts) > 1 else None,
        run_transients=transients,
        run_sigmas=sigmas,
        rejected=series.rejected,
    )


def _averaged(parts: Sequence[Spectrum]) -> Spectrum:
    # Inverse-variance weights of the transient for all three curves, so that transient = on - off stays exact. Scatter
    # between scans is averaged like an error, and only if every run has one.
    weight = np.array([part.sigma for part in parts]) ** -2.0
    weight /= weight.sum(axis=0)

    def mean(name: str) -> FloatArray:
        """Return the weighted mean of a curve of the parts, shape (points,)."""
        return np.asarray(np.sum(weight * np.array([getattr(part, name) for part in parts]), axis=0))

    def error(name: str) -> FloatArray:
        """Return the error of the weighted mean of a curve of the parts, shape (points,)."""
        return np.asarray(np.sqrt(np.sum((weight * np.array([getattr(part, name) for part in parts])) ** 2, axis=0)))

    known = all(part.sigma_scatter is not None for part in parts)
    curves: dict[str, Any] = {name: mean(name) for name in ("energy_ev", "on", "off", "transient")}
    curves |= {name: error(name) for name in ("on_sigma", "off_sigma", "sigma")}
    # Spectra that were corrected by foil scans have a covariance; the mean of them has one if all do.
    own = [part.covariance for part in parts]
    matrices = [one[:, None] * matrix * one for one, matrix in zip(weight, own, strict=True) if matrix is not None]
    metadata = replace(
        together([part.metadata for part in parts]),
        is_calibrated=all(part.metadata.is_calibrated for part in parts),
    )
    return replace(
        parts[0],
        **curves,
        sigma_scatter=error("sigma_scatter") if known else None,
        covariance=sum(matrices) if len(matrices) == len(parts) else None,
        energy_sigma_ev=float(np.mean([part.energy_sigma_ev for part in parts])),
        # Each part has its own, which its errors contain.
        correlation=INDEPENDENT,
        metadata=metadata,
    )


def _require_same(runs: Sequence[RunAccumulator]) -> None:
    if not runs:
        raise ReductionError("A series needs at least one run. Check its name.")
    first = runs[0].metadata
    for run in runs[1:]:
        for name in _SAME:
            wanted = getattr(first, name)
            found = getattr(run.metadata, name)
            if found != wanted:
                raise ReductionError(
                    f"Run {run.metadata.uid} has {name} = {found}, run {first.uid} has {wanted}: they do not repeat "
                    f"the same measurement. Combine only runs with the same grid and settings."
                )
        # Sums are corrected for the gates as a whole, so all of their events must have been made with one calibration.
        if run.metadata.gates != first.gates:
            raise ReductionError(
                f"Run {run.metadata.uid} has another calibration of the gates than {first.uid}: their counts cannot "
                "be added. Reduce them one by one."
            )
        require_one_axis(first, run.metadata)


def require_one_axis(first: RunMetadata, other: RunMetadata) -> None:
    """Raise ReductionError, with both values in eV or ps, for runs measured on differently calibrated axes.

    Equal numbers on such axes mean different energies or delays at the sample, so the runs cannot be averaged point by
    point, and shifting one run would not bring it onto the grid of the other.
    """
    shift_ev = other.energy_calibration_offset_ev - first.energy_calibration_offset_ev
    if abs(shift_ev) > AXIS_TOLERANCE_EV:
        raise ReductionError(
            f"The energy axes of the runs {first.uid} and {other.uid} differ by {shift_ev:+.3g} eV (calibration "
            f"offsets {first.energy_calibration_offset_ev:g} and {other.energy_calibration_offset_ev:g} eV; "
            f"allowed: {AXIS_TOLERANCE_EV:g} eV). Reduce each alone, or combine those of one calibration."
        )
    if first.time_zero_raw_ps is None or other.time_zero_raw_ps is None:
        return
    shift_ps = other.time_zero_raw_ps - first.time_zero_raw_ps
    if abs(shift_ps) > AXIS_TOLERANCE_PS:
        raise ReductionError(
            f"The time zeros of the runs {first.uid} and {other.uid} differ by {shift_ps:+.3g} ps (raw "
            f"{first.time_zero_raw_ps:g} and {other.time_zero_raw_ps:g} ps; allowed: {AXIS_TOLERANCE_PS:g} ps). "
            "Reduce each alone, or combine those of one time zero."
        )


def _levels(runs: Sequence[RunAccumulator], mode: Mode) -> tuple[list[FloatArray], list[FloatArray]]:
    """Return mean I0 rate and unpumped signal of each scan, relative to the median; NaN without a point."""
    # Medians, so that a few bad scans do not shift the level to which the good ones are compared. The unpumped signal
    # is compared point by point first: a scan that lacks the edge would otherwise look thin.
    flux = []
    for run in runs:
        exposure_s = run.exposure_s.sum(axis=(1, 2))
        rate = np.full(run.scans, np.nan)
        flux.append(np.divide(run.i0.sum(axis=(1, 2)), exposure_s, out=rate, where=exposure_s > 0))
    off = [_unpumped(run, mode) for run in runs]
    typical = _nanmedian(np.concatenate(off), axis=0)
    static = [_nanmedian(table / typical, axis=1) for table in off]
    flux_median = float(np.nanmedian(np.concatenate(flux)))
    return [np.asarray(levels / flux_median) for levels in flux], static


def _unpumped(run: RunAccumulator, mode: Mode) -> FloatArray:
    signal = gate_signal(run, mode, reference_gate(run.metadata.timing))
    empty = np.full(signal.flux.shape, np.nan)
    return np.asarray(np.divide(signal.signal, signal.flux, out=empty, where=signal.flux > 0))


def _nanmedian(values: FloatArray, axis: int) -> FloatArray:
    """Return the medians of what is a number along `axis`, NaN where nothing is."""
    # `np.nanmedian` warns of a slice without any number, and filters of warnings belong to the whole process.
    columns = np.moveaxis(values, axis, 0)
    known = ~np.isnan(columns).all(axis=0)
    found = np.full(known.shape, np.nan)
    found[known] = np.nanmedian(columns[:, known], axis=0)
    return found


def _reason(run: RunAccumulator, scan: int, flux: float, static: float, criteria: ScanCriteria) -> str:
    fraction = float((run.exposures[scan].sum(axis=-1) > 0).mean())
    if fraction == 0.0:
        return "it has no point of good quality"
    if criteria.min_fraction is not None and fraction < criteria.min_fraction:
        return f"{fraction:.1%} of its points are good, less than {criteria.min_fraction:.1%}"
    for name, level, limit in (
        ("mean I0", flux, criteria.max_flux_deviation),
        ("unpumped signal", static, criteria.max_static_deviation),
    ):
        if limit is not None and not abs(level - 1.0) <= limit:
            return f"its {name} is {level:.3f} of the median, further from 1 than {limit:g}"
    return ""
