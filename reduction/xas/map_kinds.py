"""Kinds of runs with several axes: maps over two axes, and lists of settings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.run_kind import CurveChoice, RunCurve, RunKind, RunResults
from reduction.timing import timing_from
from reduction.xas.dependence import DependenceSums
from reduction.xas.dependence_outliers import screened_dependence
from reduction.xas.kinetics.kinetic_model import Criterion, KineticModel, kinetic_choice
from reduction.xas.map_choice import choose_map_model
from reduction.xas.map_fit import fit_map
from reduction.xas.map_results import MapResults, SettingsResults
from reduction.xas.transient_map import transient_map

if TYPE_CHECKING:
    from reduction.types import Document


def _reduce_map(run: DependenceSums) -> RunResults:
    return _fit_map(run, KineticModel.TWO_OFFSET)


def _fit_map(run: DependenceSums, kinetics: KineticModel | Criterion) -> RunResults:
    """Return the map with a global fit of one model, or of the one that a criterion chooses."""
    power = run.power()
    result = MapResults(
        kind=MAP.name,
        map=transient_map(run),
        detector=run.detector,
        power=power,
        remarks=() if power is None else power.remarks,
    )
    try:
        timing = timing_from(run.start.get("reduction", {}), run.start.get("instrument_response"))
        result = replace(result, timing=timing)
        if isinstance(kinetics, Criterion):
            choice = choose_map_model(result.map, timing, kinetics)
            return replace(result, fit=choice.fit, compared=choice.lines)
        return replace(result, fit=fit_map(result.map, timing, model=kinetics))
    except ReductionError as error:
        return replace(result, remarks=(*result.remarks, f"No global fit: {error}"))


def _map_curve(run: DependenceSums, _: CurveChoice) -> RunCurve:
    """Return the transient against the slow axis, averaged over the fast one by the errors of its points."""
    found = transient_map(run)
    measured = np.isfinite(found.change)
    weight = np.where(measured, found.total_sigma, np.inf) ** -2.0
    rows = measured.any(axis=1)
    total = weight[rows].sum(axis=1)
    return RunCurve(
        uid=str(run.start["uid"]),
        axis=found.axes[0],
        quantity=f"transient, ln(pumped/unpumped), mean over {found.axes[1]}",
        x=found.rows[rows],
        y=(weight * np.where(measured, found.change, 0.0))[rows].sum(axis=1) / total,
        sigma=total**-0.5,
    )


def _reduce_settings(run: DependenceSums) -> RunResults:
    photons = run.photons()
    power = run.power()
    return SettingsResults(
        kind=SETTINGS.name,
        axes=run.axes,
        positions=photons.positions,
        change=photons.change,
        sigma=photons.total_sigma,
        power=power,
        remarks=() if power is None else power.remarks,
    )


def _settings_curve(run: DependenceSums, _: CurveChoice) -> RunCurve:
    photons = run.photons()
    return RunCurve(
        uid=str(run.start["uid"]),
        axis="point_index",
        quantity="transient, ln(pumped/unpumped)",
        x=photons.index.astype(float),
        y=photons.change,
        sigma=photons.total_sigma,
    )


def _is_map(start: Document) -> bool:
    return "shape" in start.get("grid", {})


MAP = RunKind(
    name="map of two axes",
    is_kind=_is_map,
    sums=lambda _: DependenceSums(),
    reduce=_reduce_map,
    curve=_map_curve,
    screen=screened_dependence,
    refit=lambda run, kinetics: _fit_map(run, kinetic_choice(kinetics)),
    seen_by=DependenceSums.seen_by,
    choices=frozenset(("detector",)),
)
SETTINGS = RunKind(
    name="list of settings",
    is_kind=lambda start: start.get("plan_name") == "settings_scan",
    sums=lambda _: DependenceSums(),
    reduce=_reduce_settings,
    curve=_settings_curve,
    screen=screened_dependence,
    seen_by=DependenceSums.seen_by,
    choices=frozenset(("detector",)),
)
