"""All parts of the campaign, in the order in which they are measured."""

from __future__ import annotations

from trxas.paper import fluence, kinetics, spectra
from trxas.paper.campaign import Part

PARTS: tuple[Part, ...] = (*spectra.PARTS.values(), kinetics.PART, fluence.PART)
"""Every part."""
