"""Conversion of raw PV values to physical quantities and back: these formulas are written only here.

These are pure functions, so that the window, which sees no device, converts as the devices do.
"""

from __future__ import annotations

import math

PS_PER_S = 1e12

EV_PER_KEV = 1e3


def energy_ev(readback_kev: float, offset_ev: float) -> float:
    """Return the photon energy (eV) from the monochromator's read-back (keV), and the calibration offset (eV)."""
    return readback_kev * EV_PER_KEV + offset_ev


def energy_setpoint_kev(value_ev: float, offset_ev: float) -> float:
    """Return the monochromator's setpoint (keV) for a calibrated photon energy (eV)."""
    return (value_ev - offset_ev) / EV_PER_KEV


def delay_ps(coarse_s: float, fine_ps: float, *, coarse_sign: int, fine_sign: int, time_zero_raw_ps: float) -> float:
    """Return the signed delay pump to probe, ps, from the coarse (s) and fine (ps) read-backs."""
    # Larger raw delays fire the laser earlier, so that the X-rays come later after it: the signed delay grows. A sign
    # of -1 is for a generator that is wired the other way.
    return coarse_sign * coarse_s * PS_PER_S + fine_sign * fine_ps - time_zero_raw_ps


def fluence_mj_cm2(angle_deg: float, *, maximum_mj_cm2: float, zero_deg: float) -> float:
    """Return the fluence, mJ/cm2, behind a half-wave plate at `angle_deg` and a polariser (Malus).

    The plate turns the polarisation by twice its own angle.
    """
    return maximum_mj_cm2 * math.sin(2 * math.radians(angle_deg - zero_deg)) ** 2


def waveplate_angle_deg(value_mj_cm2: float, *, maximum_mj_cm2: float, zero_deg: float) -> float:
    """Return the plate's angle (degrees) for a fluence from 0 to `maximum_mj_cm2` (mJ/cm2)."""
    return zero_deg + math.degrees(math.asin(math.sqrt(value_mj_cm2 / maximum_mj_cm2))) / 2


def cell_temperature_c(reading: float, *, offset_c: float, gain: float) -> float:
    """Return the powder's temperature, C, from the raw reading of the thermocouple."""
    return offset_c + gain * reading


def cell_setpoint(temperature_c: float, *, offset_c: float, gain: float) -> float:
    """Return the controller's set value, in its own reading, for a temperature, C."""
    return (temperature_c - offset_c) / gain
