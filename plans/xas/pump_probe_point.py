"""Scans of any axis at one pump-probe point, which reduce to the transient against that axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from devices.beamline import Beamline
from devices.configuration import BeamlineConfiguration
from devices.names import AxisName
from plans.edges import edge_preset, feature_energy
from plans.engine.spec import ScanSpec, no_metadata
from plans.options import PumpProbePointOptions

PROBE_KEYS = ("pumped_probe", "unpumped_probe")
"""Keys of the start document that `scan_at_point` writes: the probes whose ratio is the transient."""


def scan_at_point(
    configuration: BeamlineConfiguration,
    axis: str,
    points: Sequence[float],
    *,
    edge: str,
    options: PumpProbePointOptions,
    metadata: Callable[[Beamline], Mapping[str, Any]] = no_metadata,
) -> ScanSpec:
    """Return a scan of `axis` over `points`, in the axis' unit, with energy, delay and fluence fixed by `options`.

    `metadata` gives further keys of the start document. Raises InputError if the energy belongs to another edge.
    """
    geometry = configuration.geometry
    preset = edge_preset(edge, configuration)
    probes = {"pumped_probe": geometry.pumped_probe, "unpumped_probe": geometry.unpumped_probe}
    return ScanSpec(
        edge=preset,
        axis=axis,
        points=points,
        fixed={
            AxisName.ENERGY: feature_energy(preset, options.energy_ev),
            AxisName.DELAY: options.delay_ps,
            AxisName.FLUENCE: options.fluence_mj_cm2,
        },
        metadata=lambda beamline: {**probes, **metadata(beamline)},
        options=options,
    )
