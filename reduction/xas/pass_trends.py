"""Trends from pass to pass: a sample that is damaged, a laser, a time zero or a photon energy that drifts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from errors import ReductionError
from reduction.number_text import with_error
from reduction.probabilities import chi_square_tail, normal_tail, students_t_tail
from reduction.values import Value
from reduction.xas.exposure_pairs import SHUTTER_OPEN, Gate, gate_signal, reference_gate
from reduction.xas.fly_sums import fly_facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from reduction.accumulator import RunAccumulator
    from reduction.types import BoolArray, FloatArray, Mode

FALSE_ALARMS = 1e-3
"""p-value below which a trend is a remark: noise alone does that once in a thousand runs."""

LEAST_PASSES = 3
"""Passes that a trend needs; the unpumped signal, whose scatter is not known, needs one more."""

MOST_OF_PASS = 0.5
"""Share of its points that a pass must have to be part of a trend."""

WORST_AMPLITUDE = 0.5
"""Relative error of the transient of a pass above which its trend would be of no use."""

WORST_TIME_ZERO_PS = 100.0
"""Error of a pass's time zero above which it is not determined, ps: beyond it, its curve is not straight."""

NO_SIGNAL = 1e-6
"""p-value of the mean transient of all passes above which it is too weak to have a trend."""

WORST_SHIFT_EV = 0.5
"""Error of the energy of a pass above which it is not determined, eV: beyond it, a spectrum is not a straight line."""

LEAST_EDGE_POINTS = 8
"""Points on which a pass is compared with the mean spectrum: level, shift, and enough others to show the scatter."""

_UNLIKELY_SCATTER = 0.05

_REMEDIES = {
    "transient": "The sample is damaged, or laser or overlap have changed: combine early passes, renew the sample.",
    "unpumped signal": "The sample is damaged or its concentration changes, or jet and beam move against each other.",
    "energy axis": "Peaks, edges and C are averages over the drift: scan the foil around such runs (foil='around').",
    "time zero": "Its scatter is in the error of time zero; it also broadens the response: measure in shorter runs.",
}


@dataclass(frozen=True, kw_only=True)
class PassTrend:
    """Change of a quantity over a run, from its first to its last photon, by a straight line through the passes.

    `values` (passes,) with their errors stand at `dose` (passes,), the share of the run's I0 counted up to the middle
    of each pass, 0 to 1. `change` is per run, in `unit`. `p_value`: probability of a larger change by chance;
    `scatter_p`: probability of a larger scatter of the passes about their mean, 1 where their errors are not known.
    `scatter` is that scatter beyond the errors, in `unit`.
    """

    quantity: str
    unit: str
    dose: FloatArray
    values: FloatArray
    sigma: FloatArray
    change: Value
    p_value: float
    scatter: float
    scatter_p: float

    @property
    def alarm(self) -> bool:
        """Whether the passes differ by more than chance explains."""
        return min(self.p_value, self.scatter_p) < FALSE_ALARMS

    @property
    def line(self) -> str:
        """The change over the run with its error, unit and p, as one line."""
        return (
            f"{'trend over the run':<22} {self.quantity}: {with_error(*self.change)} {self.unit}, "
            f"p = {self.p_value:.2g} ({len(self.values)} passes)"
        )

    @property
    def remark(self) -> str:
        """The alarm as sentences, with the cause to look for."""
        reason = f"changes by {with_error(*self.change)} {self.unit} over the run (p = {self.p_value:.1g})"
        if self.p_value >= FALSE_ALARMS:
            reason = f"scatters by {self.scatter:.2g} {self.unit} from pass to pass (p = {self.scatter_p:.1g})"
        kind = self.quantity.partition(",")[0]
        return f"The {kind}{self.quantity.removeprefix(kind)} {reason}. {_REMEDIES[kind]}"


class _Passes(NamedTuple):
    """The passes of a run that cover most points, at the points that all of them have.

    `ratio` and `level`: ln(pumped / unpumped) and ln(unpumped / flux), `ratio_sigma` the counting error of the former,
    (passes, points) each; `axis` (points,), `dose` (passes,).
    """

    axis: FloatArray
    dose: FloatArray
    ratio: FloatArray
    ratio_sigma: FloatArray
    level: FloatArray


def trends_of(run: RunAccumulator, modes: tuple[Mode, ...]) -> list[PassTrend]:
    """Return the trends of the transient, in % of itself, by each mode, and of the unpumped signal, in %, by the first.

    Energy scans in steps also have the trend of the energy axis, eV. Empty for fewer than three passes; runs without a
    transient have no trend of it.
    """
    found: list[PassTrend | None] = []
    for mode in modes:
        try:
            passes = _passes(run, mode)
        except ReductionError:
            continue
        found.append(_transient_trend(passes, mode))
        if mode == modes[0]:
            found.append(_level_trend(passes))
            # The frames of one sweep do not fill a bin evenly, so the mean energies of bins differ from pass to pass.
            steps = run.metadata.axis == "energy_ev" and fly_facts(run) is None
            found.append(energy_trend(run, mode) if steps else None)
    return [one for one in found if one is not None]


def alarms_of(trends: list[PassTrend]) -> list[str]:
    """Return a sentence for each trend that chance does not explain."""
    return [one.remark for one in trends if one.alarm]


def time_zero_trend(run: RunAccumulator, mode: Mode, curve: Callable[[FloatArray], FloatArray]) -> PassTrend | None:
    """Return the trend of time zero, ps, over the passes of a delay scan.

    `curve` gives the fitted transient at first delays in ps, relative to the unpumped signal. Each pass is fitted by a
    baseline, the curve and its derivative. None for fewer than three passes, or if a pass does not determine its time
    zero to 100 ps.
    """
    try:
        passes = _passes(run, mode)
    except ReductionError:
        return None
    step_ps = 1.0
    model = np.log1p(curve(passes.axis))
    # Later by s means curve(t - s): its derivative with respect to s is minus that with respect to the delay.
    slope = np.log1p(curve(passes.axis - step_ps)) - np.log1p(curve(passes.axis + step_ps))
    design = np.column_stack([np.ones_like(model), model, slope / (2 * step_ps)])
    if passes.axis.size <= design.shape[1] or np.linalg.matrix_rank(design) < design.shape[1]:
        return None
    values, sigma = _fitted(design, passes, column=2)
    if sigma.max() > WORST_TIME_ZERO_PS:
        return None
    return _trend("time zero", "ps", passes.dose, values, sigma)


def energy_trend(run: RunAccumulator, mode: Mode) -> PassTrend | None:
    """Return the trend of the energy axis, eV, over the passes of an energy scan, by the unpumped spectrum.

    Each pass is fitted by the mean spectrum and its derivative; the scatter about the fit, which is that of the jet,
    gives the error. Positive: the same features are found at lower energies of the axis than at the beginning, so the
    true energy has become higher. None for fewer than three passes, or if a pass does not determine its energy to
    0.5 eV.
    """
    try:
        passes = _passes(run, mode)
    except ReductionError:
        return None
    order = np.argsort(passes.axis, kind="stable")
    energy_ev = passes.axis[order]
    level = passes.level[:, order]
    if energy_ev.size < LEAST_EDGE_POINTS or (np.diff(energy_ev) <= 0).any():
        return None
    # Passes whose energies were corrected by foil scans would still differ: the trend is that of the raw axis.
    slope = np.gradient(level.mean(axis=0), energy_ev)
    design = np.column_stack([np.ones_like(slope), slope])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return None
    inverse = np.linalg.pinv(design)
    apart = level - level.mean(axis=0)
    fitted = apart @ inverse.T
    residual = apart - fitted @ design.T
    # The mean of n passes takes 1 / n of the scatter of each out of the residuals.
    passed = len(level)
    variance = (residual**2).sum(axis=1) / (energy_ev.size - design.shape[1]) * passed / (passed - 1)
    sigma = np.sqrt(variance * float(inverse[1] @ inverse[1]))
    if not sigma.min() > 0 or sigma.max() > WORST_SHIFT_EV:
        return None
    return _trend("energy axis", "eV", passes.dose, fitted[:, 1], np.full_like(sigma, np.sqrt(np.mean(sigma**2))))


def _passes(run: RunAccumulator, mode: Mode) -> _Passes:
    """Return the passes that are compared; raises ReductionError if there are too few, or none of this mode."""
    timing = run.metadata.timing
    pumped = gate_signal(run, mode, Gate(SHUTTER_OPEN, timing.pumped_probe))
    unpumped = gate_signal(run, mode, reference_gate(timing))
    measured = (pumped.signal > 0) & (unpumped.signal > 0) & (pumped.flux > 0) & (unpumped.flux > 0)
    scans, points = _covered(measured)
    if scans.sum() < LEAST_PASSES or not points.any():
        raise ReductionError(f"A trend needs {LEAST_PASSES} passes. Wait for more.")
    chosen = np.ix_(scans, points)
    on, on_variance, on_flux = (part[chosen] for part in pumped)
    off, off_variance, off_flux = (part[chosen] for part in unpumped)
    flux = run.i0.sum(axis=(1, 2))
    dose = (np.cumsum(flux) - flux / 2)[scans] / flux.sum()
    return _Passes(
        axis=run.mean_readback(run.metadata.axis)[points],
        dose=dose,
        ratio=np.log(on / on_flux) - np.log(off / off_flux),
        ratio_sigma=np.sqrt(on_variance / on**2 + off_variance / off**2),
        level=np.log(off / off_flux),
    )


def _covered(measured: BoolArray) -> tuple[BoolArray, BoolArray]:
    """Return which passes have most of the points, (scans,), and which points all of these have, (points,)."""
    points = measured.any(axis=0)
    scans = measured.sum(axis=1) > MOST_OF_PASS * max(int(points.sum()), 1)
    return scans, measured[scans].all(axis=0) & points


def _transient_trend(passes: _Passes, mode: Mode) -> PassTrend | None:
    """Return the trend of the size of the transient, in % of its mean; None if there is hardly any transient."""
    weight = 1 / passes.ratio_sigma.mean(axis=0) ** 2
    mean = passes.ratio.mean(axis=0)
    shape = mean - np.average(mean, weights=weight)
    # The mean contains the noise of all passes alike, so it adds no trend; without a signal it would be noise alone.
    freedom = passes.axis.size - 1
    if freedom < 2 or chi_square_tail(len(passes.dose) * np.sum(weight * shape**2), freedom) > NO_SIGNAL:
        return None
    values, sigma = _fitted(np.column_stack([np.ones_like(shape), shape]), passes, column=1)
    if sigma.max() > WORST_AMPLITUDE:
        return None
    return _trend(f"transient, {mode}", "% of itself", passes.dose, 100 * values, 100 * sigma)


def _level_trend(passes: _Passes) -> PassTrend | None:
    """Return the trend of the unpumped signal per I0, in %, judged by the scatter between passes; None for 3 passes."""
    if len(passes.dose) <= LEAST_PASSES:
        return None
    values = 100 * (passes.level - passes.level.mean(axis=0)).mean(axis=1)
    # Counting is the least part of it: the thickness of the jet differs from pass to pass.
    return _trend("unpumped signal", "%", passes.dose, values, np.zeros_like(values))


def _fitted(design: FloatArray, passes: _Passes, *, column: int) -> tuple[FloatArray, FloatArray]:
    """Return one parameter of the weighted fit of every pass by `design`, (points, parameters), and its error."""
    values = np.zeros(len(passes.dose))
    sigma = np.zeros(len(passes.dose))
    for number, (ratio, error) in enumerate(zip(passes.ratio, passes.ratio_sigma, strict=True)):
        covariance = np.linalg.pinv(design.T @ (design / error[:, None] ** 2))
        values[number] = (covariance @ (design.T @ (ratio / error**2)))[column]
        sigma[number] = np.sqrt(covariance[column, column])
    return values, sigma


def _trend(quantity: str, unit: str, dose: FloatArray, values: FloatArray, sigma: FloatArray) -> PassTrend:
    """Return the straight line through the passes; errors given as 0 are unknown, and follow from the scatter."""
    known = bool(sigma.min() > 0)
    weight = 1 / sigma**2 if known else np.ones_like(values)
    apart = dose - np.average(dose, weights=weight)
    spread = float(np.sum(weight * apart**2))
    slope = float(np.sum(weight * apart * values)) / spread
    residual = values - np.average(values, weights=weight)
    freedom = len(values) - 2
    chi_square = float(np.sum(weight * (residual - slope * apart) ** 2))
    error = spread**-0.5
    p_value = 2 * normal_tail(abs(slope) / error)
    if not known or chi_square_tail(chi_square, freedom) < _UNLIKELY_SCATTER:
        # More scatter than the errors explain: it decides, with Student's distribution of its few degrees of freedom.
        error *= (chi_square / freedom) ** 0.5
        p_value = 2 * students_t_tail(abs(slope) / error, freedom) if error > 0 else 1.0
    variance = float(np.var(values, ddof=1)) - (float(np.mean(sigma**2)) if known else 0.0)
    scatter_p = chi_square_tail(np.sum(weight * residual**2), freedom + 1) if known else 1.0
    return PassTrend(
        quantity=quantity,
        unit=unit,
        dose=dose,
        values=values,
        sigma=sigma,
        change=Value(slope, error),
        p_value=p_value,
        scatter=max(variance, 0.0) ** 0.5,
        scatter_p=scatter_p,
    )
