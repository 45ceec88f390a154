"""All sections of the campaign, in the order in which they are measured."""

from __future__ import annotations

from trxas.validation.paper import delays, diffraction, estimates, fluence, heat_vs_light, instrument, kinetics, spectra
from trxas.validation.paper.section import PaperSection
from trxas.validation.paper.temperature import section as temperature

SECTIONS: tuple[PaperSection, ...] = (
    *instrument.SECTIONS,
    *spectra.SECTIONS,
    kinetics.SECTION,
    fluence.SECTION,
    delays.SECTION,
    temperature.SECTION,
    diffraction.SECTION,
    heat_vs_light.SECTION,
    estimates.SECTION,
)
"""Every section."""
