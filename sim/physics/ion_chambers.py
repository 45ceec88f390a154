"""The two ion chambers, before and behind the calibration foil, and what is in their currents besides the flux."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.physics import beam_path
from sim.physics.beamline_state import BeamlineState, Stretch
from sim.physics.effects import EffectSizes
from sim.physics.random_counts import poisson
from sim.physics.sample import Beam, Edge, Jet
from sim.physics.spectra import edge_at, static_spectrum

I0_RATE = 1e6
"""Counts per second of the ungated ion chamber at nominal flux, 12.5 to 14 keV (chosen: 0.04 % in 6 s)."""

OFFSET_PER_S = 300.0
"""Counts per second of a chamber without beam: 0.03 % of the nominal ones.

Chosen, because no beamline was found that states it: an amplifier of 10 V whose zero is set by hand to 3 mV, read by a
voltage-to-frequency converter of 10 V.
"""

RECOMBINATION = 1e-3
"""Relative loss of counts at the nominal flux, proportional to the flux.

Chosen: chambers are run at a voltage at which recombination is below 1 % (Calvin and Nariyama, International Tables for
Crystallography I, 3.36 (2024), give the conditions).
"""

HARMONIC_SHARE = 1e-3
"""Counts of the third harmonic relative to those of the nominal flux (chosen: behind a mirror or a detuned crystal)."""


@dataclass(frozen=True, kw_only=True)
class ChamberCounts:
    """Counts of one exposure: what the two chambers show, and `delivered`, those of a chamber that sees the flux alone.

    `delivered` is without offset, recombination and harmonics: other detectors derive the flux from it.
    """

    delivered: int
    shown: int
    foil: int


@dataclass(frozen=True, kw_only=True)
class IonChambers:
    """Both chambers around the sample's `jet` with its `edges`, on the beamline with the errors of `beam`."""

    jet: Jet
    edges: dict[str, Edge]
    beam: Beam
    rng: np.random.Generator

    def count(self, stretches: Sequence[Stretch], flux: float, sizes: EffectSizes) -> ChamberCounts:
        """Draw the counts of an exposure at a mean `flux` relative to that of a full ring."""
        # A faulty chamber shows a part of its counts. The intact count is drawn as the shown part plus an independent
        # lost part, which together are Poisson with the full mean; so both are consistent within one exposure, and
        # other detectors can derive the flux of this exposure from the intact count.
        noise = sizes.noise
        expected = [(state, flux * state.beam * i0_rate(state.energy_ev) * seconds) for state, seconds in stretches]
        seen = poisson(sum(counts * state.chamber for state, counts in expected), noise, self.rng)
        behind = sum(counts * self._transmission(state, sizes) for state, counts in expected)
        foil = poisson(behind, noise, self.rng)
        lost = sum(counts * (1 - state.chamber) for state, counts in expected)
        delivered = seen + (poisson(lost, noise, self.rng) if lost else 0)
        added = self._added(stretches, flux, sizes)
        seconds = max(sum(seconds for _, seconds in stretches), 1e-12)
        return ChamberCounts(
            delivered=delivered,
            shown=recombined(seen, seconds, sizes.i0_curvature) + added,
            foil=recombined(foil, seconds, sizes.i0_curvature) + added,
        )

    def _added(self, stretches: Sequence[Stretch], flux: float, sizes: EffectSizes) -> int:
        """Return the counts of offset and harmonic, which pass the foil; both are slow currents without noise."""
        # A glitch of the fundamental does not affect the harmonic, and a foil thin for one is transparent to the other.
        harmonic = sizes.harmonics * HARMONIC_SHARE * I0_RATE * flux
        offset = sizes.i0_offset * OFFSET_PER_S
        rates = [
            (offset + state.chamber_offset + harmonic * state.open_beam * state.chamber, seconds)
            for state, seconds in stretches
        ]
        return round(sum(rate * seconds for rate, seconds in rates))

    def _transmission(self, state: BeamlineState, sizes: EffectSizes) -> float:
        """Return the transmission of jet and foil between the two ion chambers."""
        jet = beam_path.jet_transmission(self.jet, state.energy_ev)
        # What weakens the fluorescence is missing behind the jet: twice as much, as fluorescence comes from all depths.
        edge = edge_at(self.edges, state.energy_ev)
        strength = 2 * sizes.self_absorption * edge.jet_self_absorption * state.jet_running
        if strength:
            jet *= math.exp(-strength * float(static_spectrum(edge, state.energy_ev)))
        return jet * beam_path.foil_transmission(state.foil, state.energy_ev, self.beam.foil_shift_ev)


def i0_rate(energy_ev: float) -> float:
    """Return the counts per second of the ion chamber at nominal flux."""
    return I0_RATE * beam_path.flux(energy_ev) * beam_path.chamber_response(energy_ev)


def recombined(counts: int, duration_s: float, size: float) -> int:
    """Return the counts that are left after recombination, which grows with the rate over `duration_s` seconds."""
    relative = counts / (I0_RATE * duration_s)
    return round(counts * max(1 - size * RECOMBINATION * relative, 0.0))
