"""Absorption of the sample itself, as the diode behind it shows it: how much it weakens its own fluorescence."""

from __future__ import annotations

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

LARGEST_LOSS = 0.02
"""Loss of fluorescence per edge step above which sizes of transients are marked (chosen: the error of a good slope)."""


@dataclass(frozen=True, kw_only=True)
class SampleAbsorption:
    """Step of ln(I0/I) over the sample's edge, without unit, with its error."""

    step: Value

    @property
    def loss(self) -> Value:
        """Loss of fluorescence per edge step, without unit: half of the step, as it comes from all depths alike."""
        return Value(self.step.value / 2, self.step.sigma / 2)

    @property
    def line(self) -> str:
        """The step in %, and the loss of fluorescence that follows from it, as one line."""
        step = with_error(100 * self.step.value, 100 * self.step.sigma)
        return f"{'absorption of sample':<22} {step} % over the edge; fluorescence {100 * self.loss.value:.2g} % weaker"

    @property
    def remarks(self) -> tuple[str, ...]:
        """A sentence if the sample weakens its fluorescence by more than 2 %."""
        if self.loss.value < LARGEST_LOSS:
            return ()
        loss = with_error(100 * self.loss.value, 100 * self.loss.sigma)
        return (
            f"The sample absorbs so much that its fluorescence is {loss} % weaker above the edge (self-absorption): "
            "white lines, transients and slopes are too small by about that share, C is distorted. Dilute the sample, "
            "or use a thinner jet.",
        )


def sample_absorption(run: RunAccumulator, spectrum: Spectrum) -> SampleAbsorption | None:
    """Return the absorption of the sample over its edge, by a diode behind it; None where it shows no significant one.

    Fit of ln(I0/I) by a level, a slope and the unpumped `spectrum` (0 before, 1 after the edge). The error comes from
    the scatter about the fit.
    """
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
    return SampleAbsorption(step=step) if step.value > SEEN_SIGMAS * step.sigma else None
