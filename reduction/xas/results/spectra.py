"""Results of energy scans with a pump: spectra of every detector, and their changes from pass to pass."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from reduction.curve_table import Column, CurveTable
from reduction.run_kind import Headline, RunResults
from reduction.timing import Timing
from reduction.xas.information import information_lines, primary
from reduction.xas.result_text import (
    absorption_line,
    all_gates_lines,
    best_lines,
    hour_lines,
    period_lines,
    power_lines,
    spectrum_lines,
    trend_lines,
    ungated_line,
)
from reduction.xas.results.curves import per_cent, pump_probe_table
from reduction.xas.unpumped_size import (
    TransientSize,
    size_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reduction.all_bunches import AllBunches
    from reduction.run_kind import MeasuredDecay
    from reduction.xas.all_gates import AllGatesSpectrum
    from reduction.xas.calibration import FoilSpectrum
    from reduction.xas.energy_correction import EnergyUse
    from reduction.xas.fly_sums import FlyFacts
    from reduction.xas.laser_power import PowerUse
    from reduction.xas.pass_trends import PassTrend
    from reduction.xas.sample_absorption import SampleAbsorption
    from reduction.xas.transient import Spectrum


@dataclass(frozen=True, kw_only=True)
class SpectrumResults(RunResults):
    """Spectra of a pump-probe energy scan: boxcar, photon counting, then one per further detector of the fluorescence.

    Text and figures begin with the `primary` one.

    `all_gates`: each of the spectra by all gates instead of two, None where they add nothing; `all_gates_problems` are
    the reasons, "" without one. `blocked`: the same against exposures with the laser blocked, None where the run has
    none. `decay`: that of the same sample, which corrects the sizes. `absorptions`: ln(I0/I) of each detector behind
    the sample, by its name. `ungated`: the signal of each detector that counts all bunches, which has no transient.
    `trends`: changes from pass to pass; `power`: that of the laser, None if it was not recorded; `energy`: correction
    of the axis by foil scans; `absorbed`: absorption of the sample itself over its edge, None where the diode behind it
    shows none. `fly`: facts of a fly scan about its energies, None for any other scan.
    """

    spectra: tuple[Spectrum, ...] = ()
    all_gates: tuple[AllGatesSpectrum | None, ...] = ()
    all_gates_problems: tuple[str, ...] = ()
    blocked: tuple[Spectrum | None, ...] = ()
    decay: MeasuredDecay | None = None
    timing: Timing = field(default_factory=Timing)
    absorptions: Mapping[str, FoilSpectrum] = field(default_factory=dict)
    ungated: tuple[AllBunches, ...] = ()
    trends: tuple[PassTrend, ...] = ()
    power: PowerUse | None = None
    energy: EnergyUse | None = None
    absorbed: SampleAbsorption | None = None
    fly: FlyFacts | None = None

    @property
    def sizes(self) -> tuple[TransientSize, ...]:
        """Size of each transient at the edge's main feature, without unit, as measured and corrected, (spectra,)."""
        blocked = self.blocked or (None,) * len(self.spectra)
        return tuple(size_of(one, self.decay, other) for one, other in zip(self.spectra, blocked, strict=True))

    @property
    def primary(self) -> Spectrum | None:
        """Spectrum with the most information, photon counting or boxcar, stated first; None without spectra."""
        return primary(self.spectra)

    def tables(self) -> tuple[CurveTable, ...]:
        """Return off, on and transient with their errors against the energy, eV, a table per detector."""
        return tuple(
            pump_probe_table(one, Column(name="energy_ev", unit="eV", values=one.energy_ev), "post-edge = 1")
            for one in self.spectra
        )

    def headline(self) -> Headline | None:
        """Return the size of the primary spectrum at the main feature, in % of unpumped, as measured."""
        if self.primary is None:
            return None
        chosen = size_of(self.primary, self.decay)
        return per_cent(f"transient at {chosen.energy_ev:.1f} eV", chosen.measured)

    @property
    def best(self) -> Spectrum | None:
        """The spectrum of the first detector with the smallest error, by all gates where they help; None without one.

        Photon counting and boxcar see the same photons, so the better one is taken, and never the sum of both.
        """
        own = [one for one in (*self.spectra, *self.all_gates) if one is not None and not one.metadata.detector]
        return min(own, key=lambda one: float(np.mean(one.sigma**2)), default=None)

    def lines(self) -> list[str]:
        """Return the size of each transient at the edge's main feature, in % of unpumped, as measured and corrected."""
        lines = []
        places = sorted(range(len(self.spectra)), key=lambda place: self.spectra[place] is not self.primary)
        sizes = self.sizes
        for place in places:
            lines += spectrum_lines(self.spectra[place], sizes[place])
            if self.all_gates:
                lines += all_gates_lines(self.all_gates[place], self.all_gates_problems[place])
        best = self.best
        lines += [*information_lines(self.spectra), *best_lines(best, self.spectra), *hour_lines(best)]
        lines += period_lines(self.timing) if lines else []
        lines += [absorption_line(name, found) for name, found in self.absorptions.items()]
        lines += [] if self.energy is None else [self.energy.line]
        lines += [] if self.absorbed is None else [self.absorbed.line]
        lines += [] if self.fly is None else self.fly.lines
        return [*lines, *map(ungated_line, self.ungated), *power_lines(self.power), *trend_lines(self.trends)]
