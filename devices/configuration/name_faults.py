"""Faults of the names that a file gives to its own axes and devices."""

from __future__ import annotations

import re
from collections.abc import Iterable

from devices.configuration.beamline_configuration import TABLES
from devices.configuration.fields import Fault
from devices.names import AxisName

AXIS_NAME = re.compile(r"[a-z][a-z0-9_]*")

EVENT_FIELDS = frozenset(
    {"scan_index", "point_index", "laser_shutter", "spc_counts", "spc_pulses", "boxcar_mean", "boxcar_variance",
     "boxcar_covariance", "i0",
     "foil", "exposure_s", "exposure_id", "ring_current_ma", "jet_flow_ml_min", "temperature_c", "laser_power_w",
     "quality", "marks"}
)  # fmt: skip
"""Fields that events have already, whose names an axis must not take."""


FIXED_DEVICES = frozenset(
    {"laser", "exposure", "point", "surroundings", "waveplate", "power_meter", "xray_shutter", "cell", "sample_stage",
     "pilatus", "foil_wheel", "ring", "sequencer", "fly_scans", "safety", "holder", "powder"}
)  # fmt: skip
"""Names of devices at the prompt, which a detector must not take."""


def device_name_faults(devices: Iterable[str], axes: Iterable[str]) -> Iterable[Fault]:
    """Yield a fault for every further device whose name is not an identifier, or is used for something else."""
    yield from axis_name_faults(devices, kind="devices", others=axes)


def axis_name_faults(names: Iterable[str], kind: str = "axes", others: Iterable[str] = ()) -> Iterable[Fault]:
    """Yield a fault for every further axis whose name is not an identifier, or is that of a device or a field.

    `kind` is the table that the names are in; `others` are further names that are taken.
    """
    taken = {*EVENT_FIELDS, *TABLES, *AxisName, *(name.name.lower() for name in AxisName), *others}
    for name in names:
        if not AXIS_NAME.fullmatch(name):
            yield Fault(
                table=f"{kind}.{name}",
                key="",
                message="is not a name. Use lower-case letters, digits and _, and begin with a letter.",
            )
        elif name in taken:
            yield Fault(
                table=f"{kind}.{name}", key="", message="is already the name of a device or a field. Choose another."
            )
