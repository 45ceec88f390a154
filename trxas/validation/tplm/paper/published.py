"""The numbers of the paper (main text, Figs. 1 to 4, SI 6); most are given without errors, so their rounding counts."""

from __future__ import annotations

from reduction.values import Value
from trxas.validation.paper.published import rounded

SLOW_CM2_S = Value(0.01, rounded(0.01))
"""Diffusivity at long waiting times, 'about'."""

FAST_CM2_S = Value(0.15, rounded(0.01))
"""Diffusivity at the highest power."""

RATIO = Value(15.0, rounded(5.0))
"""Fast over slow, 'up to'."""

TAU_US = Value(6.0, rounded(1.0))
"""Relaxation time of OLA/OA, 'about' (Fig. 4a)."""

SHELL_TAU_US = Value(10.8, rounded(0.1))
"""Relaxation time with a colloidal shell of 4 layers (Fig. S12)."""

SLOW_LIFETIME_NS = Value(2.3, rounded(0.1))
FAST_LIFETIME_NS = Value(1.5, rounded(0.1))
"""Prompt lifetimes at 0.5 and 25 nW (Fig. 1d, S6c)."""

LOW_EXPONENT = Value(1.5, rounded(0.1))
HIGH_EXPONENT = Value(1.7, rounded(0.1))
"""Exponents of the power law at 0.5 and 25 nW (Fig. S6d)."""

EXCITONS = Value(0.0082, rounded(0.0001))
"""Excitons per crystal and pulse at 1 nW and 2.5 MHz (Table S1)."""

FLUENCE_UJ_CM2 = Value(0.076, rounded(0.001))
"""Fluence at 1 nW and 2.5 MHz, uJ/cm2 (Table S1)."""

LINEAR = Value(1.0, rounded(0.1))
"""Exponent of the integrated light with the power (Figs. 1c, S5)."""

NO_SHIFT_MEV = Value(0.0, 0.0)
"""Shift and broadening of the spectra with the power, 'no peak shifting or broadening' (Fig. 1c)."""

HEATING_K = 0.01
"""Rise of the temperature by a pulse of 0.1 uJ/cm2, 'less than' (main text, SI 8)."""

WARMEST_K = Value(150.0, rounded(50.0))
"""Temperature at which the diffusivity is highest, 'near' (Fig. 3c, with points 50 K apart)."""
