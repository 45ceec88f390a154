"""The truth of the simulation: the line that the analyser sees, which only its IOC and its campaign know."""

from __future__ import annotations

LINE_EV = 7058.0
EV_PER_T = 0.2
WIDTH_EV = 5.0
PHOTONS_PER_S = 2000.0
BACKGROUND_PER_S = 40.0


def photons_per_s(analyser_ev: float, field_t: float) -> float:
    """Return the rate that the counter sees, photons/s: a Lorentz line that moves with the field, on a background."""
    detuning = 2.0 * (analyser_ev - LINE_EV - EV_PER_T * field_t) / WIDTH_EV
    return PHOTONS_PER_S / (1.0 + detuning**2) + BACKGROUND_PER_S
