"""Sizes of the transient at later gates relative to that at the pumped one, and the weights of all gates they imply.

The transients t_g of all gates after the pump are measured against one reference gate. A sample whose spectrum changes
in size and not in shape has t_g = a_g D, with a = 1 at the pumped gate: a few shares describe all energies. The best
estimate of D is then the mean of the t_g with the weights C^-1 a / (a' C^-1 a), where C holds the variances of the
gates, and that of the reference, which all t_g have in common. A late gate with a small share gets a negative weight:
it is one more reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from errors import ReductionError
from reduction.fit_quality import p_value

if TYPE_CHECKING:
    from reduction.types import FloatArray

LEAST_SIGNAL = 100.0
"""Squared signal-to-noise ratio of the whole spectrum below which the shares are too uncertain to gain anything.

What differences in gain and zero between the gates could imitate is left out of it.
"""

OTHER_SHAPE = 1e-3
"""p-value below which the transients of the gates differ in shape; one false alarm in a thousand spectra."""


@dataclass(frozen=True, kw_only=True)
class GateShares:
    """Shares `a` of the gates, (gates,), the pumped one first with 1, and the covariance of the others.

    `variance` (gates, gates): covariance of the transients relative to the variance of the reference gate.
    `chi_square` compares the shapes of all gates. `signal`: squared signal-to-noise ratio of the whole transient.
    """

    share: FloatArray
    covariance: FloatArray
    variance: FloatArray
    chi_square: float
    degrees_of_freedom: int
    signal: float

    @property
    def weights(self) -> FloatArray:
        """Weights of the transients of all gates in their mean, (gates,), for which the share of the mean is 1."""
        solved = np.linalg.solve(self.variance, self.share)
        return np.asarray(solved / (self.share @ solved))

    @property
    def variance_of_mean(self) -> float:
        """Variance of the weighted mean, relative to that of the reference gate."""
        return float(1.0 / (self.share @ np.linalg.solve(self.variance, self.share)))

    @property
    def variance_ratio(self) -> float:
        """Variance of the weighted mean over that of the transient of two gates."""
        return self.variance_of_mean / float(self.variance[0, 0])

    @property
    def p_value(self) -> float:
        """Probability that noise alone makes shapes differ as much as they do."""
        return p_value(self.chi_square, self.degrees_of_freedom)


def fit_gate_shares(
    transients: FloatArray, variance: FloatArray, point_variance: FloatArray, nuisances: FloatArray
) -> GateShares:
    """Return the shares of `transients`, (gates, points), the pumped gate first, by maximum likelihood.

    `variance` (gates, gates) is relative to `point_variance` (points,), the variance of the reference gate. Each gate
    but the pumped one may add any multiple of each of the `nuisances`, (n, points), such as the static spectrum where
    gates differ in gain. Raises ReductionError if the transient is too weak, or if its shape differs between gates.
    """
    # The true transient of every point is free, and so is any multiple of each nuisance: one of the pumped gate would
    # only rename the transient. Whitened and without the nuisances, what is left is a product of one direction in the
    # space of the gates and one transient. The direction with the least across it is the first singular vector, which
    # no search can miss. All gates enter it alike: noise of the pumped gate does not pull the shares towards 0, as it
    # would in a regression on that gate.
    root = np.linalg.cholesky(variance)
    scale = np.sqrt(point_variance)
    free = len(nuisances)
    whitened = _without(nuisances / scale, np.linalg.solve(root, transients / scale))
    directions, strengths, _ = np.linalg.svd(whitened, full_matrices=False)
    first = root @ directions[:, 0]
    share = first / first[0]
    points = whitened.shape[1] - free
    signal = float(strengths[0] ** 2) - points
    if not signal > LEAST_SIGNAL:
        raise ReductionError(
            f"The transient is too weak to use all gates: its squared signal-to-noise ratio is {max(signal, 0.0):.0f}, "
            f"at least {LEAST_SIGNAL:.0f} is needed. Count longer."
        )
    # The free transient has noise of its own, 1 per point. It looks like signal in the derivatives, once directly and
    # once through the residuals: they hold S + 2 P for a signal S and P points. And it gives no leverage on the shares,
    # whose information is S^2 / (S + P) (errors in both variables: Fuller 1987, Measurement Error Models, ch. 1).
    # Without this, errors of shares are too small by 1 + P / S: 1.37 for the weakest signal of 44 points. All this
    # holds for what the nuisances leave of signal and points, which is what `whitened` holds.
    information = _information(root, share, whitened)
    shares = GateShares(
        share=share,
        covariance=np.asarray(np.linalg.inv(information) * (signal + points) * (signal + 2 * points) / signal**2),
        variance=variance,
        chi_square=float(np.sum(strengths[1:] ** 2)),
        degrees_of_freedom=(share.size - 1) * (points - 1),
        signal=signal,
    )
    if shares.p_value < OTHER_SHAPE:
        raise ReductionError(
            f"The transient has another shape at later gates (p = {shares.p_value:.1g}), so they cannot add to it. "
            "Use the two gates."
        )
    return shares


def _information(root: NDArray[np.floating], share: FloatArray, whitened: FloatArray) -> FloatArray:
    """Return the inner products of the derivatives of the residuals, (gates - 1, gates - 1), at the fitted `share`."""
    # The residual is W - d d'W / d'd, W being the whitened transients and d the whitened shares. A share turns d within
    # what is across it (`across`): the product gains there, and what lies across gains along d.
    direction = np.linalg.solve(root, share)
    length = direction @ direction
    turned = np.linalg.solve(root, np.eye(share.size)[:, 1:])
    across = turned - np.outer(direction, direction @ turned) / length
    along = direction @ whitened
    rest = across.T @ whitened
    return np.asarray(across.T @ across * (along @ along) / length**2 + rest @ rest.T / length)


def _without(nuisances: FloatArray, values: NDArray[np.floating]) -> FloatArray:
    """Return the part of `values`, (gates, points), that no combination of the `nuisances`, (n, points), explains."""
    basis, _ = np.linalg.qr(nuisances.T)
    return np.asarray(values - (values @ basis) @ basis.T)
