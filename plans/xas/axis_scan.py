"""Transient against an axis that the beamline adds in its configuration file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from devices.configuration import BeamlineConfiguration
from errors import InputError
from plans.argument import Arg
from plans.edges import BR_K
from plans.engine.detection import pump_probe
from plans.engine.spec import ScanSpec
from plans.options import PumpProbePointOptions
from plans.parameters import Edge
from plans.registry import Group, scan_plan
from plans.xas.pump_probe_point import PROBE_KEYS, scan_at_point

AxisOfTable = Annotated[
    str,
    Arg(
        "name of the axis, from its table [axes.NAME] in the configuration file",
        suggestions=lambda configuration: tuple(configuration.axes),
    ),
]
Positions = Annotated[Sequence[float], Arg("positions of the axis, ascending, in its unit and within its limits")]


@scan_plan(group=Group.PUMP_PROBE, order=4, detection=pump_probe, own_keys=PROBE_KEYS)
def axis_scan(
    configuration: BeamlineConfiguration,
    axis: AxisOfTable,
    positions: Positions,
    *,
    options: PumpProbePointOptions,
    edge: Edge = BR_K.name,
) -> ScanSpec:
    """Scan any configured axis at one energy, delay and fluence; the axis stays at the last position.

    `reduce(-1)` gives the transient, ln(pumped / unpumped), against the axis. Returns the run's uid.
    """
    if axis not in configuration.axes:
        raise InputError(
            f"axis = {axis!r}: give one of {', '.join(sorted(configuration.axes)) or 'none, as none is configured'}. "
            "A table [axes.NAME] in the configuration file adds one; energy, delay and fluence have plans of their own."
        )
    return scan_at_point(configuration, axis, positions, edge=edge, options=options)
