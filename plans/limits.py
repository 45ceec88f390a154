"""Limits of parameters that the configuration of a beamline sets."""

from __future__ import annotations

from devices.bunch_period import LARGEST_DEVIATION
from devices.configuration import BeamlineConfiguration
from plans.argument import Limits


def energy_limits(configuration: BeamlineConfiguration) -> Limits:
    """Return the limits of energies, eV."""
    return configuration.energy.low_ev, configuration.energy.high_ev


def delay_limits(configuration: BeamlineConfiguration) -> Limits:
    """Return the limits of delays, ps."""
    return configuration.delay.low_ps, configuration.delay.high_ps


def fluence_limits(configuration: BeamlineConfiguration) -> Limits:
    """Return the limits of fluences, mJ/cm2."""
    return configuration.fluence.low_mj_cm2, configuration.fluence.high_mj_cm2


def dwell_limits(configuration: BeamlineConfiguration) -> Limits:
    """Return the limits of exposures, s."""
    return configuration.exposure.dwell_low_s, configuration.exposure.dwell_high_s


def image_dwell_limits(configuration: BeamlineConfiguration) -> Limits | None:
    """Return the limits of the exposure of an image, s, for both Pilatus and counters; None without a Pilatus."""
    if configuration.pilatus is None:
        return None
    low, high = dwell_limits(configuration)
    return max(low, configuration.pilatus.exposure_low_s), min(high, configuration.pilatus.exposure_high_s)


def temperature_limits(configuration: BeamlineConfiguration) -> Limits | None:
    """Return the limits of temperatures, C; None without a cell."""
    return None if configuration.cell is None else (configuration.cell.low_c, configuration.cell.high_c)


def position_limits(configuration: BeamlineConfiguration) -> Limits:
    """Return the limits of positions of a mirror, um."""
    return configuration.pointing.low_um, configuration.pointing.high_um


def angle_limits(configuration: BeamlineConfiguration) -> Limits:
    """Return the limits of the angle of the half-wave plate, degrees: a tuple (low, high)."""
    return configuration.fluence.angle_low_deg, configuration.fluence.angle_high_deg


def time_zero_limits(configuration: BeamlineConfiguration) -> Limits:
    """Return the limits of shifts of time zero, ps: beyond half a bunch period another X-ray pulse is nearer."""
    half = configuration.geometry.bunch_period_ps / 2
    return -half, half


def bunch_period_limits(configuration: BeamlineConfiguration) -> Limits:
    """Return the limits of bunch periods, ps: beyond 0.05 % it belongs to another fill pattern."""
    period_ps = configuration.bunch_period.period_ps
    return (1.0 - LARGEST_DEVIATION) * period_ps, (1.0 + LARGEST_DEVIATION) * period_ps
