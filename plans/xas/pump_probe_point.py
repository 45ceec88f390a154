"""Scans of any axis at one pump-probe point, which reduce to the transient against that axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from devices.beamline import Beamline
from devices.configuration import BeamlineConfiguration
from devices.names import AxisName
from errors import InputError
from plans.edges import EdgePreset, edge_preset, feature_energy
from plans.engine.spec import ScanSpec, no_metadata
from plans.options import PumpProbePointOptions

PROBE_KEYS = ("pumped_probe", "unpumped_probe", "reference_probes", "probes_per_pump")
"""Keys of the start document that `scan_at_point` writes: the probes whose ratio is the transient, and their number."""


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
    probes = _probe_metadata(configuration)
    preset = edge_preset(edge, configuration)
    return ScanSpec(
        edge=preset,
        axis=axis,
        points=points,
        fixed=_pump_probe_point(preset, options),
        metadata=lambda beamline: {**probes, **metadata(beamline)},
        options=options,
    )


def scan_settings(
    configuration: BeamlineConfiguration,
    settings: Sequence[Mapping[str, float]],
    shape: tuple[int, ...],
    *,
    edge: str,
    options: PumpProbePointOptions,
) -> ScanSpec:
    """Return a scan through `settings`, in the units of the axes; `shape` is that of a grid, empty for a list.

    Energy, delay and fluence are fixed by `options` unless they are scanned. Raises InputError if `energy_ev` is given
    although the energy is scanned, or belongs to another edge.
    """
    scanned = settings[0]
    if options.energy_ev is not None and AxisName.ENERGY in scanned:
        raise InputError("The energy is scanned, so energy_ev has no meaning. Leave it out, or scan another axis.")
    preset = edge_preset(edge, configuration)
    probes = _probe_metadata(configuration)
    fixed = {name: value for name, value in _pump_probe_point(preset, options).items() if name not in scanned}
    return ScanSpec(
        edge=preset, settings=settings, shape=shape, fixed=fixed, metadata=lambda _: probes, options=options
    )


def _probe_metadata(configuration: BeamlineConfiguration) -> dict[str, Any]:
    """Return the numbers of the probes whose ratio is the transient, by the keys of the start document."""
    scheme = configuration.scheme
    return {
        "pumped_probe": scheme.pumped_probe,
        "unpumped_probe": scheme.unpumped_probe,
        "reference_probes": list(scheme.reference_probes),
        "probes_per_pump": scheme.probes,
    }


def _pump_probe_point(preset: EdgePreset, options: PumpProbePointOptions) -> dict[str, float]:
    """Return energy (eV), delay (ps) and fluence (mJ/cm2) of the options, the energy by default that of the edge."""
    return {
        AxisName.ENERGY: feature_energy(preset, options.energy_ev),
        AxisName.DELAY: options.delay_ps,
        AxisName.FLUENCE: options.fluence_mj_cm2,
    }
