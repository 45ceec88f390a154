"""Results of several maps together, whose images share their width at time zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from errors import InputError, ReductionError
from reduction.fit_quality import quality_text
from reduction.number_text import with_error
from reduction.run_kind import RunResults
from reduction.tplm.attribution import Attribution, attribute
from reduction.tplm.relaxation import LawComparison, MapPoint, compare_laws
from reduction.tplm.series_fit import SeriesFit, fit_series

if TYPE_CHECKING:
    from reduction.run_kind import CombineChoice
    from reduction.tplm.map_sums import MapSums

SAME_K = 0.5
"""Largest difference of the temperatures of a series, K: the focus follows the temperature."""


@dataclass(frozen=True, kw_only=True)
class SeriesResults(RunResults):
    """Maps of one film and temperature in one fit; laws and attribution are None where the maps do not allow them."""

    fit: SeriesFit
    maps: tuple[MapPoint, ...]
    laws: LawComparison | None
    attribution: Attribution | None

    def lines(self) -> list[str]:
        """Return diffusivities (cm2/s), shared variance (nm2), relaxation and attribution as lines with errors."""
        fit = self.fit
        lines = [
            f"{f'D, {one.power_nw:.4g} nW, {one.rate_mhz:.4g} MHz':<22} {with_error(*one.diffusivity, 'cm2/s')}"
            for one in self.maps
        ]
        lines += [
            f"{'variance at time zero':<22} {with_error(*fit.start_nm2, 'nm2')}, shared by all maps",
            f"{'maps alone agree':<22} chi-square {quality_text(fit.chi_square, fit.degrees_of_freedom)}",
        ]
        if self.laws is not None:
            law = self.laws.exponential
            lines += [
                f"{'relaxation time':<22} {with_error(*law.tau_us, 'us')}; {self.laws.text()}",
                f"{'slow and fast D':<22} {with_error(*law.slow_cm2_s)} and {with_error(*law.fast_cm2_s, 'cm2/s')}",
            ]
        if self.attribution is not None:
            lines.append(f"{'depends on':<22} {self.attribution.text()}")
        return lines


def combine_maps(kind: str, runs: Sequence[MapSums], choice: CombineChoice) -> SeriesResults:
    """Return the results of maps that share their width at time zero.

    Raises InputError for maps at different temperatures or whose own widths do not agree, unless the choice forces
    them, and ReductionError if one of them cannot be fitted.
    """
    # Maps share their width at time zero only while the optics stay as they are. The temperature moves the focus, so
    # maps at different ones are refused before anything is fitted; the widths themselves are compared afterwards.
    seen = [one.exposures() for one in runs]
    temperatures = [one.mean("temperature_k") for one in seen]
    if max(temperatures) - min(temperatures) > SAME_K and not choice.force:
        raise InputError(
            f"The maps are at {min(temperatures):.1f} to {max(temperatures):.1f} K, and the focus changes with the "
            "temperature. Combine maps of one temperature, or give force=True."
        )
    fit = fit_series([(one, sums.metadata) for one, sums in zip(seen, runs, strict=True)])
    if not fit.is_shared and not choice.force:
        raise InputError(
            f"The images of these maps have different widths at time zero (p = {fit.p_value:.2g}), so the focus has "
            "changed between them. Combine those of one focus, or give force=True."
        )
    points = tuple(_point(sums, fit, place) for place, sums in enumerate(runs))
    remarks: list[str] = []
    laws = attribution = None
    try:
        laws = compare_laws(points, fit.covariance)
        attribution = attribute(points)
    except ReductionError as error:
        remarks.append(str(error))
    return SeriesResults(
        kind=f"{kind}, series", remarks=tuple(remarks), fit=fit, maps=points, laws=laws, attribution=attribution
    )


def _point(sums: MapSums, fit: SeriesFit, place: int) -> MapPoint:
    seen = sums.exposures()
    dose = sums.dose()
    return MapPoint(
        uid=sums.metadata.uid,
        power_nw=seen.mean("laser_power_nw"),
        rate_mhz=seen.mean("repetition_rate_mhz"),
        excitons=dose.excitons,
        waiting_us=dose.waiting_us,
        diffusivity=fit.diffusivity_cm2_s[place],
        temperature_k=seen.mean("temperature_k"),
    )
