"""Numbers of the source and the pump that do not depend on the sample (paper, SI 2)."""

from __future__ import annotations

BUNCHES = 24
"""Equally spaced bunches in the ring (24-bunch mode)."""

BUNCH_PERIOD_PS = 153_400.0
"""Time between X-ray pulses, ps: 153.4 ns, published as 6.52 MHz."""

PROBES = 5
"""Gates of one pump period: the pumped pulse and the four after it."""

APDS = 2
"""Avalanche photodiodes, one on each side of the jet (chosen: the paper says only 'photodiodes')."""

LOW_EV, HIGH_EV = 4_000.0, 20_000.0
"""Travel of the simulated monochromator, eV: K edges from Sc to Nb, L3 edges from Te to U."""

HC_EV_ANGSTROM = 12398.419843
"""Planck constant times speed of light, eV x angstrom (CODATA 2018)."""

DIAMOND_111_D_ANGSTROM = 2.05929
"""Spacing of the (111) planes of diamond, angstrom: a = 3.56683 A over sqrt(3)."""
