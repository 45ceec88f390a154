"""Information that the spectra of one run hold about the same transient, by their detection mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from reduction.xas.transient import Spectrum

NAMES = {"spc": "photon counting", "boxcar": "the boxcar"}
"""Detection modes in words."""


CLEARLY = 1.2
"""Ratio of the information from which on one detection mode counts as better (chosen).

In a closer race, a window that shows the better one would change it with every exposure.
"""


def information(spectrum: Spectrum) -> float:
    """Return the information on a relative change of the signal, sum of (unpumped / sigma)^2 over the points.

    It is proportional to the beam time. A point whose error is not finite, as when a gate counts at every pulse, adds
    nothing.
    """
    # The errors of counting follow from the counts and contain what gates lose by pile-up, those of the boxcar from the
    # variance of its sub-averages. So the sum turns in favour of the boxcar by itself where gates saturate. Points
    # before the edge count little: both errors and any transient are small there.
    known = np.isfinite(spectrum.sigma) & (spectrum.sigma > 0)
    return float(np.sum((spectrum.off[known] / spectrum.sigma[known]) ** 2))


def primary(spectra: Sequence[Spectrum]) -> Spectrum | None:
    """Return the spectrum with the most information among those of the run's own detectors; None without spectra.

    Further detectors of a list count only where there is no other, since their elements may be parts of the others.
    """
    own = [spectrum for spectrum in spectra if not spectrum.metadata.detector]
    return max(own, key=information) if own else next(iter(spectra), None)


def clearly_richer(spectra: Sequence[Spectrum]) -> Spectrum | None:
    """Return the primary spectrum; None without any, or if another one holds about the same information."""
    first = primary(spectra)
    others = [one for one in spectra if one is not first]
    if first is None or any(information(first) < CLEARLY * information(one) for one in others):
        return None
    return first


def information_lines(spectra: Sequence[Spectrum]) -> list[str]:
    """Return a line on how many times the information of the other detection mode the primary one holds.

    None unless the run has both.
    """
    own = [spectrum for spectrum in spectra if not spectrum.metadata.detector]
    first = primary(own)
    if first is None or len(own) != 2:
        return []
    (other,) = (spectrum for spectrum in own if spectrum is not first)
    less = information(other)
    times = f"{information(first) / less:.2g} times that of {NAMES[other.metadata.mode]}" if less else "all of it"
    return [f"{'most information':<22} {NAMES[first.metadata.mode]}, {times}"]
