"""The transient at a list of settings, in which any axes change together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated

from devices.configuration import BeamlineConfiguration
from plans.argument import Arg
from plans.choices import PointOrder
from plans.edges import BR_K
from plans.engine.detection import pump_probe
from plans.engine.spec import ScanSpec
from plans.options import PumpProbePointOptions
from plans.parameters import Edge
from plans.registry import Group, scan_plan
from plans.xas.pump_probe_point import PROBE_KEYS, scan_settings
from plans.xas.scanned_axes import checked_settings

Settings = Annotated[
    Sequence[Mapping[str, float]],
    Arg("settings in the order in which they are measured, each a mapping from event fields of axes to values"),
]


@scan_plan(group=Group.PUMP_PROBE, order=6, detection=pump_probe, own_keys=PROBE_KEYS)
def settings_scan(
    configuration: BeamlineConfiguration,
    settings: Settings,
    *,
    options: PumpProbePointOptions,
    edge: Edge = BR_K.name,
) -> ScanSpec:
    """Measure the transient at a list of settings of any axes, in the order given.

    All settings have the same axes. Energy, delay and fluence stay as given by the options unless the settings change
    them. `reduce(-1)` gives the transient, ln(pumped / unpumped), at every setting. Returns the run's uid.
    """
    options = replace(options, order=PointOrder.UP if options.order is None else options.order)
    return scan_settings(configuration, checked_settings(settings, configuration), (), edge=edge, options=options)
