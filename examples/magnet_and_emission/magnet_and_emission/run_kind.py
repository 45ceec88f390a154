"""The run kind of the technique: how its runs are recognised, summed, reduced, drawn as a curve, and worded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from errors import ReductionError
from reduction.events import PrimaryEvents
from reduction.number_text import with_error
from reduction.run_kind import CurveChoice, RunCurve, RunKind, RunResults
from reduction.types import FloatArray
from reduction.values import Value

COUNTS = "emission_counts"
AXIS = "analyser_ev"
LEAST_POINTS = 6
"""Number of points from which a line with four parameters is fitted."""


class EmissionSums:
    """Sums of an emission scan: counts, I0 and energy of the analyser (eV) at every point.

    Call it with `(name, document)`.
    """

    def __init__(self) -> None:
        self.start: Mapping[str, Any] = {}
        self._events = PrimaryEvents()
        # Rows: counts, I0, exposures, analyser energy times exposures.
        self._sums = np.zeros((4, 0))

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take one document; exposures whose quality is not good are left out."""
        if name == "start":
            self.start = doc
            self._sums = np.zeros((4, len(doc["grid"]["points"])))
        for event in self._events(name, doc):
            data = event["data"]
            if not data["quality"]:
                self._sums[:, int(data["point_index"])] += data[COUNTS], data["i0"], 1.0, data[AXIS]

    def spectrum(self) -> EmissionSpectrum:
        """Return the spectrum of all points measured so far; raises ReductionError before the first."""
        counts, i0, exposures, energies = self._sums[:, self._sums[2] > 0]
        if not counts.size:
            raise ReductionError("No point has been measured yet. Wait for the first one.")
        # sqrt(N + 1/2), so that a point without counts keeps a finite weight.
        scale = i0.mean() / i0
        return EmissionSpectrum(
            energy_ev=energies / exposures, intensity=counts * scale, sigma=np.sqrt(counts + 0.5) * scale
        )


@dataclass(frozen=True, kw_only=True)
class EmissionSpectrum:
    """Counts at the mean I0 against the energy of the analyser, eV, with their counting errors; (points,) each."""

    energy_ev: FloatArray
    intensity: FloatArray
    sigma: FloatArray


@dataclass(frozen=True, kw_only=True)
class EmissionResults(RunResults):
    """The spectrum, and its line as a Lorentzian on a constant background; None if too few points were measured."""

    spectrum: EmissionSpectrum
    line_ev: Value | None = None
    width_ev: Value | None = None

    def lines(self) -> list[str]:
        """Return position and full width of the line, eV, with their errors."""
        if self.line_ev is None or self.width_ev is None:
            return [f"{'emission spectrum':<22} points: {self.spectrum.energy_ev.size}"]
        return [
            f"{'emission line':<22} {with_error(*self.line_ev)} eV",
            f"{'full width':<22} {with_error(*self.width_ev)} eV",
        ]


def lorentzian(energy_ev: FloatArray, line_ev: float, width_ev: float, height: float, background: float) -> FloatArray:
    """Return a Lorentz line of full width `width_ev`, eV, on a background, (points,), in the unit of `height`."""
    detuning = 2.0 * (energy_ev - line_ev) / width_ev
    return np.asarray(height / (1.0 + detuning**2) + background)


def _reduce(sums: EmissionSums) -> RunResults:
    found = sums.spectrum()
    if found.energy_ev.size < LEAST_POINTS:
        remark = f"No line: {found.energy_ev.size} of {LEAST_POINTS} points that a fit needs."
        return EmissionResults(kind=EMISSION.name, spectrum=found, remarks=(remark,))
    # The fit starts at the highest point: with a start elsewhere it may end on the noise of the background.
    top = int(found.intensity.argmax())
    start = (found.energy_ev[top], 4.0, found.intensity[top], max(found.intensity.min(), 1.0))
    try:
        fit, covariance = scipy.optimize.curve_fit(
            lorentzian, found.energy_ev, found.intensity, start, found.sigma, absolute_sigma=True
        )
    except RuntimeError as error:
        return EmissionResults(kind=EMISSION.name, spectrum=found, remarks=(f"No line: {error}",))
    errors = np.sqrt(np.diag(covariance))
    return EmissionResults(
        kind=EMISSION.name,
        spectrum=found,
        line_ev=Value(float(fit[0]), float(errors[0])),
        width_ev=Value(abs(float(fit[1])), float(errors[1])),
    )


def _curve(sums: EmissionSums, _: CurveChoice) -> RunCurve:
    found = sums.spectrum()
    return RunCurve(
        uid=str(sums.start["uid"]),
        axis=AXIS,
        quantity="emission (counts at mean I0)",
        x=found.energy_ev,
        y=found.intensity,
        sigma=found.sigma,
    )


EMISSION = RunKind(
    name="X-ray emission",
    is_kind=lambda start: start.get("plan_name") == "emission_scan",
    sums=lambda _: EmissionSums(),
    reduce=_reduce,
    curve=_curve,
    exposure_text=lambda data: f"{data[COUNTS]:8d} photons",
    shown=("field_t",),
)
