"""The plan of the technique: the analyser scanned at one energy of the X-rays, without pump."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from devices.names import AxisName, ShutterState
from magnet_and_emission.counter import EmissionCounter
from plans.argument import Arg
from plans.engine.detection import technique
from plans.engine.spec import ScanSpec
from plans.options import ScanOptions
from plans.parameters import EnergyEv
from plans.registry import scan_plan

AnalyserEv = Annotated[Sequence[float], Arg("energies of the analyser", unit="eV")]
FieldT = Annotated[float, Arg("field of the magnet; None leaves it as it is", unit="T", low=-5.0, high=5.0)]

PEAK_PER_S = 2000.0
"""Photons/s at the top of the line with the usual beam, for the forecast."""

K_BETA_EV = tuple(float(energy_ev) for energy_ev in range(7030, 7081, 2))
"""Analyser energies over the K beta lines of iron."""


@scan_plan(group="X-ray emission", order=1, detection=technique(EmissionCounter, mode="emission"), own_keys=("laser",))
def emission_scan(
    analyser_ev: AnalyserEv = K_BETA_EV,
    *,
    options: ScanOptions,
    energy_ev: EnergyEv = 7200.0,
    field_t: FieldT | None = None,
) -> ScanSpec:
    """Scan the analyser over an emission line with the laser blocked.

    The monochromator stays at `energy_ev`, which must lie above the edge. Returns the run's uid.
    """
    field = {} if field_t is None else {"field_t": field_t}
    return ScanSpec(
        axis="analyser_ev",
        points=analyser_ev,
        fixed={AxisName.ENERGY: energy_ev, **field},
        laser=ShutterState.CLOSED,
        metadata=lambda _: {"laser": str(ShutterState.CLOSED)},
        expects=f"The peak has {PEAK_PER_S * options.dwell_s * options.passes:.0f} photons.",
        options=options,
    )
