"""Numbers of the source and the pump that do not depend on the sample (paper, SI 2)."""

from __future__ import annotations

SPEED_OF_LIGHT_M_S = 299_792_458.0

CIRCUMFERENCE_M = 1104.0
"""Length of the orbit in the Advanced Photon Source."""

BUCKETS = 1296
"""Harmonic number of the ring: places for a bunch in one revolution."""

BUCKET_PS = 1e12 * CIRCUMFERENCE_M / SPEED_OF_LIGHT_M_S / BUCKETS
"""Time from one bucket to the next, ps: one period of the RF of 351.93 MHz."""

BUNCHES = 24
"""Equally spaced bunches in the ring (24-bunch mode)."""

BUCKETS_PER_BUNCH = BUCKETS // BUNCHES

BUNCH_PERIOD_PS = BUCKETS_PER_BUNCH * BUCKET_PS
"""Time between X-ray pulses, ps: 153.439 ns. The paper rounds it to 153.4 ns, which is 39 ps less at every bunch."""

PROBES = 5
"""Gates of one pump period: the pumped pulse and the four after it."""

APDS = 2
"""Avalanche photodiodes, one on each side of the jet (chosen: the paper says only 'photodiodes')."""

LOW_EV = 4_000.0
"""Lowest energy of the simulated monochromator, eV: below the K edge of Sc and the L3 edge of Te."""

HIGH_EV = 20_000.0
"""Highest energy of the simulated monochromator, eV: above the K edge of Nb and the L3 edge of U."""

HC_EV_ANGSTROM = 12398.419843
"""Planck constant times speed of light, eV x angstrom (CODATA 2018)."""

DIAMOND_111_D_ANGSTROM = 2.05929
"""Spacing of the (111) planes of diamond, angstrom: a = 3.56683 A over sqrt(3)."""
