"""Correlation of the fitted quantities: which of them a fit can only determine together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reduction.xas.kinetics.quantities import combinations_of

if TYPE_CHECKING:
    from reduction.types import FloatArray
    from reduction.xas.kinetics.fitted import KineticsFit

STRONG = 0.9
"""Absolute correlation from which on a pair is named: the error of either would halve if the other were known."""

_WIDTH = 9
_SHORT = {"irf_sigma_ps": "response", "offset_rate_per_ns": "1/tau_off"}


@dataclass(frozen=True, kw_only=True, repr=False)
class CorrelationMatrix:
    """Correlation of the quantities `names` of a fit, `values` (n, n) between -1 and 1, without unit."""

    names: tuple[str, ...]
    values: FloatArray

    @classmethod
    def of(cls, fit: KineticsFit) -> CorrelationMatrix:
        """Return the correlations of all quantities of a fit that have an error, response and amplitude included.

        They are those of the covariance at the best fit; a lifetime has those of its logarithm.
        """
        combinations = combinations_of(fit)
        slopes = np.array([[one.slopes.get(name, 0.0) for name in fit.parameters] for one in combinations.values()])
        covariance = slopes @ fit.covariance @ slopes.T
        known = np.diag(covariance) > 0
        sigma = np.sqrt(np.diag(covariance)[known])
        return cls(
            names=tuple(name for name, is_known in zip(combinations, known, strict=True) if is_known),
            values=covariance[np.ix_(known, known)] / np.outer(sigma, sigma),
        )

    def __getitem__(self, pair: tuple[str, str]) -> float:
        """Return the correlation of two quantities by name, -1 to 1; raises KeyError for an unknown name."""
        for name in pair:
            if name not in self.names:
                raise KeyError(f"{name!r} is not one of {', '.join(self.names)}")
        first, second = map(self.names.index, pair)
        return float(self.values[first, second])

    def lines(self) -> list[str]:
        """Return the lower half of the matrix as lines of text, then the strongly correlated pairs."""
        label = max(map(len, self.names))
        lines = [f"{'':<{label}} " + " ".join(f"{_SHORT.get(name, name):>{_WIDTH}}" for name in self.names)]
        for index, name in enumerate(self.names):
            row = " ".join(f"{value:>{_WIDTH}.2f}" for value in self.values[index, : index + 1])
            lines.append(f"{name:<{label}} {row}")
        pairs = [
            f"{self.names[low]} and {self.names[high]} ({self.values[high, low]:.2f})"
            for high in range(len(self.names))
            for low in range(high)
            if abs(self.values[high, low]) > STRONG
        ]
        return [*lines, f"Strongly correlated, above {STRONG:g}: {', '.join(pairs)}."] if pairs else lines

    def __repr__(self) -> str:
        """Return the matrix as text, as the prompt shows it."""
        return "\n".join(self.lines())
