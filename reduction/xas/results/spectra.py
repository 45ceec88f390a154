"""Results of energy scans with a pump: spectra of every detector, and their changes from pass to pass."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reduction.curve_table import Column, CurveTable
from reduction.run_kind import Headline, RunResults
from reduction.timing import Timing
from reduction.xas.all_gates import NO_GAIN
from reduction.xas.information import information, information_lines, primary
from reduction.xas.result_text import (
    absorption_line,
    best_lines,
    gates_lines,
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

    `spectra` are those of the paper's recipe, by two gates. Sizes, text and figures show `most_precise`, and begin with
    the `primary` one.

    `all_gates`: each of the spectra by all gates instead of two, None where they cannot be used; `all_gates_problems`
    are the reasons, "" without one. `blocked`: the spectra against exposures with the laser blocked, None where the run
    has none. `decay`: that of the same sample, which corrects the sizes. `absorptions`: ln(I0/I) of each detector
    behind the sample, by its name. `ungated`: the signal of each detector that counts all bunches, which has no
    transient. `trends`: changes from pass to pass; `power`: that of the laser, None if it was not recorded; `energy`:
    correction of the axis by foil scans; `absorbed`: absorption of the sample itself over its edge, None where the
    diode behind it shows none. `fly`: facts of a fly scan about its energies, None for any other scan.
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
    def most_precise(self) -> tuple[Spectrum, ...]:
        """Each of the spectra by all gates where that makes its errors smaller, otherwise by two gates, (spectra,)."""
        return tuple(
            two if found is None or information(found) <= information(two) else found
            for two, found in zip(self.spectra, self._by_all, strict=True)
        )

    @property
    def _by_all(self) -> tuple[AllGatesSpectrum | None, ...]:
        return self.all_gates or (None,) * len(self.spectra)

    @property
    def sizes(self) -> tuple[TransientSize, ...]:
        """Size of each transient at the edge's main feature, without unit, as measured and corrected, (spectra,).

        They are those of `most_precise`.
        """
        blocked = self.blocked or (None,) * len(self.spectra)
        return tuple(size_of(one, self.decay, other) for one, other in zip(self.most_precise, blocked, strict=True))

    @property
    def primary(self) -> Spectrum | None:
        """The most precise spectrum with the most information, photon counting or boxcar; None without spectra.

        Both see the same photons, so the better one is stated first, and never the sum of both.
        """
        return primary(self.most_precise)

    def tables(self) -> tuple[CurveTable, ...]:
        """Return off, on and transient with their errors against the energy, eV, a table per detector.

        With gates besides pumped and unpumped ones, `transient_best` is a column of its own behind them: the transient
        by all gates where they help, elsewhere that of two.
        """
        tables = tuple(
            pump_probe_table(one, Column(name="energy_ev", unit="eV", values=one.energy_ev), "post-edge = 1")
            for one in self.spectra
        )
        # In every table or in none: a column that some detectors lack would be NaN for them in a DataFrame.
        if not any(self._by_all) and not any(self.all_gates_problems):
            return tables
        return tuple(map(_with_best, tables, self.spectra, self.most_precise))

    def headline(self) -> Headline | None:
        """Return the size of the primary spectrum at the main feature, in % of unpumped, as measured."""
        if self.primary is None:
            return None
        chosen = size_of(self.primary, self.decay)
        return per_cent(f"transient at {chosen.energy_ev:.1f} eV", chosen.measured)

    @property
    def best(self) -> Spectrum | None:
        """The `primary` spectrum: by all gates where they help, and by the better detection; None without spectra."""
        return self.primary

    def lines(self) -> list[str]:
        """Return the size of each transient at the edge's main feature, in % of unpumped, as measured and corrected."""
        lines = []
        best = self.best
        shown = self.most_precise
        sizes = self.sizes
        for place in sorted(range(len(shown)), key=lambda place: shown[place] is not best):
            lines += spectrum_lines(self.spectra[place], sizes[place])
            if self.all_gates:
                problem = self.all_gates_problems[place] if self.all_gates[place] is None else NO_GAIN
                lines += gates_lines(shown[place], self.spectra[place], problem)
        lines += [*information_lines(shown), *best_lines(best, self.spectra), *hour_lines(best)]
        lines += period_lines(self.timing) if lines else []
        lines += [absorption_line(name, found) for name, found in self.absorptions.items()]
        lines += [] if self.energy is None else [self.energy.line]
        lines += [] if self.absorbed is None else [self.absorbed.line]
        lines += [] if self.fly is None else self.fly.lines
        return [*lines, *map(ungated_line, self.ungated), *power_lines(self.power), *trend_lines(self.trends)]


def _with_best(table: CurveTable, two: Spectrum, best: Spectrum) -> CurveTable:
    """Return the curves of two gates with the most precise transient behind them."""
    # A gate that lacks a point leaves it out of the transient of all gates, which then does not fit this axis.
    shown = best if best.energy_ev.size == two.energy_ev.size else two
    column = Column(name="transient_best", unit="", values=shown.transient, sigma=shown.sigma)
    return replace(table, columns=(*table.columns, column))
