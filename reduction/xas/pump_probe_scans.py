"""What the reductions of spectra, traces and fluence scans have in common."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from errors import ReductionError
from reduction.accumulator import RunAccumulator
from reduction.all_bunches import all_bunches, ungated_fluorescence
from reduction.run_kind import CurveChoice, DecayUse, RunCurve, RunResults
from reduction.xas.first_pass import FirstPass
from reduction.xas.gate_checks import baseline_checks
from reduction.xas.laser_power import power_use
from reduction.xas.results import (
    FluenceResults,
    SpectrumResults,
)
from reduction.xas.sample_absorption import other_concentration
from reduction.xas.unpumped_size import decay_distance

if TYPE_CHECKING:
    from collections.abc import Callable

    from reduction.all_bunches import AllBunches
    from reduction.run_kind import MeasuredDecay
    from reduction.types import Document, FloatArray, Mode
    from reduction.xas.transient import CurvesWithErrors


UNPUMPED_IS_1 = "unpumped = 1"
"""Scale of traces and fluence scans, in words."""


def ungated_signals(run: RunAccumulator) -> tuple[tuple[AllBunches, ...], list[str]]:
    """Return the signals of the detectors that are not gated, and a sentence for each that has none."""
    found = []
    remarks = []
    for one in ungated_fluorescence(run):
        try:
            found.append(all_bunches(run, one.name))
        except ReductionError as error:
            remarks.append(f"Cannot be reduced ({one.name}): {error}")
    return tuple(found), remarks


def _with_decay(results: RunResults, decay: MeasuredDecay | None) -> RunResults:
    """Return spectra or a fluence dependence with the decay that corrects its sizes; other results as they are."""
    return replace(results, decay=decay) if isinstance(results, SpectrumResults | FluenceResults) else results


def setting_remarks(run: RunAccumulator) -> tuple[str, ...]:
    """Return sentences on the power of the laser, on gates that have drifted, and on the sample's concentration.

    None where all is in order.
    """
    use = power_use(run)
    jet = run.metadata.jet
    measured = None if jet is None or not jet.measured_by else jet.expected_step
    other = () if jet is None or measured is None else other_concentration(measured, jet.configured_step)
    return (*run.metadata.gate_drifts, *(() if use is None else use.remarks), *other)


def baseline_alarms(run: RunAccumulator, mode: Mode) -> list[str]:
    """Return a sentence per baseline on which the transient is not 0, unless the recipe removes that anyway.

    Photon counting subtracts its own offsets of on and off, so without a calibration of the gates it needs no alarm.
    """
    gates = run.metadata.gates
    if mode == "spc" and (gates is None or mode not in gates.chains):
        return []
    return [f"{mode}: {check.text}" for check in baseline_checks(run, mode) if check.alarm]


def pump_probe_curve(
    run: RunAccumulator, x: FloatArray, found: CurvesWithErrors | FirstPass, choice: CurveChoice, scale: str
) -> RunCurve:
    """Return the chosen curve of `found` against `x`, (points,), with `scale` in the name of its quantity."""
    curves = {
        "transient": ("transient", found.transient, found.sigma),
        "on": ("pumped", found.on, found.on_sigma),
        "off": ("unpumped", found.off, found.off_sigma),
    }
    word, y, sigma = curves[choice.curve]
    return RunCurve(uid=run.metadata.uid, axis=run.metadata.axis, quantity=f"{word} ({scale})", x=x, y=y, sigma=sigma)


def is_pump_probe(axis: str) -> Callable[[Document], bool]:
    """Return whether a start document is that of a pump-probe scan over `axis`, whatever its plan is called."""
    return lambda start: "reduction" in start and start.get("grid", {}).get("axis") == axis


DECAY_USE = DecayUse(distance=decay_distance, correct=_with_decay)
"""Sizes of transients are stated as measured and corrected by the decay of the same sample."""
