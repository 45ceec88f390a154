"""A map over two axes, first of all energy x delay: every spectrum at every delay in one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from devices.configuration import BeamlineConfiguration
from devices.names import AxisName
from errors import InputError
from plans.argument import Arg
from plans.choices import DelayStepping, Stepping
from plans.edges import check_belongs, edge_preset
from plans.engine.detection import pump_probe
from plans.engine.spec import ScanSpec
from plans.options import PumpProbePointOptions
from plans.parameters import Edge, SliceS, SteppedBy
from plans.registry import Group, scan_plan
from plans.xas.pump_probe_point import PROBE_KEYS, scan_settings
from plans.xas.scanned_axes import axis_names, grid_settings

SlowAxis = Annotated[str, Arg("axis that moves once per row, by its event field", suggestions=axis_names)]
FastAxis = Annotated[str, Arg("axis that moves at every point, by its event field", suggestions=axis_names)]
SlowPoints = Annotated[Sequence[float], Arg("positions of the slow axis, ascending, in its unit and within its limits")]
FastPoints = Annotated[Sequence[float], Arg("positions of the fast axis, ascending, in its unit and within its limits")]


@dataclass(frozen=True, kw_only=True)
class GridScanOptions(PumpProbePointOptions):
    """Options of a map besides its axes."""

    stepping: SteppedBy = DelayStepping.SOFTWARE
    slice_s: SliceS | None = None


@scan_plan(group=Group.PUMP_PROBE, order=5, detection=pump_probe, own_keys=PROBE_KEYS)
def grid_scan(
    configuration: BeamlineConfiguration,
    edge: Edge,
    slow_points: SlowPoints,
    fast_points: FastPoints,
    *,
    options: GridScanOptions,
    slow: SlowAxis = AxisName.ENERGY.value,
    fast: FastAxis = AxisName.DELAY.value,
) -> ScanSpec:
    """Map the transient over two axes, by default the energy (eV) and the delay (ps).

    The fast axis goes back and forth from row to row. Energy, delay and fluence stay as given by the options unless
    they are scanned. With `stepping="hardware"` a sequencer steps a fast delay, row by row. `reduce(-1)` fits an energy
    x delay map as a whole: lifetimes, and the spectrum of each. Returns the run's uid.
    """
    if options.stepping == DelayStepping.HARDWARE and fast != AxisName.DELAY:
        raise InputError(
            f'stepping="hardware" with fast = {fast!r}: the sequencer steps the delay only. Give fast="delay_ps", or '
            'use stepping="software".'
        )
    settings, shape = grid_settings((slow, slow_points), (fast, fast_points), configuration)
    check_belongs(
        edge_preset(edge, configuration), [one[AxisName.ENERGY] for one in settings if AxisName.ENERGY in one]
    )
    spec = scan_settings(configuration, settings, shape, edge=edge, options=options)
    return replace(spec, stepping=Stepping(options.stepping), slice_s=options.slice_s)
