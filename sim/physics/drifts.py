"""Slow drifts of the experiment: time zero, photon energy, power and pointing of the laser."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sim.physics.constants import DIAMOND_111_D_ANGSTROM, HC_EV_ANGSTROM
from sim.physics.effects import EffectSizes
from sim.physics.fluctuations import Fluctuation

if TYPE_CHECKING:
    from sim.physics.beamline_state import BeamlineState

HUTCH_C = 22.0
HUTCH_SWING_C = 0.25
"""Mean temperature of the hutch, C, and the amplitude of its daily swing (chosen: a hutch with air conditioning)."""

DAY_S = 24 * 3600.0

TIME_ZERO_PS_PER_C = 4.0
"""Change of time zero with the temperature, ps/C: 100 m of cable or fibre at 10 ppm/C of their 400 ns."""

ANGLE_SWING_URAD = 0.5
ANGLE_PERIOD_S = 12 * 3600.0
"""Swing of the Bragg angle, urad, and its period (chosen): 0.03 eV at 13.4 keV.

Without feedback, the vertical angle of a beam behind a double-crystal monochromator is stable to 0.72 urad (standard
deviation, long-term; SSRF, J. Synchrotron Rad. 32 (2025), paper ye5050).
"""

LASER_POWER_SIGMA = 5e-3
LASER_POWER_TAU_S = 600.0
"""Relative fluctuation of the laser's power, and its correlation time (chosen: turns of the air conditioning).

A picosecond Nd:YVO4 amplifier is stable to 0.2 % over 15 h (Bai et al., Front. Phys. 10, 876222 (2022)); the power of
its third harmonic goes with the cube, 0.6 %.
"""

POINTING_SIGMA_UM = 1.0
POINTING_TAU_S = 60.0
"""Fluctuation of the laser spot on the sample in each direction, um, and its correlation time (chosen): 2 % of the
spot. The position of the lasers at the PAL-XFEL is stable to below 3 % of the spot, standard deviation (J. Synchrotron
Rad. 26 (2019), paper yi5071)."""


@dataclass(frozen=True, kw_only=True)
class Drift:
    """Means over one exposure: time zero in ps, Bragg angle in urad, relative laser power, laser spot in um."""

    time_zero_ps: float = 0.0
    angle_urad: float = 0.0
    power: float = 1.0
    horizontal_um: float = 0.0
    vertical_um: float = 0.0

    def applied(self, state: BeamlineState) -> BeamlineState:
        """Return the true state, in the units of the state, of a beamline that is set to `state`."""
        if self == NO_DRIFT:
            return state
        return replace(
            state,
            delay_ps=state.delay_ps - self.time_zero_ps,
            energy_ev=state.energy_ev + self.angle_urad * _dispersion(state.energy_ev),
            fluence_mj_cm2=state.fluence_mj_cm2 * self.power,
            laser_horizontal_um=state.laser_horizontal_um + self.horizontal_um,
            laser_vertical_um=state.laser_vertical_um + self.vertical_um,
        )


NO_DRIFT = Drift()
"""A beamline that is where it was set."""

DRIFTING = ("time_zero", "energy_drift", "laser_power", "pointing")
"""Effects of this module."""


class Drifts:
    """All drifts of one beamline; every random one has one of the three generators in `rngs`."""

    def __init__(self, rngs: Sequence[np.random.Generator]) -> None:
        self._power = Fluctuation(LASER_POWER_SIGMA, LASER_POWER_TAU_S, rngs[0])
        self._horizontal = Fluctuation(POINTING_SIGMA_UM, POINTING_TAU_S, rngs[1])
        self._vertical = Fluctuation(POINTING_SIGMA_UM, POINTING_TAU_S, rngs[2])

    @property
    def fluctuations(self) -> tuple[Fluctuation, ...]:
        """The random drifts: power, pointing in both directions."""
        return self._power, self._horizontal, self._vertical

    def over(self, start_s: float, duration_s: float, sizes: EffectSizes) -> Drift:
        """Return the means over the `duration_s` seconds of beam that follow the time `start_s` of the day, s.

        Each call continues the fluctuations of the last one, whatever the sizes.
        """
        # Fluctuations go on while their size is 0, so that switching one on or off changes no other random number.
        power = self._power.average(duration_s)
        horizontal = self._horizontal.average(duration_s)
        vertical = self._vertical.average(duration_s)
        if not any(getattr(sizes, name) for name in DRIFTING):
            return NO_DRIFT
        # A sine is practically constant during an exposure, which is short against hours, so its middle is its mean.
        middle_s = start_s + duration_s / 2
        return Drift(
            time_zero_ps=sizes.time_zero * TIME_ZERO_PS_PER_C * (hutch_temperature_c(middle_s) - HUTCH_C),
            angle_urad=sizes.energy_drift * ANGLE_SWING_URAD * math.sin(2 * math.pi * middle_s / ANGLE_PERIOD_S),
            power=max(1 + sizes.laser_power * power, 0.0),
            horizontal_um=sizes.pointing * horizontal,
            vertical_um=sizes.pointing * vertical,
        )


def hutch_temperature_c(time_s: float) -> float:
    """Return the temperature of the hutch at a time of the day, C; the beamline was aligned at its mean."""
    return HUTCH_C + HUTCH_SWING_C * math.sin(2 * math.pi * time_s / DAY_S)


def _dispersion(energy_ev: float) -> float:
    """Return the change of the energy with the Bragg angle of diamond (111), eV per urad, positive."""
    # Bragg's law E = hc / (2 d sin theta) gives |dE / dtheta| = E cot theta.
    sine = HC_EV_ANGSTROM / (2 * DIAMOND_111_D_ANGSTROM * energy_ev)
    return energy_ev * math.sqrt(1 / sine**2 - 1) * 1e-6
