"""Results of static spectra."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reduction.number_text import with_error
from reduction.run_kind import RunResults

if TYPE_CHECKING:
    from reduction.xas.static_xas import StaticSpectrum


@dataclass(frozen=True, kw_only=True)
class StaticResults(RunResults):
    """Static spectrum at one temperature."""

    spectrum: StaticSpectrum

    def lines(self) -> list[str]:
        """Return temperature, how well the highest point is known, and what foils add to the energies, eV."""
        points = self.spectrum.measured
        top = int(points.intensity.argmax())
        per_cent = 100 * points.sigma[top] / points.intensity[top]
        temperature = f"{self.spectrum.temperature_c:.2f} C"
        text = f"{points.energy_ev.size} points at {temperature}, the highest known to {per_cent:.2g} %"
        lines = [f"{'static spectrum':<22} {text}"]
        if (offset := self.spectrum.energy_offset_ev) is not None:
            lines.append(f"{'energy by foils':<22} {with_error(*offset)} eV added, the mean over the scan")
        return lines
