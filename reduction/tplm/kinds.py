"""Kinds of runs of photoluminescence microscopy."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from errors import ReductionError
from reduction.run_kind import CombineChoice, CurveChoice, RunChecks, RunCurve, RunKind, RunResults
from reduction.tplm.calibrations import dark_rate, image_centre, measured_response
from reduction.tplm.decay import DecayCurve, PowerLaw, decay_curve, fit_decay, power_law
from reduction.tplm.displacement import Widths, displacement_line, image_widths, line_through_origin
from reduction.tplm.focus import focus_of
from reduction.tplm.intensity import integrated_light
from reduction.tplm.leftover import leftover, leftover_remarks
from reduction.tplm.likelihood import MapFit, fit_map
from reduction.tplm.map_sums import MapSums
from reduction.tplm.metadata import (
    CENTRE_PLAN,
    DARK_PLAN,
    DECAY_PLAN,
    FOCUS_PLAN,
    RESPONSE_PLAN,
    TECHNIQUE,
    is_map,
)
from reduction.tplm.results import (
    CentreResults,
    DarkResults,
    DecayResults,
    FocusResults,
    MapConditions,
    MapResults,
    ResponseResults,
)
from reduction.tplm.series_results import combine_maps
from reduction.tplm.spectrum_kind import SPECTRUM
from reduction.tplm.steadiness import steadiness
from reduction.tplm.timing_share import TimingShare, timing_share
from reduction.values import Value

if TYPE_CHECKING:
    from reduction.tplm.response import Response
    from reduction.types import Document

T = TypeVar("T")

TAIL_SHAPE_ERROR = 0.004
"""Error of the power law's exponent by the shape of the late image: the largest one of simulated maps without noise."""

LEAST_EXPONENT = 1.05
"""Smallest exponent of a power law for which the sum of the light of all earlier pulses is reliable."""

MISSED_NM = 100.0
"""Distance of a line from the centre of the image, nm, for which its effect is stated: one pixel."""

SHOWN = ("temperature_k", "laser_power_nw", "repetition_rate_mhz", "held_axes", "time_zero_ps", "magnification")
"""Further keys of the start document that a report lists."""


def conditions_of(sums: MapSums) -> MapConditions:
    """Return the mean settings of a run so far; raises ReductionError before its first exposure."""
    seen = sums.exposures()
    highest = seen["highest_channel"]
    return MapConditions(
        power_nw=seen.mean("laser_power_nw"),
        rate_mhz=seen.mean("repetition_rate_mhz"),
        temperature_k=seen.mean("temperature_k"),
        nd_od=seen.mean("nd_od"),
        dose=sums.dose(),
        exposures=len(seen),
        highest_channel=int(np.nanmax(highest)) if np.isfinite(highest).any() else int(seen.counts.max()),
    )


def reduce_map(sums: MapSums) -> MapResults:
    """Return the results of a map, complete or not; raises ReductionError if it cannot be fitted (yet)."""
    seen = sums.exposures()
    metadata = sums.metadata
    fit = fit_map(seen, metadata)
    # The fit of the whole map is what counts; all that follows is shown beside it. A map that is too faint for widths
    # still has a diffusivity, so each of them may fail with a remark.
    remarks: list[str] = []
    widths = _or_remark(remarks, lambda: image_widths(seen, metadata, fit))
    line = None if widths is None else _or_remark(remarks, lambda: displacement_line(widths))
    paper = None if widths is None else _or_remark(remarks, lambda: line_through_origin(widths))
    tail = None if widths is None else _or_remark(remarks, lambda: tail_of_image(widths, metadata.response))
    share = _or_remark(remarks, lambda: timing_share(fit, seen, metadata)) or TimingShare()
    lifetime = _or_remark(remarks, lambda: fit.lifetime_ns(metadata))
    remarks += steadiness(fit, seen, metadata).remarks()
    if tail is not None and tail.exponent.value > LEAST_EXPONENT:
        remarks += leftover_remarks(leftover(fit, tail, seen.mean("repetition_rate_mhz")))
    if lifetime is not None and not metadata.across_measured:
        remarks.append(_beside_text(fit.longer_beside_ns(metadata, MISSED_NM)))
    conditions = conditions_of(sums)
    if conditions.highest_channel >= metadata.channel_limit:
        remarks.append(
            f"A channel has reached its limit of {metadata.channel_limit} counts, so light is missing: use shorter "
            f"exposures."
        )
    return MapResults(
        kind=MAP.name,
        remarks=tuple(remarks),
        uid=metadata.uid,
        conditions=conditions,
        fit=fit,
        widths=widths,
        line=line,
        paper_cm2_s=paper,
        lifetime_ns=None if lifetime is None else Value(lifetime.value, math.hypot(lifetime.sigma, share.lifetime_ns)),
        tail=tail,
        diffusivity_cm2_s=_with_calibrations(fit, metadata.magnification_error / metadata.magnification, share),
        light=_or_remark([], lambda: integrated_light(seen, metadata, fit)),
        timing_share=share,
        lifetime_correlation=0.0 if lifetime is None else fit.lifetime_correlation(metadata),
    )


def _beside_text(longer_ns: float) -> str:
    return (
        f"The centre of the image was not measured across the line. {MISSED_NM:g} nm beside it, the lifetime is "
        f"{longer_ns:.2g} ns too long; the diffusivity is not affected. Run tplm_centre before the map."
    )


def _map_checks(sums: MapSums) -> RunChecks:
    seen = sums.exposures()
    tests = steadiness(fit_map(seen, sums.metadata), seen, sums.metadata).tests
    return RunChecks(photons=float(seen.counts.sum()), null_tests=tests)


def _with_calibrations(fit: MapFit, relative: float, share: TimingShare) -> Value:
    # A length enters squared, so a magnification that is wrong by 1 % changes the diffusivity by 2 %.
    value, sigma = fit.diffusivity_cm2_s
    return Value(value, math.hypot(sigma, 2 * relative * value, share.diffusivity_cm2_s))


def tail_of_image(widths: Widths, response: Response) -> PowerLaw:
    """Return the power law of the light of the whole image; raises ReductionError with fewer than four late delays."""
    emitted_ns = widths.delay_ns - response.mean_ns
    found = power_law(DecayCurve(delay_ns=emitted_ns, light=widths.light, sigma=widths.light_sigma))
    # After 3 ns excitons have been trapped at different distances. The shape of their image is described to second
    # order, and the little that is left of it changes with the delay.
    error = math.hypot(found.exponent.sigma, TAIL_SHAPE_ERROR)
    return PowerLaw(exponent=Value(found.exponent.value, error), amplitude=found.amplitude)


def _or_remark(remarks: list[str], result: Callable[[], T]) -> T | None:
    try:
        return result()
    except ReductionError as error:
        remarks.append(str(error))
        return None


def _map_curve(sums: MapSums, _: CurveChoice) -> RunCurve:
    fit = fit_map(sums.exposures(), sums.metadata)
    widths = image_widths(sums.exposures(), sums.metadata, fit)
    return RunCurve(
        uid=sums.metadata.uid,
        axis="delay_ns",
        quantity="mean square displacement (nm2)",
        x=widths.time_ns,
        y=widths.variance_nm2 - fit.common[1],
        sigma=widths.sigma_nm2,
    )


def _reduce_decay(sums: MapSums) -> DecayResults:
    decay = fit_decay(sums.exposures(), sums.metadata)
    return DecayResults(kind=DECAY.name, conditions=conditions_of(sums), decay=decay)


def _decay_curve(sums: MapSums, _: CurveChoice) -> RunCurve:
    curve = decay_curve(sums.exposures(), sums.metadata)
    return RunCurve(
        uid=sums.metadata.uid,
        axis="delay_ns",
        quantity="light (photons per pulse and channel)",
        x=curve.delay_ns,
        y=curve.light,
        sigma=curve.sigma,
    )


def _reduce_centre(sums: MapSums) -> CentreResults:
    seen = sums.exposures()
    found = CentreResults(kind=CENTRE.name, x=image_centre(seen, "x_um"), y=image_centre(seen, "y_um"))
    if found.x is None and found.y is None:
        raise ReductionError("No axis has five places yet. Wait for more.")
    return found


def _place_curve(sums: MapSums, _: CurveChoice) -> RunCurve:
    seen = sums.exposures()
    axis = max(("x_um", "y_um", "piezo_z_um"), key=lambda name: np.nan_to_num(np.ptp(seen[name])))
    counts = seen.counts.sum(axis=1)
    return RunCurve(
        uid=sums.metadata.uid,
        axis=axis,
        quantity="photons (1/s)",
        x=seen[axis],
        y=counts / seen["exposure_s"],
        sigma=np.sqrt(counts + 0.5) / seen["exposure_s"],
    )


def _reduce_response(sums: MapSums) -> RunResults:
    return ResponseResults(kind=RESPONSE.name, response=measured_response(sums.exposures(), sums.metadata))


def _reduce_focus(sums: MapSums) -> RunResults:
    return FocusResults(kind=FOCUS.name, focus=focus_of(sums.exposures()))


def _reduce_dark(sums: MapSums) -> RunResults:
    return DarkResults(kind=DARK.name, dark=dark_rate(sums.exposures()))


def _exposure_text(data: Document) -> str:
    counts = int(np.sum(data["tcspc_counts"]))
    pulses = max(float(data["sync_pulses"]), 1.0)
    return f"{counts:9d} photons, {100 * counts / pulses:.2g} % of pulses"


def _kind(
    name: str,
    is_kind: Callable[[Document], bool],
    reduce: Callable[[Any], RunResults],
    curve: Callable[[Any, CurveChoice], RunCurve],
) -> RunKind:
    return RunKind(
        name=name,
        is_kind=is_kind,
        sums=lambda _: MapSums(),
        reduce=reduce,
        curve=curve,
        exposure_text=_exposure_text,
        shown=SHOWN,
    )


def _of(plan: str) -> Callable[[Document], bool]:
    return lambda start: start.get("technique") == TECHNIQUE and start.get("plan_name") == plan


def _combine(runs: Sequence[MapSums], choice: CombineChoice) -> RunResults:
    return combine_maps(MAP.name, runs, choice)


MAP = replace(_kind("photoluminescence map", is_map, reduce_map, _map_curve), combine=_combine, checks=_map_checks)
DECAY = _kind("photoluminescence decay", _of(DECAY_PLAN), _reduce_decay, _decay_curve)
CENTRE = _kind("centre of the image", _of(CENTRE_PLAN), _reduce_centre, _place_curve)
FOCUS = _kind("focus of the image", _of(FOCUS_PLAN), _reduce_focus, _place_curve)
RESPONSE = _kind("photon timing response", _of(RESPONSE_PLAN), _reduce_response, _decay_curve)
DARK = _kind("dark rate", _of(DARK_PLAN), _reduce_dark, _place_curve)

HISTOGRAM_KINDS = (MAP, DECAY, CENTRE, FOCUS, RESPONSE, DARK)
"""Kinds of runs whose exposures are histograms of the photon timing."""

KINDS = (*HISTOGRAM_KINDS, SPECTRUM)
