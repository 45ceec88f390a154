"""Results of the runs of photoluminescence microscopy, with their errors and units."""

from __future__ import annotations

from dataclasses import dataclass, field

from reduction.fit_quality import quality_text
from reduction.number_text import with_error
from reduction.run_kind import Headline, RunResults
from reduction.tplm.calibrations import DarkRate, ImageCentre, MeasuredResponse
from reduction.tplm.decay import DecayFit, PowerLaw
from reduction.tplm.displacement import DisplacementLine, Widths
from reduction.tplm.focus import Focus
from reduction.tplm.likelihood import MapFit
from reduction.tplm.limits import diffusivity_text
from reduction.tplm.metadata import Dose
from reduction.tplm.relaxation import MapPoint
from reduction.tplm.timing_share import TimingShare
from reduction.values import Value


@dataclass(frozen=True, kw_only=True)
class MapConditions:
    """Mean settings of a run: power (nW), rate (MHz), temperature (K), density; dose of a pulse; good exposures."""

    power_nw: float
    rate_mhz: float
    temperature_k: float
    nd_od: float
    dose: Dose
    exposures: int
    highest_channel: int

    def lines(self) -> list[str]:
        """Return the settings and the dose as lines of text with their units."""
        dose = self.dose
        return [
            f"{'excitation':<22} {self.power_nw:.4g} nW at {self.rate_mhz:.4g} MHz, {self.temperature_k:.1f} K, "
            f"OD {self.nd_od:g}",
            f"{'dose':<22} {dose.fluence_uj_cm2:.3g} uJ/cm2, <N> = {dose.excitons:.3g}, a visit every "
            f"{dose.waiting_us:.3g} us, heats by {dose.heating_k:.1g} K at most",
        ]


@dataclass(frozen=True, kw_only=True)
class MapResults(RunResults):
    """One map: fit of the whole, widths with lines through them, decay.

    `lifetime_ns`, `tail`, and the lines are None where there is too little light. `paper_cm2_s` is the line through
    (0, 0), as the paper draws it. `diffusivity_cm2_s` is that of the fit, with the errors of magnification, time zero
    and response in it; `timing_share` is the part of the last two. `light` is that of the whole image at all delays.
    `lifetime_correlation` is that of the counting errors of diffusivity and lifetime, -1 to 1.
    """

    uid: str
    conditions: MapConditions
    fit: MapFit
    widths: Widths | None
    line: DisplacementLine | None
    paper_cm2_s: Value | None
    lifetime_ns: Value | None
    tail: PowerLaw | None
    diffusivity_cm2_s: Value
    light: Value | None = None
    timing_share: TimingShare = field(default_factory=TimingShare)
    lifetime_correlation: float = 0.0

    @property
    def point(self) -> MapPoint:
        """The map as one point of a series: its error is that of counting, since all share that of the scale.

        Diffusivity in cm2/s; power in nW; rate in MHz; waiting time in us; temperature in K.
        """
        return MapPoint(
            uid=self.uid,
            power_nw=self.conditions.power_nw,
            rate_mhz=self.conditions.rate_mhz,
            excitons=self.conditions.dose.excitons,
            waiting_us=self.conditions.dose.waiting_us,
            diffusivity=self.fit.diffusivity_cm2_s,
            temperature_k=self.conditions.temperature_k,
        )

    def headline(self) -> Headline:
        """Return the diffusivity, cm2/s."""
        return Headline(quantity="D", value=self.diffusivity_cm2_s, unit="cm2/s")

    def lines(self) -> list[str]:
        """Return settings, diffusivity (cm2/s), centre (um), and decay (ns), as lines of text with errors."""
        centre = self.fit.value("centre")
        lines = [
            *self.conditions.lines(),
            f"{'diffusivity':<22} {diffusivity_text(self.diffusivity_cm2_s)}",
            f"{'fit of the map':<22} chi-square {quality_text(self.fit.chi_square, self.fit.degrees_of_freedom)}",
        ]
        if self.timing_share.diffusivity_cm2_s:
            share = self.timing_share
            lines.append(
                f"{'of time zero, response':<22} {share.diffusivity_cm2_s:.1g} cm2/s and {share.lifetime_ns:.1g} ns of "
                "the errors"
            )
        if self.line is not None:
            quality = quality_text(self.line.chi_square, self.line.degrees_of_freedom)
            slope = with_error(*self.line.diffusivity_cm2_s, "cm2/s")
            lines.append(f"{'line, free intercept':<22} {slope}, chi-square {quality}")
        if self.paper_cm2_s is not None:
            lines.append(f"{'line through (0, 0)':<22} {with_error(*self.paper_cm2_s, 'cm2/s')}")
        lines.append(
            f"{'centre':<22} {with_error(centre.value * 1e-3, centre.sigma * 1e-3, 'um')}, moved by "
            f"{with_error(*self.fit.value('drift'), 'nm')} during the map"
        )
        if self.lifetime_ns is not None:
            lines.append(f"{'prompt lifetime':<22} {with_error(*self.lifetime_ns, 'ns')}")
        if self.tail is not None:
            lines.append(f"{'power-law exponent':<22} {with_error(*self.tail.exponent)}")
        return lines


@dataclass(frozen=True, kw_only=True)
class DecayResults(RunResults):
    """Decay at one place, or of the whole image."""

    conditions: MapConditions
    decay: DecayFit

    def headline(self) -> Headline:
        """Return the lifetime of the prompt light, ns."""
        return Headline(quantity="lifetime", value=self.decay.lifetime_ns, unit="ns")

    def lines(self) -> list[str]:
        """Return settings and decay, ns, as lines of text with errors."""
        lines = [*self.conditions.lines(), f"{'prompt lifetime':<22} {with_error(*self.decay.lifetime_ns, 'ns')}"]
        if self.decay.tail is not None:
            lines.append(f"{'power-law exponent':<22} {with_error(*self.decay.tail.exponent)}")
        return [*lines, f"{'prompt share':<22} {with_error(*self.decay.prompt_share)} of 0 to 20 ns"]


@dataclass(frozen=True, kw_only=True)
class ResponseResults(RunResults):
    """Response and time zero, from the laser's scatter."""

    response: MeasuredResponse

    def headline(self) -> Headline:
        """Return time zero, ps."""
        return Headline(quantity="t0", value=self.response.time_zero_ps, unit="ps")

    def lines(self) -> list[str]:
        """Return time zero, widths, ps, and the share of the tail as lines of text with errors."""
        found = self.response
        return [
            f"{'time zero':<22} {with_error(*found.time_zero_ps, 'ps')}",
            f"{'response, FWHM':<22} {with_error(*found.fwhm_ps, 'ps')}",
            f"{'its tail':<22} {with_error(*found.tail_share)} of the photons, {with_error(*found.tail_ps, 'ps')}",
        ]


@dataclass(frozen=True, kw_only=True)
class DarkResults(RunResults):
    """Rate with the laser shutter closed."""

    dark: DarkRate

    def headline(self) -> Headline:
        """Return the rate with the laser shutter closed, 1/s."""
        return Headline(quantity="dark", value=self.dark.rate_hz, unit="1/s")

    def lines(self) -> list[str]:
        """Return the rate, 1/s, and its scatter as lines of text."""
        return [
            f"{'dark and stray light':<22} {with_error(*self.dark.rate_hz, '1/s')}",
            f"{'scatter of exposures':<22} chi-square "
            f"{quality_text(self.dark.chi_square, self.dark.degrees_of_freedom)}",
        ]


@dataclass(frozen=True, kw_only=True)
class FocusResults(RunResults):
    """Height of the sample at which the image is narrowest."""

    focus: Focus

    def headline(self) -> Headline:
        """Return the height of the focus, um."""
        return Headline(quantity="focus", value=self.focus.height_um, unit="um")

    def lines(self) -> list[str]:
        """Return height (um), full width (nm), and depth (um), as lines of text with errors."""
        found = self.focus
        return [
            f"{'focus at a height of':<22} {with_error(*found.height_um, 'um')}",
            f"{'image there, FWHM':<22} {with_error(*found.fwhm_nm, 'nm')}",
            f"{'area doubles within':<22} {with_error(*found.depth_um, 'um')}",
        ]


@dataclass(frozen=True, kw_only=True)
class CentreResults(RunResults):
    """Centre and width of the image along both axes; None for an axis that was not scanned."""

    x: ImageCentre | None
    y: ImageCentre | None

    def lines(self) -> list[str]:
        """Return centre (um) and full width (nm) along each axis as lines of text with errors."""
        lines = []
        for name, found in (("x", self.x), ("y", self.y)):
            if found is not None:
                text = f"{with_error(*found.centre_um, 'um')}, FWHM {with_error(*found.fwhm_nm, 'nm')}"
                lines.append(f"{'centre along ' + name:<22} {text}")
        return lines
