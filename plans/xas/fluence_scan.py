"""Transient at one energy and delay against the pump fluence."""

from __future__ import annotations

from devices.configuration import BeamlineConfiguration
from devices.names import AxisName
from plans.edges import edge_preset, feature_energy
from plans.engine.detection import pump_probe
from plans.engine.spec import ScanSpec
from plans.options import ReferencedOptions
from plans.parameters import DelayPs, Edge, EnergyEv, FluencesMjCm2
from plans.registry import Group, scan_plan

FLUENCES_MJ_CM2 = (0.5, *(float(fluence) for fluence in range(1, 13)), 12.4)
"""Default fluences: the paper's range (SI 3) in equal steps, a line and the knee above 10 mJ/cm2."""


@scan_plan(group=Group.PUMP_PROBE, order=3, detection=pump_probe)
def fluence_scan(
    configuration: BeamlineConfiguration,
    edge: Edge,
    *,
    options: ReferencedOptions,
    fluences_mj_cm2: FluencesMjCm2 = FLUENCES_MJ_CM2,
    energy_ev: EnergyEv | None = None,
    delay_ps: DelayPs = 100.0,
) -> ScanSpec:
    """Scan the pump fluence at one energy of an edge and one delay.

    A fluence above the maximum of the laser, by the calibration of its attenuator, is refused. Returns the run's uid.
    """
    preset = edge_preset(edge, configuration)
    return ScanSpec(
        edge=preset,
        axis=AxisName.FLUENCE,
        points=fluences_mj_cm2,
        fixed={AxisName.ENERGY: feature_energy(preset, energy_ev), AxisName.DELAY: delay_ps},
        options=options,
    )
