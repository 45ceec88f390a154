"""The state of the beamline during an exposure: what devices, faults and drifts act on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, kw_only=True)
class BeamlineState:
    """The state of the beamline during one exposure; `delay_ps` is the true delay of probe 0.

    `laser_horizontal_um` and `laser_vertical_um`: centre of the laser spot relative to the X-ray spot.
    Relative to nominal, 1.0 when healthy: `current` stored in the ring, `flux` of the optics, `glitch` the share of it
    that the crystal passes at this energy, `chamber` the counts that the ion chamber shows, `jet_density` the sample in
    the jet, `jet_flow` the flow that the meter shows, `gates_open` the opened gates. `stray_photons`: per pulse and
    photodiode, 0 when healthy. `injecting`: whether the ring is being filled. `foil`: element of the calibration foil
    behind the sample, "" for none.

    Of the pumped gate, in addition to its hardware: `gate_gain`, relative, in both chains, and `gate_zero_v` of the
    boxcar, V. `laser_light`: further photons per pulse, all photodiodes, that the laser adds at time zero.
    `damage`: share of the sample that is damaged, in addition to what its dose has done. `chamber_offset`: counts per
    second of both ion chambers without beam, in addition to the usual ones.
    """

    energy_ev: float = 13472.0
    delay_ps: float = 100.0
    fluence_mj_cm2: float = 8.83
    laser_shutter_open: bool = True
    laser_locked: bool = True
    xray_shutter_open: bool = True
    jet_running: bool = True
    rate_divider: int = 5
    laser_horizontal_um: float = 0.0
    laser_vertical_um: float = 0.0
    current: float = 1.0
    flux: float = 1.0
    glitch: float = 1.0
    chamber: float = 1.0
    jet_density: float = 1.0
    jet_flow: float = 1.0
    gates_open: float = 1.0
    stray_photons: float = 0.0
    injecting: bool = False
    foil: str = "Pb"
    gate_gain: float = 1.0
    gate_zero_v: float = 0.0
    laser_light: float = 0.0
    damage: float = 0.0
    chamber_offset: float = 0.0

    @property
    def beam(self) -> float:
        """X-ray flux on the sample, as a fraction of that of an undisturbed ring; 0 with the shutter closed."""
        return self.open_beam * self.glitch

    @property
    def open_beam(self) -> float:
        """X-ray flux as in `beam`, but without the glitch of the crystal: what its harmonics follow."""
        return self.current * self.flux if self.xray_shutter_open else 0.0


Stretch: TypeAlias = tuple[BeamlineState, float]
"""A state and its duration, seconds of beam."""
