"""Spectra at true energies: the energy axis is corrected point by point by foil scans around the run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from reduction.number_text import with_error
from reduction.values import Value
from reduction.xas.local_cubics import interpolation
from reduction.xas.transient_shape import transient_covariance

if TYPE_CHECKING:
    from reduction.accumulator import RunAccumulator
    from reduction.types import FloatArray
    from reduction.xas.transient import Spectrum

AnySpectrum = TypeVar("AnySpectrum", bound="Spectrum")

FALSE_ALARMS = 1e-3
"""p-value below which the foil scans of a run differ by more than their errors."""


class PointShifts(NamedTuple):
    """Shares of the foil scans in the offset of each point, (foils, points), and the offsets, eV, (points,)."""

    shares: FloatArray
    offset_ev: FloatArray


@dataclass(frozen=True, kw_only=True)
class EnergyUse:
    """Energy axis of a run by its foil scans: the offset at its `begin` and `end` (eV), with the errors of the scans.

    `step` is the least likely change between neighbouring foil scans (eV) and `p_value` its probability by chance.
    """

    begin: Value
    end: Value
    step: Value
    p_value: float
    source: str
    reference_error_ev: float

    @property
    def line(self) -> str:
        """The offsets with their errors, eV, and what they refer to, as one line."""
        known = f" ± {self.reference_error_ev:.2g} eV" if self.reference_error_ev else ""
        return (
            f"{'energy by foils':<22} {with_error(*self.begin)} to {with_error(*self.end)} eV added, by {self.source}"
            f"{known}; between foil scans p = {self.p_value:.2g}"
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """A sentence if the foil scans differ by more than chance explains."""
        if self.p_value >= FALSE_ALARMS:
            return ()
        return (
            f"The energy axis drifted by {with_error(*self.step)} eV between two foil scans around this run "
            f"(p = {self.p_value:.1g}). Energies are corrected in proportion to the time between them: scan the foil "
            "more often, or find out what moves the monochromator.",
        )


def energy_use(run: RunAccumulator) -> EnergyUse | None:
    """Return the correction of a run's energy axis by foil scans; None without any, or without times of exposures."""
    course = run.metadata.energy_course
    shifts = point_shifts(run)
    if course is None or shifts is None:
        return None
    times = run.times_s[run.exposures > 0] / run.exposures[run.exposures > 0]
    begin_s = float(times.min())
    end_s = float(times.max())
    step, p_value = course.largest_step(begin_s, end_s)
    return EnergyUse(
        begin=course.at(begin_s),
        end=course.at(end_s),
        step=step,
        p_value=p_value,
        source=course.source,
        reference_error_ev=course.reference_error_ev,
    )


def point_shifts(run: RunAccumulator) -> PointShifts | None:
    """Return what to add to the energy of every point of the grid, eV, (points,); None without foil scans or times.

    The mean over the exposures of a point, each at its own time; 0 shares where a point has none yet.
    """
    course = run.metadata.energy_course
    measured = run.exposures > 0
    if course is None or not measured.any() or (run.times_s[measured] <= 0).any():
        return None
    number = np.where(measured, run.exposures, 0.0)
    time_s = np.divide(run.times_s, number, out=np.zeros_like(number), where=measured)
    weights = course.weights(time_s.ravel()).reshape(*number.shape, -1)
    total = np.einsum("spl,splk->pk", number, weights)
    shares = np.divide(total, number.sum(axis=(0, 2))[:, None], out=np.zeros_like(total), where=total > 0).T
    return PointShifts(shares, np.asarray(course.offset_ev) @ shares)


def at_true_energies(spectrum: AnySpectrum, run: RunAccumulator) -> AnySpectrum:
    """Return a spectrum of `run`, measured at energies of its axis, as it is at true energies of these values."""
    course = run.metadata.energy_course
    shifts = point_shifts(run)
    if course is None or shifts is None:
        return spectrum
    shares, offset_ev = _at_points(run, spectrum.energy_ev, shifts)
    matrix = interpolation(spectrum.energy_ev + offset_ev, spectrum.energy_ev)
    moved = [
        _moved(spectrum, matrix, offset_ev + sigma_ev * share)
        for sigma_ev, share in zip(course.sigma_ev, shares, strict=True)
        if sigma_ev > 0 and share.any()
    ]
    of_gates = spectrum.common @ matrix.T if spectrum.common.size else np.zeros((0, offset_ev.size))
    of_foils = np.array(moved).reshape(-1, offset_ev.size)
    covariance = matrix @ transient_covariance(spectrum, run.metadata.windows) @ matrix.T + of_foils.T @ of_foils
    common = np.vstack([of_gates, of_foils])
    own = spectrum.sigma**2 - np.sum(spectrum.common**2, axis=0) if spectrum.common.size else spectrum.sigma**2
    scatter = spectrum.sigma_scatter
    weights = np.asarray(course.sigma_ev)[:, None] * shares
    return replace(
        spectrum,
        on=matrix @ spectrum.on,
        off=matrix @ spectrum.off,
        on_sigma=_combined(matrix, spectrum.on_sigma),
        off_sigma=_combined(matrix, spectrum.off_sigma),
        transient=matrix @ spectrum.transient,
        sigma=np.sqrt(matrix**2 @ own + np.sum(common**2, axis=0)),
        sigma_scatter=None if scatter is None else _combined(matrix, scatter),
        common=common,
        covariance=covariance,
        energy_sigma_ev=float(np.sqrt(np.sum(weights.mean(axis=1) ** 2))),
    )


def _at_points(run: RunAccumulator, energy_ev: FloatArray, shifts: PointShifts) -> PointShifts:
    """Return shares and offsets at the points of a spectrum, which are sorted and may lack some of the grid."""
    everywhere = run.mean_readback("energy_ev")
    order = np.argsort(everywhere, kind="stable")
    chosen = order[np.searchsorted(everywhere[order], energy_ev)]
    shares = shifts.shares[:, chosen]
    offset_ev = shifts.offset_ev[chosen]
    if (np.diff(energy_ev + offset_ev) > 0).all():
        return PointShifts(shares, offset_ev)
    # A drift of more than a step within a pass would change the order of the points: then only its mean is known.
    mean = shares.mean(axis=1, keepdims=True)
    return PointShifts(np.broadcast_to(mean, shares.shape), np.full(offset_ev.size, offset_ev.mean()))


def _moved(spectrum: Spectrum, matrix: FloatArray, offset_ev: FloatArray) -> FloatArray:
    """Return the change of the transient if the offsets were `offset_ev`, eV, instead of those of `matrix`."""
    return np.asarray((interpolation(spectrum.energy_ev + offset_ev, spectrum.energy_ev) - matrix) @ spectrum.transient)


def _combined(matrix: FloatArray, sigma: FloatArray) -> FloatArray:
    return np.sqrt(matrix**2 @ sigma**2)
