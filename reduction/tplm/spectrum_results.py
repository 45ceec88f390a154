"""Results of spectra: light, peak and width at every setting, and what they do with power and temperature."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.curve_table import Column, CurveTable
from reduction.fit_quality import is_bad_fit, quality_text
from reduction.number_text import with_error
from reduction.probabilities import chi_square_tail
from reduction.run_kind import Headline, RunResults
from reduction.tplm.intensity import intensity_exponent
from reduction.tplm.metadata import dose_of
from reduction.tplm.spectrum import EV_NM, Spectrum, SpectrumFit, fit_spectrum, spectrum_of
from reduction.values import Value

if TYPE_CHECKING:
    from reduction.tplm.spectrum_sums import SpectrumSums

METER_RELATIVE = 2e-3
METER_NW = 1e-3
"""Error of one reading of the power meter: relative, and in nW (chosen: a photodiode head, averaged)."""

SAME_K = 0.5
"""Largest difference of temperatures that count as one, K."""

LEAST_SETTINGS = 3
"""Different powers or temperatures from which a slope with an error of its own is fitted."""


@dataclass(frozen=True, kw_only=True)
class SpectrumPoint:
    """One setting: power (nW), rate (MHz), excitons per pulse, temperature (K), with its spectrum and its fit."""

    uid: str
    power_nw: float
    rate_mhz: float
    excitons: float
    temperature_k: float
    spectrum: Spectrum = field(repr=False)
    fit: SpectrumFit

    @property
    def yield_per_nw(self) -> Value:
        """Light per power, counts/s nW: proportional to the quantum yield; with the error of the power meter."""
        light = self.fit.light_per_s
        meter = math.hypot(METER_RELATIVE, METER_NW / self.power_nw)
        value = light.value / self.power_nw
        return Value(value, math.hypot(light.sigma / self.power_nw, meter * value))


@dataclass(frozen=True, kw_only=True)
class SettingTrend:
    """Slope of a quantity with a setting, in the unit of the quantity per unit of the setting, and its chi-square.

    The error includes the scatter about the line, if that is larger than the counting errors.
    """

    slope: Value
    chi_square: float
    degrees_of_freedom: int


@dataclass(frozen=True, kw_only=True)
class PowerTrends:
    """Dependence on the power at one temperature: exponent of the light; meV per decade; constancy of the yield.

    `yield_chi_square` compares the light per power of all settings with its mean.
    """

    exponent: Value
    peak_mev: SettingTrend
    fwhm_mev: SettingTrend
    yield_chi_square: float
    yield_freedom: int

    def lines(self) -> list[str]:
        """Return exponent, shift and broadening, meV per decade, and constancy of the yield as lines of text."""
        same = chi_square_tail(self.yield_chi_square, self.yield_freedom)
        return [
            f"{'light ~ power^s, s':<22} {with_error(*self.exponent)}",
            f"{'shift with the power':<22} {with_error(*self.peak_mev.slope, 'meV per decade')}",
            f"{'broadening':<22} {with_error(*self.fwhm_mev.slope, 'meV per decade')}",
            f"{'same quantum yield':<22} chi-square {self.yield_chi_square:.1f} / {self.yield_freedom}, p = {same:.2g}",
        ]


@dataclass(frozen=True, kw_only=True)
class TemperatureTrends:
    """Dependence on the temperature at one power: shift of the peak and broadening, meV per K."""

    peak_mev_k: SettingTrend
    fwhm_mev_k: SettingTrend

    def lines(self) -> list[str]:
        """Return shift and broadening, meV per K, as lines of text."""
        return [
            f"{'shift on warming':<22} {with_error(*self.peak_mev_k.slope, 'meV/K')}",
            f"{'broadening':<22} {with_error(*self.fwhm_mev_k.slope, 'meV/K')}",
        ]


@dataclass(frozen=True, kw_only=True)
class SpectrumResults(RunResults):
    """Spectra of one or several runs; trends are None where the settings do not determine them.

    `wavelength_error_nm` is common to all of them.
    """

    points: tuple[SpectrumPoint, ...]
    power: PowerTrends | None
    temperature: TemperatureTrends | None
    wavelength_error_nm: float

    def headline(self) -> Headline | None:
        """Return the energy of the peak at the first setting, eV; None without a spectrum."""
        if not self.points:
            return None
        peak = self.points[0].fit.peak_ev
        return Headline(quantity="PL peak", value=Value(peak.value, self.with_scale(peak)), unit="eV")

    def with_scale(self, peak: Value) -> float:
        """Return the error of the energy of a peak, eV, with that of the wavelengths."""
        return math.hypot(peak.sigma, self.wavelength_error_nm * peak.value**2 / EV_NM)

    def width_of(self, fit: SpectrumFit) -> Value:
        """Return the full width at half maximum of a spectrum, eV, with the error of the wavelengths."""
        # The same range of wavelengths is a wider range of energies further in the blue, dE = E^2 / hc dlambda.
        relative = 2 * self.wavelength_error_nm * fit.peak_ev.value / EV_NM
        return Value(fit.fwhm_ev.value, math.hypot(fit.fwhm_ev.sigma, relative * fit.fwhm_ev.value))

    def lines(self) -> list[str]:
        """Return light, peak (eV), width (meV) and relative yield of every setting, then trends, as lines of text."""
        lines = [_line(one, self.mean_yield) for one in self.points]
        relative = 2 * self.wavelength_error_nm * 2.4 / EV_NM
        lines.append(
            f"{'error of all peaks':<22} {1e3 * self.with_scale(Value(2.4, 0.0)):.1g} meV, and of all widths "
            f"{100 * relative:.1g} %, of the wavelengths"
        )
        for trends in (self.power, self.temperature):
            lines += [] if trends is None else trends.lines()
        return lines

    @property
    def mean_yield(self) -> Value:
        """Mean light per power of all settings, counts/s nW, weighted by their errors."""
        return _mean([one.yield_per_nw for one in self.points])

    def tables(self) -> tuple[CurveTable, ...]:
        """Return the quantities of every setting as columns over the power, nW."""
        if not self.points:
            return ()
        columns = [
            _column("light", "1/s", [one.fit.light_per_s for one in self.points]),
            _column("peak", "eV", [one.fit.peak_ev for one in self.points]),
            _column("fwhm", "eV", [one.fit.fwhm_ev for one in self.points]),
            _plain("repetition_rate", "MHz", [one.rate_mhz for one in self.points]),
            _plain("temperature", "K", [one.temperature_k for one in self.points]),
        ]
        axis = _plain("laser_power_nw", "nW", [one.power_nw for one in self.points])
        return (CurveTable(name="spectrum", axis=axis, columns=tuple(columns)),)


def points_of(sums: SpectrumSums) -> tuple[list[SpectrumPoint], list[str]]:
    """Return the settings of a run whose spectra can be fitted, in their order, and why others cannot.

    A remark states the power in nW and the rate in MHz. Raises ReductionError for a setting with a rate of 0.
    """
    points = []
    remarks = []
    for number in sorted(sums.lit.keys() & sums.blocked.keys()):
        lit = sums.lit[number]
        spectrum = spectrum_of(lit, sums.blocked[number], sums.optics)
        power_nw = lit.settings["laser_power_nw"]
        rate_mhz = lit.settings["repetition_rate_mhz"]
        try:
            fit = fit_spectrum(spectrum, sums.optics)
        except ReductionError as error:
            remarks.append(f"{power_nw:.4g} nW, {rate_mhz:.4g} MHz: {error}")
            continue
        if is_bad_fit(fit.chi_square, fit.degrees_of_freedom):
            remarks.append(
                f"{power_nw:.4g} nW, {rate_mhz:.4g} MHz: no Gaussian describes the spectrum, chi-square "
                f"{quality_text(fit.chi_square, fit.degrees_of_freedom)}."
            )
        points.append(
            SpectrumPoint(
                uid=sums.uid,
                power_nw=power_nw,
                rate_mhz=rate_mhz,
                excitons=dose_of(sums.excitation, power_nw, rate_mhz).excitons,
                temperature_k=lit.settings["temperature_k"],
                spectrum=spectrum,
                fit=fit,
            )
        )
    return points, remarks


def reduce_spectra(kind: str, runs: Sequence[SpectrumSums]) -> SpectrumResults:
    """Return the results of the spectra of one or several runs; raises ReductionError if none can be fitted (yet)."""
    points: list[SpectrumPoint] = []
    remarks: list[str] = []
    for sums in runs:
        found, why = points_of(sums)
        points += found
        remarks += why
    if not points:
        raise ReductionError(
            " ".join(remarks) or "No setting has spectra with open and with closed laser shutter yet. Wait for both."
        )
    return SpectrumResults(
        kind=kind,
        remarks=tuple(remarks),
        points=tuple(points),
        power=_power_trends(points),
        temperature=_temperature_trends(points),
        wavelength_error_nm=runs[0].optics.wavelength_error_nm,
    )


def _power_trends(points: Sequence[SpectrumPoint]) -> PowerTrends | None:
    kelvin = [one.temperature_k for one in points]
    if _different(points, lambda one: one.power_nw) < LEAST_SETTINGS or max(kelvin) - min(kelvin) > SAME_K:
        return None
    decades = [math.log10(one.power_nw) for one in points]
    yields = [one.yield_per_nw for one in points]
    # The light carries the error of the meter, as it stands on the axis of the power.
    light = [
        Value(one.value * point.power_nw, one.sigma * point.power_nw) for one, point in zip(yields, points, strict=True)
    ]
    mean = _mean(yields)
    return PowerTrends(
        exponent=intensity_exponent([one.power_nw for one in points], light),
        peak_mev=_trend(decades, [one.fit.peak_ev for one in points]),
        fwhm_mev=_trend(decades, [one.fit.fwhm_ev for one in points]),
        yield_chi_square=sum(((one.value - mean.value) / one.sigma) ** 2 for one in yields),
        yield_freedom=len(yields) - 1,
    )


def _temperature_trends(points: Sequence[SpectrumPoint]) -> TemperatureTrends | None:
    if _different(points, lambda one: one.temperature_k) < LEAST_SETTINGS:
        return None
    kelvin = [one.temperature_k for one in points]
    return TemperatureTrends(
        peak_mev_k=_trend(kelvin, [one.fit.peak_ev for one in points]),
        fwhm_mev_k=_trend(kelvin, [one.fit.fwhm_ev for one in points]),
    )


def _different(points: Sequence[SpectrumPoint], of: Callable[[SpectrumPoint], float]) -> int:
    return len({round(of(one), 1) for one in points})


def _trend(settings: Sequence[float], values_ev: Sequence[Value]) -> SettingTrend:
    """Return the slope of energies, eV, in meV per unit of the settings."""
    sigma = 1e3 * np.array([one.sigma for one in values_ev])
    values = 1e3 * np.array([one.value for one in values_ev])
    middle = float(np.average(settings, weights=sigma**-2))
    design = np.stack([np.ones(len(settings)), np.array(settings) - middle], axis=1) / sigma[:, np.newaxis]
    covariance = np.linalg.inv(design.T @ design)
    found = covariance @ design.T @ (values / sigma)
    chi_square = float(((values / sigma - design @ found) ** 2).sum())
    freedom = len(settings) - 2
    scale = math.sqrt(max(chi_square / freedom, 1.0)) if freedom else 1.0
    error = scale * float(covariance[1, 1] ** 0.5)
    return SettingTrend(slope=Value(float(found[1]), error), chi_square=chi_square, degrees_of_freedom=freedom)


def _mean(values: Sequence[Value]) -> Value:
    weights = np.array([one.sigma**-2 for one in values])
    mean = float((weights * np.array([one.value for one in values])).sum() / weights.sum())
    return Value(mean, float(weights.sum() ** -0.5))


def _line(one: SpectrumPoint, mean: Value) -> str:
    fit = one.fit
    name = f"{one.power_nw:.4g} nW, {one.rate_mhz:.4g} MHz"
    relative = Value(one.yield_per_nw.value / mean.value, one.yield_per_nw.sigma / mean.value)
    return (
        f"{name:<22} {with_error(*fit.light_per_s, '1/s')}, peak {with_error(*fit.peak_ev, 'eV')}, FWHM "
        f"{with_error(1e3 * fit.fwhm_ev.value, 1e3 * fit.fwhm_ev.sigma, 'meV')}, yield {with_error(*relative)}, "
        f"{one.temperature_k:.1f} K"
    )


def _column(name: str, unit: str, values: Sequence[Value]) -> Column:
    return Column(
        name=name,
        unit=unit,
        values=np.array([one.value for one in values]),
        sigma=np.array([one.sigma for one in values]),
    )


def _plain(name: str, unit: str, values: Sequence[float]) -> Column:
    return Column(name=name, unit=unit, values=np.array(values, dtype=float))
