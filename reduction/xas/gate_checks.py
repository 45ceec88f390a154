"""Checks that notice a wrong zero or gain of a gate: a null test, and baselines that must vanish."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from errors import ReductionError
from reduction.number_text import with_error
from reduction.probabilities import chi_square_tail, normal_tail
from reduction.values import Value
from reduction.xas.energy_windows import points_within
from reduction.xas.exposure_pairs import SHUTTER_CLOSED, exposure_pairs, gates_of
from reduction.xas.gate_correlation import correlated_difference
from reduction.xas.gate_errors import gate_errors
from reduction.xas.spc_time import before_pump

if TYPE_CHECKING:
    from reduction.accumulator import RunAccumulator
    from reduction.types import BoolArray, FloatArray, Mode
    from reduction.xas.exposure_pairs import ExposurePairs, Gate

FALSE_ALARMS = 1e-3
"""Share of the runs with right zeros and gains in which one check fails: its p-value is below this."""

TOLERATED = 0.03
"""Part of the largest transient that a baseline may hold: what earlier pumps have left, and EXAFS (chosen)."""

BESIDE_EDGE = "before and after the edge"
"""Both baselines of an energy scan together."""

_SAME_DIRECTION = 1e-3
"""Information, relative to the rest, below which zero and gain cannot be distinguished, as at a single energy."""


class GateNullTest(NamedTuple):
    """Test of pumped and unpumped gate with the laser blocked, where both must show the same.

    `p_value` is the probability of such a difference by chance: below `FALSE_ALARMS` a zero or a gain is wrong. `zero`
    is the difference of the zeros, V or photons per pulse, and `gain` the relative difference of the gains; both are
    None for a run at a single signal, where they cannot be distinguished.
    """

    chi_square: float
    degrees_of_freedom: int
    p_value: float
    zero: Value | None
    gain: Value | None


def gate_null_test(accumulator: RunAccumulator, mode: Mode) -> GateNullTest:
    """Return the test of zeros and gains in those exposures of a run that had the laser blocked.

    The difference of the gates, per flux, is modelled as a (difference of zeros) + b x signal (difference of gains),
    and tested against a = b = 0. Errors of the run's calibration of the gates are in the p-value. Raises ReductionError
    without exposures with the laser blocked.
    """
    timing = accumulator.metadata.timing
    opened = gates_of("unpumped probe", timing.pumped_probe, timing)
    gates = [gate._replace(laser_shutter=SHUTTER_CLOSED) for gate in opened]
    pairs = exposure_pairs(accumulator, mode, *gates)
    on, off = pairs.summed()
    sigma = correlated_difference(on.sigma, off.sigma, pairs.correlation_of_sums())
    difference = on.value - off.value
    design = np.column_stack([_per_unit_of_zero(accumulator), off.value])
    common = gate_errors(accumulator, mode, gates, lambda moved: _difference(moved, mode, gates), difference)
    # The scores of both parameters have the information as their covariance, and what the calibration adds to it. The
    # columns are scaled to equal information, so that what is left in one direction is a pure number.
    scale = np.sqrt(np.sum((design / sigma[:, None]) ** 2, axis=0))
    weighted = design / scale / sigma[:, None] ** 2
    information = weighted.T @ (design / scale)
    scores = weighted.T @ difference
    shared = common @ weighted
    found, directions = np.linalg.eigh(information)
    known = directions[:, found > _SAME_DIRECTION * found.max()]
    covariance = known.T @ (information + shared.T @ shared) @ known
    projected = known.T @ scores
    chi_square = float(projected @ np.linalg.solve(covariance, projected))
    freedom = known.shape[1]
    zero, gain = _parameters(information, scores, shared, scale) if freedom == 2 else (None, None)
    return GateNullTest(chi_square, freedom, chi_square_tail(chi_square, freedom), zero, gain)


def _difference(accumulator: RunAccumulator, mode: Mode, gates: list[Gate]) -> FloatArray:
    on, off = exposure_pairs(accumulator, mode, *gates).summed()
    return on.value - off.value


def _per_unit_of_zero(accumulator: RunAccumulator) -> FloatArray:
    """Return the signal per flux that a unit of the zero makes with the laser blocked, (points,) sorted alike."""
    # Photons are per pulse and their flux is I0 x pulses / time, so the pulses drop out and time over I0 is left, as
    # for the boxcar.
    seconds = accumulator.exposure_s[:, :, SHUTTER_CLOSED].sum(axis=0)
    i0 = accumulator.i0[:, :, SHUTTER_CLOSED].sum(axis=0)
    order = np.argsort(accumulator.mean_readback(accumulator.metadata.axis), kind="stable")
    order = order[i0[order] > 0]
    return np.asarray(seconds[order] / i0[order])


def _parameters(
    information: FloatArray, scores: FloatArray, shared: FloatArray, scale: FloatArray
) -> tuple[Value, Value]:
    """Return the differences of zeros and gains, each with its error, from the scaled information and scores."""
    inverse = np.linalg.inv(information)
    values = inverse @ scores / scale
    sigmas = np.sqrt(np.diag(inverse @ (information + shared.T @ shared) @ inverse)) / scale
    return Value(float(values[0]), float(sigmas[0])), Value(float(values[1]), float(sigmas[1]))


class BaselineCheck(NamedTuple):
    """Mean transient where there is none, relative to the unpumped signal, and its probability by chance.

    `where` names the place. The error holds counting and the calibration of the gates; `p_value` also holds
    `TOLERATED` of the largest transient, independently in each place.
    """

    where: str
    mean: Value
    p_value: float

    @property
    def alarm(self) -> bool:
        """Whether zeros or gains of the gates are wrong, or light of the laser is in the gates."""
        return self.p_value < FALSE_ALARMS

    @property
    def text(self) -> str:
        """The alarm as a sentence with the remedy; mean and error in % of the unpumped signal."""
        return (
            f"The mean transient {self.where} is {with_error(100 * self.mean.value, 100 * self.mean.sigma)} %, not 0 "
            f"(p = {self.p_value:.1g}): zeros or gains of the gates are wrong. Measure dark_exposures and "
            "blocked_exposures, then the run again."
        )


def baseline_checks(accumulator: RunAccumulator, mode: Mode) -> list[BaselineCheck]:
    """Return the checks of a run's transient before its offsets are subtracted; none where the run has no baseline.

    An energy scan has one before the edge and one after it, and one of both together if neither raises an alarm alone.
    A delay scan has one before time zero. Raises ReductionError while there is no pair of exposures.
    """
    run = accumulator.metadata
    gates = list(gates_of("unpumped probe", run.timing.pumped_probe, run.timing))
    pairs = exposure_pairs(accumulator, mode, *gates)
    on, off = pairs.summed()
    difference = on.value - off.value
    sigma = correlated_difference(on.sigma, off.sigma, pairs.correlation_of_sums())
    common = gate_errors(accumulator, mode, gates, lambda moved: _difference(moved, mode, gates), difference)
    places = _baselines(accumulator, pairs)
    level = _level(accumulator, pairs)
    parts = (difference / level, sigma / level, common / level)
    checks = [_checked(where, inside, parts) for where, inside in places.items()]
    if len(places) < 2 or any(check.alarm for check in checks):
        return checks
    # A wrong zero moves both places alike, and together they show one that is too small for either.
    everywhere = np.logical_or.reduce(list(places.values()))
    return [*checks, _checked(BESIDE_EDGE, everywhere, parts, TOLERATED / math.sqrt(len(places)))]


def _baselines(accumulator: RunAccumulator, pairs: ExposurePairs) -> dict[str, BoolArray]:
    """Return the masks (points,) of the baselines that the run has reached, by their names."""
    run = accumulator.metadata
    if run.axis == "energy_ev":
        windows = {"before the edge": run.windows.pre_edge_ev, "after the edge": run.windows.post_edge_ev}
        places = {where: (pairs.axis >= low) & (pairs.axis <= high) for where, (low, high) in windows.items()}
    elif run.axis == "delay_ps":
        delay_ps = run.timing.delay_of(run.timing.pumped_probe, 0.0) + pairs.axis
        places = {"before time zero": before_pump(delay_ps, run.timing)}
    else:
        places = {}
    return {where: inside for where, inside in places.items() if inside.any()}


def _level(accumulator: RunAccumulator, pairs: ExposurePairs) -> float:
    """Return the unpumped signal per flux that counts as 1: after the edge, or the mean of a delay scan."""
    off = pairs.summed()[1].value
    if accumulator.metadata.axis != "energy_ev":
        return float(off.mean())
    try:
        return float(off[points_within(pairs.axis, accumulator.metadata.windows.post_edge_ev, "post-edge")].mean())
    except ReductionError:
        # Until the first scan has reached the end, the largest signal so far stands for it.
        return float(np.abs(off).max()) * float(np.sign(off.mean()))


def _checked(
    where: str, inside: BoolArray, parts: tuple[FloatArray, FloatArray, FloatArray], tolerated: float = TOLERATED
) -> BaselineCheck:
    transient, sigma, common = parts
    number = int(inside.sum())
    mean = float(transient[inside].mean())
    variance = float(np.sum(sigma[inside] ** 2)) / number**2 + float(np.sum(common[:, inside].mean(axis=1) ** 2))
    # Errors of single points make the largest transient too large: what noise explains is taken off.
    largest = max(float(np.max(np.abs(transient - mean) - 3 * np.abs(sigma))), 0.0)
    spread = np.hypot(np.sqrt(variance), tolerated * largest)
    return BaselineCheck(where, Value(mean, float(np.sqrt(variance))), 2 * normal_tail(abs(mean) / spread))
