"""What the paper reports, with its errors where it gives them (main text, Fig. 2 and SI 2)."""

from __future__ import annotations

BR_FEATURES_EV = {"first peak": 13_472.0, "first maximum": 13_485.0, "minimum": 13_497.0, "second maximum": 13_508.0}
"""Static Br K features."""

BR_TRANSIENT_EV = {"pre-edge": 13_467.5, "main edge": 13_472.0, "post-edge": 13_476.5}
"""Extrema of the Br K transient: +, -, +."""

PB_TRANSIENT_EV = {
    "first pre-edge": 13_031.0,
    "second pre-edge": 13_038.0,
    "main edge": 13_043.0,
    "post-edge": 13_060.0,
}
"""Extrema of the Pb L3 transient: +, +, -, +."""

BR_SIZE_PERCENT, PB_SIZE_PERCENT = 2.0, 0.4
"""Transient at the main edge and 100 ps, per cent of the static signal; 'about', without an error."""

KINETICS = {
    "tau1_ps": (120.0, 20.0),
    "tau2_ps": (900.0, 300.0),
    "fraction1": (0.60, None),
    "fraction2": (0.21, None),
    "offset": (0.19, None),
}
"""Global fit of both edges: value and error."""
