"""The verdict on the delay axis by the runs of all arms of a self-test, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping

from errors import InputError, ReductionError
from reduction.types import Documents
from reduction.xas.delay_axis import (
    ArmResult,
    delay_axis_faults,
    judge_delay_axis,
    period_fault,
    period_to_apply,
    time_to_decide,
)


def verdict_text(runs: Mapping[str, Documents]) -> str:
    """Return the verdict on the runs of all arms, a line per arm, with shifts in ps.

    Runs that cannot be judged give the reason instead; nothing is raised.
    """
    try:
        results: Mapping[str, ArmResult] = judge_delay_axis(runs.values())
    except (InputError, ReductionError) as error:
        return f"The delay axis could not be judged: {error}"
    faults = delay_axis_faults(results)
    head = f"THE DELAY AXIS IS NOT GOOD: {'; '.join(faults)}" if faults else _without_faults(results, runs)
    if period := period_fault(results):
        head = f"{head}. THE X-RAY PULSES ARE NOT WHERE THEY ARE EXPECTED: {period}"
    lines = [head, *(f"  {result.text(name)}" for name, result in results.items())]
    if (measured := period_to_apply(results)) is not None:
        lines.append(
            f"To use the measured bunch period: RE(apply_bunch_period({measured.value:.1f}, {measured.sigma:.1f}))"
        )
    return "\n".join(lines)


def _without_faults(results: Mapping[str, ArmResult], runs: Mapping[str, Documents]) -> str:
    """Return a sentence: the axis is good, or how long, s, to count each point until that can be decided."""
    longer = time_to_decide(results)
    if longer == 1.0:
        return "Self-test of the delay axis: good"
    dwell_s = longer * max(float(run[0][1]["dwell_s"]) for run in runs.values())
    return (
        "Self-test of the delay axis: undecided, as the errors could hide a shift that matters. Measure again with "
        f"dwell_s={math.ceil(dwell_s)}"
    )
