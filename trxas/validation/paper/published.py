"""The numbers of the paper, with their errors where it gives them (main text, Fig. 2 and 3, SI 2 to 8)."""

from __future__ import annotations

import math

from reduction.values import Value


def rounded(step: float) -> float:
    """Return the standard error of a number that is published without one, from the `step` of its last digit."""
    return step / math.sqrt(12.0)


FOIL_EDGE_EV = 13_035.0
"""L3 edge of metallic lead, used to calibrate the energy (SI 2; value of the X-ray data booklet)."""

RESPONSE_PS = 45.0
"""Standard deviation of the instrument response."""

BR_FEATURES_EV = {"first peak": 13_472.0, "first maximum": 13_485.0, "minimum": 13_497.0, "second maximum": 13_508.0}
"""Static Br K features."""

BR_TRANSIENT_EV = {"pre-edge": 13_467.5, "main edge": 13_472.0, "post-edge": 13_476.5}
"""Extrema of the Br K transient: +, -, +."""

BR_MODULATIONS = {"first maximum": (13_485.0, -1.0), "minimum": (13_497.0, 1.0), "second maximum": (13_508.0, -1.0)}
"""Sign of the Br K transient at the static features above the edge (main text, Fig. 4c)."""

PB_TRANSIENT_EV = {
    "first pre-edge": 13_031.0,
    "second pre-edge": 13_038.0,
    "main edge": 13_043.0,
    "post-edge": 13_060.0,
}
"""Extrema of the Pb L3 transient: +, +, -, +."""

BR_SIZE_PERCENT = Value(-2.0, rounded(1.0))
PB_SIZE_PERCENT = Value(-0.4, rounded(0.1))
"""Transient at the main edge and 100 ps, per cent of the static signal: value and rounding; 'about'."""

INVERSE_AREAS = {"100 ps": 155.0, "10.1 ns": 363.0, "163.5 ns": 976.0}
"""Inverse absolute areas of the Br transients, without errors (main text, Fig. 2a)."""

KINETICS = {
    "tau1_ps": (120.0, 20.0),
    "tau2_ps": (900.0, 300.0),
    "fraction1": (0.60, rounded(0.01)),
    "fraction2": (0.21, rounded(0.01)),
    "offset": (0.19, rounded(0.01)),
}
"""Global fit of both edges: value and error; the fractions are given without one."""

FLUENCE_MJ_CM2 = 8.83
"""Fluence of all pump-probe measurements (SI 3)."""

PHOTOCARRIERS = 1000.0
ABSORBED_PHOTONS_PER_M2 = 7.6e19
"""Carriers per nanocrystal, 'about', and the number of absorbed photons behind it (SI 6)."""

PHOTOTHERMAL_RISE_K = 120.0
ABSORBED_MJ_CM2 = 7.15
"""Upper limit of the lattice's rise in temperature, and the absorbed fluence behind it (SI 8)."""

BR_TEMPERATURES_C = (25.0, 35.0, 40.0, 45.0, 55.0, 60.0, 65.0, 120.0, 140.0)
PB_TEMPERATURES_C = (25.0, 35.0, 40.0, 45.0, 55.0, 60.0, 65.0, 80.0, 100.0, 120.0, 140.0)
"""Temperatures of the static spectra (SI 2)."""

BR_THERMAL_MINIMA_EV = (13_468.0, 13_472.0)
"""Minima of the thermal Br differences (main text)."""

VARSHNI_SHIFT_MEV = 6.5
"""'Up to', from 25 to 140 C (SI 8)."""

BACKLASH_EV = (0.235, 0.589)
"""Range of the alignment shifts that were necessary (SI 8)."""

BR_CROSSING_C = (35.0, 60.0)
"""C of bromine changes its sign between these temperatures (main text)."""

GRAPHITE_INV_ANGSTROM = 1.83
"""Line of the graphite sheets (SI 8)."""

TETRAGONAL_C = (50.0, 59.0)
CUBIC_C = (108.0, 117.0)
"""Intervals of the phase transitions on heating (main text)."""

PB_THERMAL_PRE_EDGE_EV = 13_032.0
"""The single pre-edge feature of the thermal Pb differences (main text)."""
