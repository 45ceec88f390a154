"""All parts of the campaign, in the order in which they are measured."""

from __future__ import annotations

from trxas.paper import delays, diffraction, estimates, fluence, instrument, kinetics, spectra, temperature, thermal
from trxas.paper.campaign import Part

PARTS: tuple[Part, ...] = (
    *instrument.PARTS,
    *spectra.PARTS,
    kinetics.PART,
    fluence.PART,
    delays.PART,
    temperature.PART,
    diffraction.PART,
    thermal.PART,
    estimates.PART,
)
"""Every part."""
