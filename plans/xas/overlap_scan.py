"""Spatial overlap: the transient against the laser pointing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp

from devices.beamline import Beamline
from devices.configuration import BeamlineConfiguration
from devices.names import AxisName
from plans.argument import Arg
from plans.choices import Direction
from plans.edges import BR_K
from plans.engine.detection import pump_probe
from plans.engine.spec import ScanSpec
from plans.options import PumpProbePointOptions
from plans.parameters import Edge, PositionsUm
from plans.registry import Group, scan_plan
from plans.types import AnyPlan, RunPlan
from plans.xas.pump_probe_point import PROBE_KEYS, scan_at_point

POSITIONS_UM = tuple(float(position) for position in range(-80, 81, 10))
"""Default positions, um: both sides of a spot of 45 x 50 um, in steps of a fifth of it."""

AXES = {Direction.HORIZONTAL: AxisName.POINTING_HORIZONTAL, Direction.VERTICAL: AxisName.POINTING_VERTICAL}
"""Mirror that moves the laser in each direction."""

MirrorDirection = Annotated[Direction, Arg("direction in which the laser moves; the other mirror stays")]

HOME = "home_um"
"""Key of the start document: position of the mirror before the run, um."""


def returning_home(beamline: Beamline, md: Mapping[str, Any], run: RunPlan) -> RunPlan:
    """Run the scan, then move the mirror back to its earlier position, um, however the run ends."""
    # The earlier position comes from the start document, not from the mirror: a resumed run returns to where the first
    # run began, although it starts where that was interrupted.
    mirror = beamline.axes[AXES[Direction(md["direction"])]]

    def go_home() -> AnyPlan:
        yield from bps.abs_set(mirror, md[HOME], wait=True)

    return str((yield from bpp.finalize_wrapper(run, go_home)))


@scan_plan(
    group=Group.ALIGNMENT,
    order=5,
    detection=pump_probe,
    around=returning_home,
    own_keys=("direction", HOME, *PROBE_KEYS),
)
def overlap_scan(
    configuration: BeamlineConfiguration,
    direction: MirrorDirection,
    edge: Edge = BR_K.name,
    *,
    options: PumpProbePointOptions,
    positions_um: PositionsUm = POSITIONS_UM,
) -> ScanSpec:
    """Scan the laser over the X-ray spot in one direction; the mirror returns to where it was.

    Keep the fluence below the saturation at 10 mJ/cm2, which would flatten the top. `reduce(-1)` gives the centre, and
    `RE(bps.mv(pointing_horizontal, centre))` goes there. Returns the run's uid.
    """
    axis = AXES[direction]

    def metadata(beamline: Beamline) -> dict[str, Any]:
        return {"direction": str(direction), HOME: beamline.axes[axis].position}

    return scan_at_point(configuration, axis, positions_um, edge=edge, options=options, metadata=metadata)
