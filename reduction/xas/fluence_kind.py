"""The kind of fluence scans: the transient against the fluence, with the line of the linear regime."""

from __future__ import annotations

from typing import TYPE_CHECKING

from errors import ReductionError
from reduction.accumulator import RunAccumulator
from reduction.detector_view import (
    seen_by,
    with_default_detector,
)
from reduction.run_kind import CurveChoice, RunCurve, RunKind, RunResults
from reduction.types import MODES
from reduction.xas.fluence import fluence_scan
from reduction.xas.fluence_fit import fit_fluence
from reduction.xas.laser_power import power_use
from reduction.xas.pass_trends import alarms_of, trends_of
from reduction.xas.results import (
    FluenceResults,
)
from reduction.xas.run_checks import pump_probe_checks
from reduction.xas.screening import screened

if TYPE_CHECKING:
    from reduction.types import Mode
    from reduction.xas.fluence_fit import FluenceFit
from reduction.xas.pump_probe_scans import DECAY_USE, UNPUMPED_IS_1, is_pump_probe, setting_remarks


def _reduce_fluence(run: RunAccumulator) -> RunResults:
    # Counted photons come first: their unpumped signal is the sample's alone. The paper's fluence scans are measured by
    # the boxcar (SI 3), whose zero a scan at one energy does not determine.
    run = with_default_detector(run)
    modes: list[Mode] = [mode for mode in MODES if mode in run.metadata.modes]
    scans = [fluence_scan(run, mode) for mode in modes or MODES[:1]]
    lines: list[FluenceFit | None] = []
    remarks: list[str] = []
    for scan in scans:
        try:
            lines.append(fit_fluence(scan))
        except ReductionError as error:
            lines.append(None)
            remarks.append(f"No line ({scan.metadata.mode}): {error}")
    trends = trends_of(run, tuple(modes))
    return FluenceResults(
        kind=FLUENCE.name,
        dependence=scans[0],
        line=lines[0],
        others=tuple(zip(scans[1:], lines[1:], strict=True)),
        probed_share=run.metadata.probed_fluence_share,
        trends=tuple(trends),
        power=power_use(run),
        remarks=(*remarks, *alarms_of(trends), *setting_remarks(run)),
    )


def _fluence_curve(run: RunAccumulator, choice: CurveChoice) -> RunCurve:
    if choice.curve != "transient":
        raise ReductionError("Only the transient of a fluence scan can be shown here. Choose the transient.")
    found = fluence_scan(run, choice.mode, choice.probe, choice.pair_reference)
    return RunCurve(
        uid=run.metadata.uid,
        axis=run.metadata.axis,
        quantity=f"transient ({UNPUMPED_IS_1})",
        x=found.fluence_mj_cm2,
        y=found.transient,
        sigma=found.sigma,
    )


FLUENCE = RunKind(
    name="fluence scan",
    is_kind=is_pump_probe("fluence_mj_cm2"),
    sums=lambda _: RunAccumulator(),
    reduce=_reduce_fluence,
    curve=_fluence_curve,
    screen=screened,
    seen_by=seen_by,
    choices=frozenset(("mode", "detector", "probe", "reference")),
    decay_use=DECAY_USE,
    checks=pump_probe_checks,
)
