"""Diffusivity of the excitons: how it depends on how recently the crystals were visited, and on temperature."""

from __future__ import annotations

import math

from sim.physics.tplm.sample import Diffusion, Film, Law
from sim.physics.tplm.setting import Setting

BOLTZMANN_MEV_K = 0.08617333
"""Boltzmann constant, meV/K."""

ROOM_K = 296.0
"""Temperature of the sample files' diffusivities, K."""

FREEZING_K = 40.0
"""Below this temperature the diffusivity has its floor, K (chosen)."""


def excitons_per_crystal(film: Film, setting: Setting) -> float:
    """Return <N>, the excitons that a pulse makes in a crystal at the centre: 0.0082 at 1 nW and 2.5 MHz (SI 6)."""
    return film.emission.n_per_nw_mhz * setting.power_nw / setting.repetition_rate_mhz


def waiting_time_us(film: Film, setting: Setting) -> float:
    """Return the mean time between two visits of a crystal, us; infinite without light."""
    visits_per_us = excitons_per_crystal(film, setting) * setting.repetition_rate_mhz
    return 1 / visits_per_us if visits_per_us > 0 else math.inf


def fast_share(film: Film, setting: Setting) -> float:
    """Return the share, 0 to 1, by which the diffusivity has risen from that at rest to that of visited crystals."""
    diffusion = film.diffusion
    if diffusion.law == Law.RELAXATION:
        return math.exp(-waiting_time_us(film, setting) / diffusion.tau_us)
    if diffusion.law == Law.FLUENCE:
        excitons = excitons_per_crystal(film, setting)
        return excitons / (excitons + diffusion.half_n)
    return _occupation(excitons_per_crystal(film, setting), setting.period_ns * 1e-3, diffusion.tau_us)


def _occupation(visits: float, period_us: float, tau_us: float) -> float:
    """Return the share of fast crystals just before a pulse, for `visits` per pulse and exponential relaxation."""
    # In the steady state a crystal that is slow (1 - p) becomes fast with the probability v at a pulse, and stays so
    # until the next pulse with q: p = q (p + v (1 - p)), hence p = v q / (1 - q + v q).
    staying = math.exp(-period_us / tau_us)
    return visits * staying / (1 - staying + visits * staying)


def diffusivity_cm2_s(film: Film, setting: Setting) -> float:
    """Return the true diffusivity, cm2/s, of free excitons in this state."""
    diffusion = film.diffusion
    room = diffusion.slow_cm2_s + (diffusion.fast_cm2_s - diffusion.slow_cm2_s) * fast_share(film, setting)
    return room * temperature_factor(diffusion, setting.temperature_k)


def temperature_factor(diffusion: Diffusion, temperature_k: float) -> float:
    """Return D(T) / D(296 K): band-like growth on cooling times activation out of traps, at least the floor.

    With an activation energy of 1.5 k 150 K the maximum lies at 150 K, where the paper has it; the shape is chosen.
    """
    activated = math.exp(-diffusion.activation_mev / BOLTZMANN_MEV_K * (1 / temperature_k - 1 / ROOM_K))
    factor = (temperature_k / ROOM_K) ** -1.5 * activated
    return diffusion.floor if temperature_k < FREEZING_K else max(factor, diffusion.floor)
