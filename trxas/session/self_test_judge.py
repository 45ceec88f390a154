"""The verdict on the delay axis, printed when the last run of a self-test has ended."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from devices.configuration import BeamlineConfiguration
from errors import InputError, ReductionError
from plans.xas.delay_self_test import KEY, self_test_arms
from reduction.types import Documents, NamedDocument
from reduction.xas.delay_axis import (
    ArmResult,
    delay_axis_faults,
    judge_delay_axis,
    period_fault,
    period_to_apply,
    time_to_decide,
)


class SelfTestJudge:
    """A subscriber that collects the runs of a self-test, and judges them once every arm has one.

    A run of another series begins a new collection.
    """

    def __init__(self, configuration: BeamlineConfiguration, say: Callable[[str], object] = print) -> None:
        self._arms = {arm.name for arm in self_test_arms(configuration)}
        self._say = say
        self._series = ""
        self._runs: dict[str, list[NamedDocument]] = {}
        self._open: list[NamedDocument] | None = None

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take one document of any run."""
        if name == "start":
            self._begin(doc)
        elif self._open is not None:
            self._open.append((name, doc))
            if name == "stop":
                self._end()

    def _begin(self, start: Mapping[str, Any]) -> None:
        self._open = None
        if KEY not in start:
            return
        # All arms of one self-test share a series. A self-test that was aborted leaves runs of some arms behind; the
        # next one has another series and begins from nothing, so that arms of two tests are never judged together.
        if start["series"] != self._series:
            self._series = str(start["series"])
            self._runs = {}
        self._open = [("start", start)]

    def _end(self) -> None:
        """Collect the run that has ended, and judge the axis if it was the last one missing."""
        run = self._open
        assert run is not None  # only an open run ends
        self._open = None
        self._runs[str(run[0][1][KEY]["arm"])] = run
        if self._runs.keys() == self._arms:
            self._say(verdict_text(self._runs))
            self._runs = {}


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
