"""All parts of the campaign, in the order in which they are measured."""

from __future__ import annotations

from trxas.validation.paper import delays, diffraction, estimates, fluence, instrument, kinetics, spectra
from trxas.validation.paper import heat_vs_light as thermal
from trxas.validation.paper.campaign import Part
from trxas.validation.paper.temperature import section as temperature

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
