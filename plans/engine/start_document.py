"""The start document of a run, with everything needed to reduce the run from its documents alone.

The fields of the dataclasses below are the keys of the document. `reserved_keys` of the registry derives from them the
keys that users may not set.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import version
from typing import Any

from devices.beamline import Beamline
from devices.configuration import BeamlineConfiguration, GeometrySettings
from devices.jet_absorption import jet_document
from devices.names import AxisName
from devices.pump_scheme import PumpScheme
from errors import NotConnectedError
from plans.choices import Stepping
from plans.edges import EdgePreset
from plans.engine.detector_metadata import detector_metadata
from plans.engine.points import ScanPoints
from plans.engine.request import ScanRequest, checked_cell

EARLIER_PUMPS = 24
"""Number of earlier pumps whose overlap is recorded; the spot of the 24th is 74 um away."""

REDUCIBLE_AXES = (AxisName.ENERGY, AxisName.DELAY, AxisName.FLUENCE)
"""Scans over these give spectra, traces or dependences, and carry what the reduction needs."""

ENGINE_KEYS = frozenset({"uid", "time", "scan_id", "plan_type", "plan_args"})
"""Keys that bluesky's RunEngine writes into every start document."""


DOCUMENT_VERSION = 2
"""Version of the start documents; 1, which they did not state, had equidistant gates and no pump scheme."""


def software_versions() -> dict[str, str]:
    """Return the versions, by name, of the packages that affect the measurement and its documents."""
    return {name: version(name) for name in ("trxas", "bluesky", "ophyd", "numpy")}


@dataclass(frozen=True, kw_only=True)
class BeamlineCalibrations:
    """The beamline, and how its axes and detectors are calibrated when the run begins."""

    beamline: str
    time_zero_raw_ps: float
    energy_calibration_offset_ev: float
    energy_calibration_error_ev: float
    instrument_response: dict[str, Any]
    bunch_period: dict[str, Any]
    attenuator: dict[str, Any]
    probed_fluence_share: float
    laser_power_w_per_mj_cm2: float
    laser_power_error: float
    laser_overlap: float
    boxcar_polarity: int
    gate_calibration: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class StartDocument:
    """Keys of a scan besides its axes, its calibrations and the keys of its plan; None leaves a key out.

    Images have neither edge, grid nor reduction; a temperature and a laser state belong to the powder cell.
    `mono_d_spacing_angstrom` is the lattice spacing of the monochromator's crystals, None if it is not configured.
    `held_axes` are the axes of tables `[axes.NAME]` that a plan holds, in their units: a resumed run moves them back.
    `until` is the result that may end the run before all repeats. `stepping` is "hardware" for a run whose exposures
    are the frames of a sequence, which the sequencer has marked with `sequence_token`, and counted in slices of
    `slice_s` seconds; "fly" for one of sweeps, with their bins and speed in `fly`. `jet` is how a flat jet weakens the
    fluorescence of the sample, if its geometry is configured, `foil_in_beam` the element of the foil behind the sample,
    "" for none.
    """

    plan_name: str
    sample: str
    modes: list[str]
    dwell_s: float
    repeats: int
    series: str
    num_points: int
    order: str
    shutter_reference: str
    approach: str
    hints: dict[str, Any]
    versions: dict[str, str] = field(default_factory=software_versions)
    document_version: int = DOCUMENT_VERSION
    pump_scheme: dict[str, Any] | None = None
    detectors: dict[str, Any] | None = None
    edge: str | None = None
    absorber: str | None = None
    jet: dict[str, float] | None = None
    foil_in_beam: str | None = None
    grid: dict[str, Any] | None = None
    reduction: dict[str, Any] | None = None
    temperature_c: float | None = None
    temperature_held: bool | None = None
    laser: str | None = None
    held_axes: dict[str, float] | None = None
    until: dict[str, Any] | None = None
    mono_d_spacing_angstrom: float | None = None
    stepping: str | None = None
    sequence_token: int | None = None
    slice_s: float | None = None
    fly: dict[str, float] | None = None


def own_keys() -> frozenset[str]:
    """Return every key that trxas or bluesky may write into the start document of any scan; plans add their own."""
    written = {one.name for kind in (StartDocument, BeamlineCalibrations) for one in fields(kind)}
    return ENGINE_KEYS | written | {str(axis) for axis in AxisName}


def start_metadata(request: ScanRequest, beamline: Beamline) -> dict[str, Any]:
    """Return the start document of a scan: keys of user and plan, and everything that the reduction needs."""
    # Later keys win: nothing that a user gave can hide what is measured.
    document = StartDocument(
        plan_name=request.plan_name,
        sample=request.sample,
        modes=[str(mode) for mode in request.detection.modes],
        dwell_s=request.dwell_s,
        repeats=request.repeats,
        series=request.series,
        num_points=request.exposures,
        order=str(request.order),
        shutter_reference=str(request.shutter_reference),
        approach=str(request.approach),
        hints={"dimensions": _dimensions(request.points)},
        until=None if request.until is None else request.until.document(),
        mono_d_spacing_angstrom=beamline.configuration.energy.d_spacing_angstrom or None,
        **_grid_keys(request),
        **_held_keys(request),
        **_edge_keys(request, beamline),
        **_powder_keys(request, beamline),
        **_sequence_keys(request),
    )
    return {
        **request.md,
        **{str(name): value for name, value in request.fixed.items()},
        **{key: value for key, value in _shallow(document).items() if value is not None},
        **calibration_metadata(beamline),
    }


def _shallow(document: StartDocument) -> dict[str, Any]:
    return {one.name: getattr(document, one.name) for one in fields(document)}


def _dimensions(points: ScanPoints) -> list[list[Any]]:
    """Return the dimensions of the run for stock displays: one per axis of a grid, one for any other list of points."""
    axes = [[axis] for axis in points.axes] if points.shape else [list(points.axes)]
    return [[dimension, "primary"] for dimension in axes]


def _grid_keys(request: ScanRequest) -> dict[str, Any]:
    """Return the points of the scan, in the units of its axes, and their dwell, s, where it grows; none for images."""
    if request.edge is None and not request.detection.records_grid:
        return {}
    grid = request.points.document()
    if request.dwell_factors:
        grid["dwell_s"] = [request.dwell_of(index) for index in range(len(request.points))]
    return {"grid": grid}


def _held_keys(request: ScanRequest) -> dict[str, Any]:
    """Return the further axes that the run holds, in their units. Those of every beamline have keys of their own."""
    held = {str(name): value for name, value in request.fixed.items() if name not in list(AxisName)}
    return {"held_axes": held} if held else {}


def _sequence_keys(request: ScanRequest) -> dict[str, Any]:
    """Return what steps the scan, unless it is the plan, and the number by which the sequencer marks its frames."""
    if request.stepping is Stepping.SOFTWARE:
        return {}
    found = {"stepping": str(request.stepping), "sequence_token": request.token, "slice_s": request.slice_s}
    return found if request.sweeps is None else {**found, "fly": request.sweeps.document()}


def _edge_keys(request: ScanRequest, beamline: Beamline) -> dict[str, Any]:
    """Return the keys by which the run reduces to a spectrum, trace or dependence; none for images."""
    edge = request.edge
    if edge is None:
        return {}
    is_reducible = not {*REDUCIBLE_AXES}.isdisjoint(request.points.axes)
    reducible = {"reduction": reduction_metadata(edge, beamline)} if is_reducible else {}
    if request.detection.sample == "cell":
        scheme: dict[str, Any] = {}
    else:
        scheme = {
            "pump_scheme": scheme_metadata(beamline.configuration),
            "detectors": detector_metadata(beamline, request.detection.reader),
        }
        if beamline.configuration.jet is not None:
            scheme["jet"] = jet_document(beamline.configuration.jet, str(edge.name))
        if (element := _foil_element(beamline)) is not None:
            scheme["foil_in_beam"] = element
    return {"edge": str(edge.name), "absorber": edge.absorber, **scheme, **reducible}


def _foil_element(beamline: Beamline) -> str | None:
    """Return the element of the foil behind the sample, "" for none; None if it is not known."""
    # The diode behind a foil of the sample's own element shows the foil, and not what the sample absorbs.
    if beamline.foil_wheel is None:
        return None
    try:
        return beamline.foil_wheel.position
    except NotConnectedError:
        return None


def _powder_keys(request: ScanRequest, beamline: Beamline) -> dict[str, Any]:
    """Return the temperature of the powder, C: the requested one if it is held, otherwise the current one."""
    if request.detection.sample != "cell":
        return {}
    # A run that resumes this one has to know whether to hold a temperature or to leave the cell alone.
    held = request.temperature_c is not None
    now_c = request.temperature_c if held else round(checked_cell(beamline).position, 2)
    return {"temperature_c": now_c, "temperature_held": held, "laser": str(request.laser)}


def calibration_metadata(beamline: Beamline) -> dict[str, Any]:
    """Return the name of the beamline and its calibrations (ps, eV, mJ/cm2), which are in every start document.

    An endstation without X-rays has none of them.
    """
    if not beamline.energy.is_there:
        return {"beamline": beamline.configuration.name}
    return asdict(
        BeamlineCalibrations(
            beamline=beamline.configuration.name,
            time_zero_raw_ps=beamline.delay.time_zero_raw_ps,
            energy_calibration_offset_ev=beamline.energy.calibration_offset_ev,
            energy_calibration_error_ev=beamline.energy.calibration_error_ev,
            instrument_response=asdict(beamline.delay.response),
            bunch_period=asdict(beamline.ring.current_period()),
            attenuator=asdict(beamline.fluence.calibration),
            probed_fluence_share=beamline.fluence.probed_share,
            laser_power_w_per_mj_cm2=_power_per_fluence(beamline),
            laser_power_error=beamline.configuration.quality.laser_power_error,
            laser_overlap=laser_overlap(beamline.configuration.geometry),
            boxcar_polarity=beamline.configuration.exposure.boxcar_polarity,
            gate_calibration=beamline.gates.calibration,
        )
    )


def _power_per_fluence(beamline: Beamline) -> float:
    """Return the laser power that makes a fluence of 1 mJ/cm2, W; 0 where the fluence is set by hand."""
    # A fluence over the area of the spot is the energy of a pulse, in mJ; times the pulses per second it is a power.
    power_w = 1e-3 * beamline.fluence.spot_area_cm2 * beamline.configuration.scheme.pumps_per_s
    return power_w if math.isfinite(power_w) else 0.0


def reduction_metadata(edge: EdgePreset, beamline: Beamline) -> dict[str, Any]:
    """Return timing (ps), overlap of the pumps, normalisation intervals and main feature (eV) for the reduction."""
    return {
        **timing_metadata(
            beamline.ring.current_scheme(), beamline.configuration.geometry, beamline.delay.response.sigma_ps
        ),
        "photodiodes": beamline.configuration.exposure.apds,
        "dead_time_share": beamline.configuration.exposure.spc_dead_share,
        "pre_edge_ev": list(edge.pre_edge_ev),
        "edge_integral_ev": list(edge.edge_integral_ev),
        "post_edge_ev": list(edge.post_edge_ev),
        "main_feature_ev": edge.main_feature_ev,
    }


def timing_metadata(scheme: PumpScheme, geometry: GeometrySettings, irf_sigma_ps: float) -> dict[str, Any]:
    """Return gates and pumps (ps), the instrument response `irf_sigma_ps` and the overlap of the pumps."""
    return {
        "bunch_period_ps": scheme.bunch_period_ps,
        "probes_per_pump": scheme.probes,
        "pumped_probe": scheme.pumped_probe,
        "unpumped_probe": scheme.unpumped_probe,
        "reference_probes": list(scheme.reference_probes),
        "gate_delays_ps": list(scheme.gate_delays_ps),
        "pump_period_ps": scheme.pump_period_ps,
        "irf_sigma_ps": irf_sigma_ps,
        "time_zero_drift_ps": geometry.time_zero_drift_ps,
        "pump_overlap": pump_overlap(geometry, scheme.pump_period_ps),
    }


def scheme_metadata(configuration: BeamlineConfiguration) -> dict[str, Any]:
    """Return name and fill pattern of the pump scheme, as configured; times in ps."""
    return {"name": configuration.scheme.name, **configuration.scheme.pattern}


def laser_overlap(geometry: GeometrySettings) -> float:
    """Return the mean fluence at the X-rays, relative to that at the centre of the laser spot, above 0 to 1.

    Assumes a Gaussian laser spot, equally wide in both directions, and a pointing that is normally distributed.
    """
    # The mean of exp(-4 ln 2 r^2 / w^2) over the normal distributions of both directions.
    return 1.0 / (1.0 + 8.0 * math.log(2.0) * (geometry.pointing_jitter_um / geometry.laser_fwhm_um) ** 2)


def pump_overlap(geometry: GeometrySettings, pump_period_ps: float) -> list[float]:
    """Return the laser intensity of the k-th earlier pump at the current spot, relative to the pump's own, (24,).

    Assumes a Gaussian laser spot and a jet of constant speed (paper, SI 2, for both numbers).
    """
    # The jet moves by one step per pump period, so the spot that is probed now was k steps away from the laser at the
    # k-th earlier pump. There the Gaussian profile is exp(-4 ln 2 (k step / FWHM)^2) of its maximum.
    step_um = geometry.jet_speed_m_s * pump_period_ps * 1e-6
    return [
        math.exp(-4 * math.log(2) * (earlier * step_um / geometry.laser_fwhm_um) ** 2)
        for earlier in range(EARLIER_PUMPS)
    ]
