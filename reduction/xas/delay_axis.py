"""The delay axis from stored scans: time zero, and the verdict on every arm of its self-test.

At the prompt:

    RE(time_zero_scan(dwell_s=60)); found = time_zero_of(load_run(store, -1)); RE(rezero(found.t0_ps.value))
    RE(delay_self_test(dwell_s=60)); print(judge_delay_axis([load_run(store, n) for n in (-4, -3, -2, -1)]))
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from errors import InputError, ReductionError
from reduction.accumulator import RunAccumulator, accumulate
from reduction.number_text import with_error
from reduction.timing import Timing
from reduction.values import Value
from reduction.xas.time_zero import TimeZeroFit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reduction.types import Document, Documents, FloatArray

    FitT0 = Callable[[FloatArray, FloatArray, FloatArray], tuple[float, float]]
from reduction.xas.signal_rise import Rise, fit_rise, rise_of

REFERENCE = "fine"
"""Arm with which the others are compared. Time zero is found with it: the usual grid moves only the fine delay."""

RF = "RF frequency"
"""Source of a bunch period that is better known than any self-test can measure it."""

MEASURED = "measured"
"""Source of a bunch period that an earlier self-test has measured."""

NEXT_PULSE = "probe"
"""Arm whose rise is made by another X-ray pulse: it depends on the distance of the pulses as well as on the axis."""

LEAST_STEP_SIGMAS = 5.0
"""A change smaller than this number of errors is not a rise (by chance in 1 of 1.7 million)."""

LARGEST_BASELINE = 0.4
"""Change before the pump, relative to that after it, above which both ends count as equal (chosen)."""


TOLERANCE_PS = 10.0
"""Shift of an arm that does not matter, ps: two steps of the coarse delay."""


class Verdict(StrEnum):
    """Verdict on one arm of the self-test."""

    GOOD = "good"
    WRONG_SIGN = "wrong sign"
    SHIFTED = "shifted"
    NO_RISE = "no rise"
    UNDECIDED = "undecided"
    PERIOD = "another bunch period"


@dataclass(frozen=True, kw_only=True, eq=False)
class ArmResult:
    """Verdict on one arm: its time zero and its shift from the reference arm, ps, with errors; None: no rise.

    `period_ps`: measured distance of the X-ray pulse that made the rise, None for the arms of one pulse; `timing` has
    the bunch period by which the rise was expected elsewhere.
    """

    verdict: Verdict
    t0_ps: float | None = None
    t0_sigma_ps: float | None = None
    shift_ps: float | None = None
    shift_sigma_ps: float | None = None
    period_ps: Value | None = None
    timing: Timing = field(default_factory=Timing)

    @property
    def bunch_period_ps(self) -> Value | None:
        """Measured bunch period, ps; None for the arms of one pulse."""
        if self.period_ps is None or self.shift_ps is None:
            return None
        # The pulse comes a whole number of bunch periods after the pump, as many as expected.
        per_distance = self.timing.bunch_period_ps / (self.period_ps.value - self.shift_ps)
        return Value(per_distance * self.period_ps.value, per_distance * self.period_ps.sigma)

    def text(self, name: str) -> str:
        """Return the result in words, with shift and error in ps."""
        if self.shift_ps is None or self.shift_sigma_ps is None:
            return f"{name}: {self.verdict}"
        text = f"{name}: {self.verdict}, {self.shift_ps:+.1f} ± {self.shift_sigma_ps:.1f} ps from {REFERENCE}"
        if self.period_ps is None:
            return text
        expected_ns = 1e-3 * (self.period_ps.value - self.shift_ps)
        measured_ns = with_error(1e-3 * self.period_ps.value, 1e-3 * self.period_ps.sigma)
        return f"{text}; the next pulse comes after {measured_ns} ns, expected {expected_ns:.7g} ns {self._source}"

    @property
    def _source(self) -> str:
        words = {RF: "by the RF frequency", MEASURED: "as measured before"}
        return words.get(self.timing.bunch_period_source, "as configured")


def evaluate_delay_axis(
    rises: Mapping[str, Rise], fit_t0: FitT0, *, tolerance_ps: float = TOLERANCE_PS
) -> dict[str, ArmResult]:
    """Return the verdict on every arm by name: the rise must not depend on how the delay is made.

    A shift up to `tolerance_ps` does not matter. A larger one counts if it
    exceeds three errors. With an error so large that a shift could hide in it, the arm is undecided. The arm of another
    X-ray pulse measures the distance of the pulses; if only that arm is shifted, that distance is wrong, not the axis.
    Raises InputError without the reference arm.
    """
    if REFERENCE not in rises:
        raise InputError(
            f"The reference arm {REFERENCE!r} is missing in {sorted(rises)}. Give all runs of the self-test."
        )
    fitted = {name: _fitted(rise, fit_t0) for name, rise in rises.items()}
    zero = fitted[REFERENCE]
    results = {name: _compared(result, zero, tolerance_ps, name) for name, result in fitted.items()}
    if NEXT_PULSE in results:
        axis_is_good = all(result.verdict is Verdict.GOOD for name, result in results.items() if name != NEXT_PULSE)
        results[NEXT_PULSE] = _with_period(results[NEXT_PULSE], rises[NEXT_PULSE], axis_is_good=axis_is_good)
    return results


def delay_axis_faults(results: Mapping[str, ArmResult]) -> list[str]:
    """Return the faults of the axis, one sentence per bad arm with its shift in ps; empty for one without.

    Arms whose errors are too large for a verdict are not faults: see `time_to_decide`.
    """
    harmless = (Verdict.GOOD, Verdict.PERIOD, Verdict.UNDECIDED)
    return [result.text(name) for name, result in results.items() if result.verdict not in harmless]


def time_to_decide(results: Mapping[str, ArmResult]) -> float:
    """Return how many times longer the arms must count until none is undecided; 1 if none is.

    After that time three errors of the largest shift, ps, fit into twice the tolerance.
    """
    undecided = [result for result in results.values() if result.verdict is Verdict.UNDECIDED]
    largest_ps = max((result.shift_sigma_ps or 0.0 for result in undecided), default=0.0)
    # Errors fall with the root of the time, and three of them must fit into twice the tolerance.
    return max((3 * largest_ps / (2 * TOLERANCE_PS)) ** 2, 1.0)


def period_fault(results: Mapping[str, ArmResult]) -> str:
    """Return a sentence if the distance of the X-ray pulses, ns, differs from the expected one; "" if it does not."""
    result = results.get(NEXT_PULSE)
    if result is None or result.verdict is not Verdict.PERIOD:
        return ""
    return f"{result.text(NEXT_PULSE)}. {_period_remedy(result)}"


def period_to_apply(results: Mapping[str, ArmResult]) -> Value | None:
    """Return the bunch period that the self-test has measured, ps, if it is better known than the one in use.

    None if an arm has found a fault of the axis or is undecided, and where the period comes from the RF frequency.
    """
    found = results.get(NEXT_PULSE)
    sound = all(result.verdict in (Verdict.GOOD, Verdict.PERIOD) for result in results.values())
    measured = found.bunch_period_ps if found is not None and sound else None
    if found is None or measured is None or found.timing.bunch_period_source == RF:
        return None
    known = found.timing.bunch_period_error_ps
    return measured if known == 0 or measured.sigma < known else None


def _period_remedy(result: ArmResult) -> str:
    if result.timing.bunch_period_source == RF:
        return "Check harmonic_number and bunches of the configuration, and the scale of the coarse delay."
    return "Use what was measured (apply_bunch_period), unless the scale of the coarse delay is wrong."


def _with_period(result: ArmResult, rise: Rise, *, axis_is_good: bool) -> ArmResult:
    """Return the result of the other pulse with its distance, ps: where its rise was expected plus the shift."""
    if result.shift_ps is None or result.shift_sigma_ps is None or rise.offset_ps <= 0:
        return result
    # All arms of one pulse agree, so no raw delay has jumped; a fault of the axis would show in one of them.
    verdict = Verdict.PERIOD if result.verdict is Verdict.SHIFTED and axis_is_good else result.verdict
    period_ps = Value(rise.offset_ps + result.shift_ps, result.shift_sigma_ps)
    return replace(result, verdict=verdict, period_ps=period_ps, timing=rise.timing)


def _fitted(rise: Rise, fit_t0: FitT0) -> ArmResult:
    # Three questions, in this order: is there a change between both ends at all; is it on the side after the pump (a
    # wrong sign of the delay puts it on the other); where is it. The fit only sees rises that pass the first two.
    early, late, sigma = rise.ends()
    low, high = sorted((abs(early), abs(late)))
    if high - low < LEAST_STEP_SIGMAS * sigma or low > LARGEST_BASELINE * high:
        return ArmResult(verdict=Verdict.NO_RISE)
    if abs(early) > abs(late):
        return ArmResult(verdict=Verdict.WRONG_SIGN)
    try:
        t0_ps, t0_sigma_ps = fit_t0(rise.delay_ps, rise.change, rise.sigma)
    except ReductionError:
        return ArmResult(verdict=Verdict.NO_RISE)
    return ArmResult(verdict=Verdict.GOOD, t0_ps=t0_ps, t0_sigma_ps=t0_sigma_ps)


def _compared(result: ArmResult, zero: ArmResult, tolerance_ps: float, name: str) -> ArmResult:
    if result.t0_ps is None or result.t0_sigma_ps is None or name == REFERENCE:
        return result
    if zero.t0_ps is None or zero.t0_sigma_ps is None:
        return ArmResult(verdict=Verdict.UNDECIDED, t0_ps=result.t0_ps, t0_sigma_ps=result.t0_sigma_ps)
    shift_ps = result.t0_ps - zero.t0_ps
    sigma_ps = float(np.hypot(result.t0_sigma_ps, zero.t0_sigma_ps))
    # Shifted needs both: more than the tolerance, and more than three errors. Three errors above twice the tolerance
    # could hide a shift that matters, so such an arm is neither good nor bad.
    verdict = Verdict.GOOD
    if abs(shift_ps) > max(tolerance_ps, 3 * sigma_ps):
        verdict = Verdict.SHIFTED
    elif 3 * sigma_ps > 2 * tolerance_ps:
        verdict = Verdict.UNDECIDED
    return ArmResult(
        verdict=verdict, t0_ps=result.t0_ps, t0_sigma_ps=result.t0_sigma_ps, shift_ps=shift_ps, shift_sigma_ps=sigma_ps
    )


def time_zero_of(documents: Documents, *, free_irf: bool = False) -> TimeZeroFit:
    """Return time zero of a stored delay scan (ps) on its own axis, and the width of the instrument response (ps).

    The response that the run records is the prior; `free_irf` fits the response without a prior, which is the
    measurement for `apply_instrument_response`. Raises ReductionError if the run shows no step.
    """
    return time_zero_of_run(accumulate(documents), free_irf=free_irf)


def time_zero_of_run(run: RunAccumulator, *, free_irf: bool = False) -> TimeZeroFit:
    """Return time zero of the sums of a delay scan, ps, like `time_zero_of`; raises ReductionError without a step.

    Its error contains the drift of time zero within a day that the run states.
    """
    found = fit_rise(rise_of(run), free_irf=free_irf)
    sigma_ps = math.hypot(found.t0_ps.sigma, run.metadata.timing.time_zero_drift_ps)
    return replace(found, t0_ps=Value(found.t0_ps.value, sigma_ps))


def judge_delay_axis(runs: Iterable[Documents], *, tolerance_ps: float = TOLERANCE_PS) -> dict[str, ArmResult]:
    """Return the verdict on every arm of a `delay_self_test` by name, from the documents of its runs in any order.

    Raises InputError for a run that is not an arm of a self-test, or without the reference arm.
    """
    rises = dict(map(arm_rise, runs))
    timing = next(iter(rises.values())).timing if rises else Timing()

    def fit_t0(delay_ps: FloatArray, change: FloatArray, sigma: FloatArray) -> tuple[float, float]:
        """Return time zero and its error, ps, of a signal of shape (delays,) with its errors `sigma`."""
        fit = fit_rise(Rise(delay_ps=delay_ps, change=change, sigma=sigma, timing=timing))
        return fit.t0_ps.value, fit.t0_ps.sigma

    return evaluate_delay_axis(rises, fit_t0, tolerance_ps=tolerance_ps)


def arm_rise(documents: Documents) -> tuple[str, Rise]:
    """Return name and rise of one arm of a self-test. Raises InputError for any other run."""
    return arm_rise_of_run(documents[0][1], accumulate(documents))


def arm_rise_of_run(start: Document, run: RunAccumulator) -> tuple[str, Rise]:
    """Return name and rise of one arm from its start document and sums. Raises InputError for any other run."""
    arm = start.get("self_test")
    if arm is None:
        raise InputError(
            f"Run {start.get('uid', '')} is a {start.get('plan_name', 'run')}, not an arm of a self-test. Give the "
            "runs that delay_self_test returned."
        )
    rise = rise_of(
        run,
        watched=int(arm["watched_probe"]),
        compared=int(arm["compare_probe"]),
        offset_ps=float(arm["rise_offset_ps"]),
    )
    return str(arm["arm"]), rise
