"""Absorption of the sample itself, as the diode behind it shows it: how much it weakens its own fluorescence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.number_text import with_error
from reduction.values import Value
from reduction.xas.calibration import foil_absorption

if TYPE_CHECKING:
    from reduction.accumulator import RunAccumulator
    from reduction.xas.transient import Spectrum

LEAST_POINTS = 12
"""Points that the fit of a level, a slope and a step needs to show its own scatter."""

SEEN_SIGMAS = 5.0
"""Errors above which a step is that of the sample, and not of a diode that drifts."""

LARGEST_STEP = 0.2
"""Step above which a diode of a run that does not state its foil is taken to stand behind one of the same element: a
foil is about one absorption length thick, and fluorescence of a sample with such a step would be 10 % weaker."""

LARGEST_LOSS = 0.02
"""Loss of fluorescence per edge step above which sizes of transients are marked (chosen: the error of a good slope)."""


OTHER_SIGMAS = 3.0
"""Difference from the step of the configured concentration, in errors, above which a sentence states both."""


@dataclass(frozen=True, kw_only=True)
class SampleAbsorption:
    """Step of ln(I0/I) over the sample's edge, without unit, with its error; `corrected` is the corrected loss.

    `corrected` is None for a run that does not state the geometry of its jet. `configured`: the step by the configured
    concentration, None without one.
    """

    step: Value
    corrected: Value | None = None
    by_concentration: bool = False
    configured: Value | None = None

    @property
    def loss(self) -> Value:
        """Loss of fluorescence per edge step, without unit; half of the step if no geometry is stated."""
        return self.corrected or Value(self.step.value / 2, self.step.sigma / 2)

    @property
    def line(self) -> str:
        """The step in %, and the loss of fluorescence that follows from it, as one line."""
        step = with_error(100 * self.step.value, 100 * self.step.sigma)
        source = ", by its concentration" if self.by_concentration else ""
        text = f"{'absorption of sample':<22} {step} % over the edge{source}; "
        if self.corrected is None:
            return f"{text}fluorescence {100 * self.loss.value:.2g} % weaker"
        loss = with_error(100 * self.loss.value, 100 * self.loss.sigma)
        return f"{text}corrected: fluorescence was {loss} % weaker"

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences on a loss above 2 %, what is not corrected for it, and on a concentration other than configured."""
        other = other_concentration(self.step, self.configured)
        if self.loss.value < LARGEST_LOSS:
            return other
        loss = with_error(100 * self.loss.value, 100 * self.loss.sigma)
        if self.corrected is not None:
            return (
                f"The fluorescence of the sample is {loss} % weaker above the edge (self-absorption). This spectrum is "
                "corrected; amplitudes of delay scans and slopes of fluence scans only for what the configured "
                "concentration expects, unless `reduce` finds this spectrum in the store: correct it in [jet].",
                *other,
            )
        return (
            f"The sample absorbs so much that its fluorescence is {loss} % weaker above the edge (self-absorption): "
            "white lines, transients and slopes are too small by about that share, C is distorted. Describe the jet in "
            "[jet] of the configuration, and later spectra are corrected; or dilute the sample, or use a thinner jet.",
        )


def other_concentration(step: Value, configured: Value | None) -> tuple[str, ...]:
    """Return a sentence if a measured step of ln(I0/I) is not that of the configured concentration; empty otherwise."""
    if configured is None or abs(step.value - configured.value) < OTHER_SIGMAS * math.hypot(
        step.sigma, configured.sigma
    ):
        return ()
    shown = with_error(100 * step.value, 100 * step.sigma)
    expected = with_error(100 * configured.value, 100 * configured.sigma)
    return (
        f"The sample absorbs {shown} % over its edge, and {expected} % by the concentration in [jet]. Correct "
        "concentrations_g_l: amplitudes and slopes that no spectrum accompanies are corrected by it.",
    )


def sample_absorption(run: RunAccumulator, spectrum: Spectrum) -> SampleAbsorption | None:
    """Return the absorption of the sample over its edge, without unit; None where nothing shows a significant one.

    By the diode behind the sample, or by the concentration that the run states with the geometry of its jet. The loss
    for which the `spectrum` was corrected is stated, if it was.
    """
    loss = spectrum.absorption_loss
    corrected = loss if loss.sigma > 0 else None
    step = measured_step(run, spectrum)
    configured = None if run.metadata.jet is None else run.metadata.jet.expected_step
    if step is not None:
        return SampleAbsorption(step=step, corrected=corrected, configured=configured)
    if corrected is None or configured is None:
        return None
    return SampleAbsorption(step=configured, corrected=corrected, by_concentration=True)


def measured_step(run: RunAccumulator, spectrum: Spectrum) -> Value | None:
    """Return the step of ln(I0/I) of the sample over its edge, without unit, by a diode behind it; None if it has none.

    Fit of ln(I0/I) by a level, a slope and the unpumped `spectrum` (0 before, 1 after the edge). The error comes from
    the scatter about the fit. A step below five of its errors is none, and behind a foil of the absorber there is none.
    """
    if run.metadata.foil_in_beam == run.metadata.absorber:
        return None
    try:
        found = foil_absorption(run)
    except ReductionError:
        return None
    if found.energy_ev.size < LEAST_POINTS:
        return None
    shape = np.interp(found.energy_ev, spectrum.energy_ev, spectrum.off)
    apart = found.energy_ev - found.energy_ev.mean()
    design = np.column_stack([np.ones_like(apart), apart, shape])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return None
    inverse = np.linalg.pinv(design)
    solution = inverse @ found.absorption
    residual = found.absorption - design @ solution
    variance = float(residual @ residual) / (apart.size - design.shape[1])
    step = Value(float(solution[2]), float(np.sqrt(variance * (inverse[2] @ inverse[2]))))
    if run.metadata.foil_in_beam is None and step.value > LARGEST_STEP:
        return None
    return step if step.value > SEEN_SIGMAS * step.sigma else None
