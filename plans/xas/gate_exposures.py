"""Exposures that calibrate the gates: without X-rays for their zeros, without laser for their gains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import bluesky.plan_stubs as bps

from devices.beamline import Beamline
from devices.configuration import BeamlineConfiguration
from devices.names import AxisName, ShutterState
from plans.choices import ShutterReference
from plans.edges import BR_K, edge_preset, feature_energy
from plans.engine.detection import pump_probe, xrays_off
from plans.engine.spec import ScanSpec
from plans.options import ReferencedOptions, ScanOptions
from plans.parameters import DelaysPs, DwellS, Edge, EnergyEv, FluenceMjCm2, Repeats
from plans.registry import Group, scan_plan
from plans.types import RunPlan


@dataclass(frozen=True, kw_only=True)
class GateOptions(ScanOptions):
    """Options of exposures that calibrate the gates: 10 minutes by default, which give gains to 2e-4 (counting).

    The boxcar's zeros are then known to 2 uV, and its gains to 5e-4.
    """

    dwell_s: DwellS = 60.0
    repeats: Repeats = 10


def without_xrays(beamline: Beamline, _md: Mapping[str, Any], run: RunPlan) -> RunPlan:
    """Close the X-ray shutter, run, and open it again if it was open; raises FailedStatus if it does not move.

    After a failure it stays closed, as after every scan that fails.
    """
    was_open = beamline.xray_shutter.position == ShutterState.OPEN
    yield from bps.abs_set(beamline.xray_shutter, str(ShutterState.CLOSED), wait=True)
    uid = yield from run
    if was_open:
        yield from bps.abs_set(beamline.xray_shutter, str(ShutterState.OPEN), wait=True)
    return uid


@scan_plan(group=Group.ALIGNMENT, order=1, detection=xrays_off, around=without_xrays)
def dark_exposures(
    configuration: BeamlineConfiguration,
    edge: Edge = BR_K.name,
    *,
    options: GateOptions,
    delays_ps: DelaysPs = (100.0,),
    fluence_mj_cm2: FluenceMjCm2 = 8.83,
) -> ScanSpec:
    """Measure the zeros of all gates without X-rays, with the laser on the sample and without it.

    The X-ray shutter is closed meanwhile, and opened again at the end if it was open. The difference between both
    states of the laser is the laser's light in the gates, at each delay: give the delays of the scans that you plan. In
    a session the zeros are in use from then on, with their errors, and in every later start document as
    `gate_calibration`; they are saved with the calibrations. `edge` only labels the run. Returns the run's uid.
    """
    plain = {one.name: getattr(options, one.name) for one in fields(ScanOptions)}
    return ScanSpec(
        edge=edge_preset(edge, configuration),
        axis=AxisName.DELAY,
        points=delays_ps,
        fixed={AxisName.FLUENCE: fluence_mj_cm2},
        options=ReferencedOptions(**plain, shutter_reference=ShutterReference.POINT),
    )


@scan_plan(group=Group.ALIGNMENT, order=10, detection=pump_probe, own_keys=("laser",))
def blocked_exposures(
    configuration: BeamlineConfiguration,
    edge: Edge = BR_K.name,
    *,
    options: GateOptions,
    energy_ev: EnergyEv | None = None,
) -> ScanSpec:
    """Measure the gains of all gates with X-rays and the laser blocked, where every gate sees the same sample.

    Measure `dark_exposures` first: gains need zeros. In a session the gains are in use from then on, with their
    errors, as the zeros are. By default at the main feature of the edge. Returns the run's uid.
    """
    preset = edge_preset(edge, configuration)
    return ScanSpec(
        edge=preset,
        axis=AxisName.ENERGY,
        points=[feature_energy(preset, energy_ev)],
        laser=ShutterState.CLOSED,
        metadata=lambda _: {"laser": str(ShutterState.CLOSED)},
        options=options,
    )
