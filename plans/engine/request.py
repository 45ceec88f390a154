"""What a scan was asked to do, checked as a whole before anything moves."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any, Literal, get_args

from devices.axes.cell import Cell
from devices.beamline import Beamline
from devices.configuration import GeometrySettings
from devices.shutter import STATES
from errors import ConfigurationError, InputError, OutOfRangeError
from plans.edges import EdgePreset
from plans.engine.detection import Detection, pump_probe
from plans.grids import check_points

ShutterReference = Literal["none", "point", "scan"]
"""When the laser shutter is closed for a second reference: never, at every point, or for a whole pass."""

Laser = Literal["open", "closed"]
"""Laser shutter of a scan's own exposures: open for pump and probe, closed for a static measurement."""

EARLIER_PUMPS = 24
"""Earlier pumps whose overlap is written down; the 24th was 74 um away."""

MAXIMUM_REPEATS = 10_000

MARGIN_SIGMAS = 5
"""Widths of the instrument response to keep between the unpumped pulse and the next pump."""

RESERVED = frozenset(
    {
        *("uid", "time", "scan_id", "plan_name", "plan_type", "plan_args", "sample", "edge", "absorber", "modes"),
        *("dwell_s", "repeats", "series", "num_points", "grid", "shutter_reference", "beamline", "time_zero_raw_ps"),
        *("approach", "energy_calibration_offset_ev", "attenuator", "self_test", "laser", "direction"),
        *("temperature_c", "temperature_held", "geometry", "images", "exposure_s", "home_um"),
        *("resumes", "missing_points"),
        *("boxcar_polarity", "reduction", "versions", "hints", "energy_ev", "delay_ps", "fluence_mj_cm2"),
    }
)
"""Keys of the start document that a run writes itself."""

REDUCIBLE_AXES = ("energy_ev", "delay_ps", "fluence_mj_cm2")
"""Scans over these give spectra, traces or dependences, and carry what the reduction needs."""


@dataclass(frozen=True)
class ScanRequest:
    """A validated scan: where the axes stand, which one moves, how long and how often.

    `fixed` holds the axes that stay, by event field; `axis` names the field that moves over `points`. `approach` is how
    long moves of the energy end, `laser` whether the sample is pumped at all, `detection` what counts. With a
    `temperature_c` the powder is brought there first, without one it stays as it is. Images belong to no `edge`. `done`
    are the exposures, each (scan_index, point_index, laser_shutter), that an earlier run has and this one leaves out.
    """

    plan_name: str
    detection: Detection
    edge: EdgePreset | None
    axis: str
    points: tuple[float, ...]
    fixed: Mapping[str, float]
    dwell_s: float
    repeats: int
    shutter_reference: ShutterReference
    sample: str
    series: str
    md: Mapping[str, Any] = field(default_factory=dict)
    approach: str = "below"
    laser: Laser = "open"
    temperature_c: float | None = None
    done: frozenset[tuple[int, int, int]] = frozenset()

    @property
    def exposures(self) -> int:
        """Exposures, and so good events, of the whole run."""
        return sum(1 for _ in self.course())

    def course(self) -> Iterator[tuple[int, int, str]]:
        """The run's exposures in order, each (scan index, point index, laser shutter), less those that are `done`."""
        for scan_index in range(self.repeats):
            for point_index, shutter in passes(self.shutter_reference, len(self.points), self.laser):
                if (scan_index, point_index, STATES[shutter]) not in self.done:
                    yield scan_index, point_index, shutter


def passes(shutter_reference: ShutterReference, points: int, laser: Laser = "open") -> Iterator[tuple[int, str]]:
    """Order of the exposures within one pass: (point index, laser shutter).

    `laser` is the shutter's state without a reference per point. With one it alternates as open closed, closed open,
    so that it moves once per point.
    """
    if shutter_reference == "point":
        for index in range(points):
            states = ("open", "closed") if index % 2 == 0 else ("closed", "open")
            yield from ((index, state) for state in states)
    else:
        yield from ((index, laser) for index in range(points))
        if shutter_reference == "scan":
            yield from ((index, "closed") for index in range(points))


def check_request(
    beamline: Beamline,
    *,
    plan_name: str,
    edge: EdgePreset | None,
    axis: str,
    points: Sequence[float],
    fixed: Mapping[str, float],
    dwell_s: float,
    repeats: int,
    shutter_reference: str,
    sample: str,
    series: str,
    md: Mapping[str, Any] | None,
    approach: str | None = None,
    laser: Laser = "open",
    own_md: Mapping[str, Any] | None = None,
    unpumped_probe: bool = True,
    detection: Detection | None = None,
    temperature_c: float | None = None,
) -> ScanRequest:
    """Build a ScanRequest, or raise InputError naming what is wrong, the allowed range and its unit.

    Without an `approach` the energy moves as configured. `md` is the user's metadata, `own_md` the plan's; a plan that
    needs no unpumped reference may go beyond the next pump. `detection` is that of pump and probe by default.
    """
    _check_text(sample=sample, series=series)
    check_metadata(md)
    moving = beamline.axes[axis]
    checked = check_points(points, name=moving.name, low=moving.low, high=moving.high, unit=moving.unit)
    for name, value in fixed.items():
        beamline.axes[name].check_value(value)
    delays = checked if axis == "delay_ps" else [fixed[name] for name in fixed if name == "delay_ps"]
    detection = pump_probe(beamline) if detection is None else detection
    if temperature_c is not None:
        _checked_cell(beamline).check_value(temperature_c)
    if delays and unpumped_probe:
        check_before_next_pump(max(delays), beamline)
    approach = beamline.energy.default_approach if approach is None else approach
    beamline.energy.check_approach(approach)
    beamline.exposure.check_dwell(dwell_s)
    check_number_of(repeats, "repeats")
    if shutter_reference not in get_args(ShutterReference):
        raise InputError(f"shutter_reference = {shutter_reference!r}: give one of {get_args(ShutterReference)}.")
    return ScanRequest(
        plan_name=plan_name,
        detection=detection,
        edge=edge,
        axis=axis,
        points=tuple(checked),
        fixed=dict(fixed),
        dwell_s=float(dwell_s),
        repeats=repeats,
        shutter_reference=shutter_reference,  # type: ignore[arg-type]  # checked above
        sample=sample,
        series=series or str(uuid.uuid4()),
        md={**(md or {}), **(own_md or {})},
        approach=approach,
        laser=laser,
        temperature_c=None if temperature_c is None else float(temperature_c),
    )


def check_number_of(count: int, name: str) -> None:
    """Raise InputError unless `count` is a whole number of repeats, images or the like."""
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MAXIMUM_REPEATS:
        raise InputError(f"{name} = {count!r}: give a whole number from 1 to {MAXIMUM_REPEATS}.")


def _checked_cell(beamline: Beamline) -> Cell:
    if beamline.cell is None:
        raise ConfigurationError(f"{beamline.configuration.name} has no [cell] in its configuration file.")
    return beamline.cell


def check_before_next_pump(delay_ps: float, beamline: Beamline) -> None:
    """Raise OutOfRangeError if the unpumped probe would come after the next pump, and so be pumped itself."""
    geometry, delay = beamline.configuration.geometry, beamline.delay
    bunches = beamline.configuration.laser.required_divider - geometry.unpumped_probe
    latest = bunches * geometry.bunch_period_ps - MARGIN_SIGMAS * geometry.irf_sigma_ps
    if delay_ps > latest:
        remedy = "Beyond it the unpumped pulse would be pumped: use a later probe of an earlier first delay."
        raise OutOfRangeError(delay.name, delay_ps, delay.low, latest, delay.unit, remedy)


def _check_text(**texts: Any) -> None:
    for name, text in texts.items():
        if not isinstance(text, str):
            raise InputError(f"{name} = {text!r}: give a text.")


def check_metadata(md: Mapping[str, Any] | None) -> None:
    """Refuse metadata that could not be stored, or that would replace what the run says of itself."""
    if md is None:
        return
    if not isinstance(md, Mapping) or not all(isinstance(key, str) for key in md):
        raise InputError(f"md = {md!r}: give a mapping from texts to values.")
    taken = RESERVED.intersection(md)
    if taken:
        raise InputError(f"md may not set {sorted(taken)}: the run does. Choose other names.")
    try:
        json.dumps(md, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"md cannot be stored ({error}). Give texts, finite numbers, lists and mappings.") from error


def start_metadata(request: ScanRequest, beamline: Beamline) -> dict[str, Any]:
    """Everything the reduction needs to read the run from its documents alone."""
    return {
        **request.md,
        **request.fixed,
        "plan_name": request.plan_name,
        "sample": request.sample,
        "modes": list(request.detection.modes),
        "dwell_s": request.dwell_s,
        "repeats": request.repeats,
        "series": request.series,
        "num_points": request.exposures,
        "shutter_reference": request.shutter_reference,
        "approach": request.approach,
        **_edge_metadata(request, beamline),
        **_powder_metadata(request, beamline),
        **calibration_metadata(beamline),
        "versions": {name: version(name) for name in ("trxas", "bluesky", "ophyd", "numpy")},
        "hints": {"dimensions": [[[request.axis], "primary"]]},
    }


def _edge_metadata(request: ScanRequest, beamline: Beamline) -> dict[str, Any]:
    """What makes a spectrum, trace or dependence of the run; images have none of it."""
    edge = request.edge
    if edge is None:
        return {}
    grid = {"axis": request.axis, "points": list(request.points)}
    reducible = {"reduction": reduction_metadata(edge, beamline)} if request.axis in REDUCIBLE_AXES else {}
    return {"edge": edge.name, "absorber": edge.absorber, "grid": grid, **reducible}


def _powder_metadata(request: ScanRequest, beamline: Beamline) -> dict[str, Any]:
    """The powder's temperature: as asked for and held, else as it is now."""
    if request.detection.sample != "cell":
        return {}
    held = request.temperature_c is not None
    now_c = request.temperature_c if held else round(_checked_cell(beamline).position, 2)
    return {"temperature_c": now_c, "temperature_held": held, "laser": request.laser}


def calibration_metadata(beamline: Beamline) -> dict[str, Any]:
    """The beamline, and how its axes and detectors are calibrated now: part of every start document."""
    return {
        "beamline": beamline.configuration.name,
        "time_zero_raw_ps": beamline.delay.time_zero_raw_ps,
        "energy_calibration_offset_ev": beamline.energy.calibration_offset_ev,
        "attenuator": asdict(beamline.fluence.calibration),
        "boxcar_polarity": beamline.configuration.exposure.boxcar_polarity,
    }


def reduction_metadata(edge: EdgePreset, beamline: Beamline) -> dict[str, Any]:
    """Timing, geometry and normalisation intervals, as the reduction reads them from the start document."""
    geometry = beamline.configuration.geometry
    probes = beamline.configuration.laser.required_divider
    return {
        "bunch_period_ps": geometry.bunch_period_ps,
        "probes_per_pump": probes,
        "pumped_probe": geometry.pumped_probe,
        "unpumped_probe": geometry.unpumped_probe,
        "irf_sigma_ps": geometry.irf_sigma_ps,
        "pre_edge_ev": list(edge.pre_edge_ev),
        "edge_integral_ev": list(edge.edge_integral_ev),
        "post_edge_ev": list(edge.post_edge_ev),
        "pump_overlap": pump_overlap(geometry, probes),
    }


def pump_overlap(geometry: GeometrySettings, probes: int) -> list[float]:
    """Laser intensity, relative to a pump's own spot, where the spot of the k-th earlier pump is now.

    A Gaussian laser spot and a jet that moves on with constant speed (paper, SI 2, for both numbers).
    """
    step_um = geometry.jet_speed_m_s * probes * geometry.bunch_period_ps * 1e-6
    return [
        math.exp(-4 * math.log(2) * (earlier * step_um / geometry.laser_fwhm_um) ** 2)
        for earlier in range(EARLIER_PUMPS)
    ]
