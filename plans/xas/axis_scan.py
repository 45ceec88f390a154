"""Transient against an axis that the beamline adds in its configuration file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from devices.beamline import Beamline
from devices.configuration import BeamlineConfiguration
from devices.names import AxisName
from errors import InputError
from plans.edges import EDGES, EdgeName, feature_energy
from plans.engine.detection import pump_probe
from plans.engine.spec import ScanSpec
from plans.options import PumpedOptions
from plans.parameters import Arg, DelayPs, Edge, EnergyEv
from plans.registry import Group, scan_plan

AxisOfTable = Annotated[str, Arg("name of the axis, from its table [axes.NAME] in the configuration file")]
Positions = Annotated[Sequence[float], Arg("positions of the axis, ascending, in its unit and within its limits")]


@scan_plan(group=Group.PUMP_PROBE, order=4, detection=pump_probe, own_keys=("pumped_probe", "unpumped_probe"))
def axis_scan(
    configuration: BeamlineConfiguration,
    axis: AxisOfTable,
    positions: Positions,
    *,
    options: PumpedOptions,
    edge: Edge = EdgeName.BR_K,
    energy_ev: EnergyEv | None = None,
    delay_ps: DelayPs = 100.0,
) -> ScanSpec:
    """Scan any configured axis at one energy, delay and fluence; the axis stays at the last position.

    `reduce(-1)` gives the transient, ln(pumped / unpumped), against the axis. Returns the run's uid.
    """
    if axis not in configuration.axes:
        raise InputError(
            f"axis = {axis!r}: give one of {', '.join(sorted(configuration.axes)) or 'none, as none is configured'}. "
            "A table [axes.NAME] in the configuration file adds one; energy, delay and fluence have plans of their own."
        )
    geometry = configuration.geometry

    def metadata(_: Beamline) -> dict[str, int]:
        return {"pumped_probe": geometry.pumped_probe, "unpumped_probe": geometry.unpumped_probe}

    return ScanSpec(
        edge=EDGES[edge],
        axis=axis,
        points=positions,
        fixed={
            AxisName.ENERGY: feature_energy(EDGES[edge], energy_ev),
            AxisName.DELAY: delay_ps,
            AxisName.FLUENCE: options.fluence_mj_cm2,
        },
        metadata=metadata,
        options=options,
    )
