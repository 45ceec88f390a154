"""Errors of the fit of a map: covariances of its parameters and of its spectra."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from errors import ReductionError
from reduction.xas.map_problem import MapProblem
from reduction.xas.map_search import MapOptimum

if TYPE_CHECKING:
    from reduction.types import FloatArray

_WORST_CONDITION = 1e12
_NOT_DETERMINED = (
    "The map does not determine all parameters of this model. Measure more delays, or fit fewer lifetimes "
    "(kinetics='1')."
)


class Covariances(NamedTuple):
    """Covariances of the parameters, (n, n): with the noise of the spectra, and from the curvature alone."""

    whole: FloatArray
    curvature: FloatArray


def covariances_of(problem: MapProblem, parameters: FloatArray) -> Covariances:
    """Return the covariances of the parameters, from residuals of unit variance.

    Raises ReductionError if the data do not determine them.
    """
    # The square M of the Jacobian holds the truth and what the noise of the spectra adds, N. The noise moves the
    # parameters as well, so their covariance is neither 1/M nor 1/(M - N) but (M - N)^-1 M (M - N)^-1. At high
    # statistics N vanishes and all three are the same.
    jacobian = problem.jacobian(parameters)
    scale = np.sqrt((jacobian**2).sum(axis=0))
    # Columns are scaled to one before the inversion: only then does the condition number show what is determined.
    if np.any(scale == 0) or np.linalg.cond(jacobian / scale) ** 2 > _WORST_CONDITION:
        raise ReductionError(_NOT_DETERMINED)
    scales = np.outer(scale, scale)
    square = jacobian.T @ jacobian / scales
    information = square - problem.noise_information(parameters) / scales
    if np.linalg.eigvalsh(information).min() <= 1.0 / _WORST_CONDITION:
        raise ReductionError(_NOT_DETERMINED)
    inverse = np.linalg.inv(information)
    return Covariances(inverse @ square @ inverse / scales, np.linalg.inv(square) / scales)


def spectra_of(best: MapOptimum, covariance: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return the spectra relative to the unpumped signal, shape (components, energies), and their covariances.

    The covariances are (components, energies, energies). The third result are the derivatives with respect to the
    parameters, (energies, components, parameters), the fourth the covariances of each energy alone, (energies,
    components, components).
    """
    # A has the errors of its own energy at fixed decays, and follows the decays with the slope dA/dp = -R^-1 Q^T (slope
    # of the model): that part is common to all energies.
    part = best.part
    slopes = best.problem.slopes(best.parameters, part.spectra)
    inverse = np.linalg.inv(part.triangle)
    follows = -inverse @ np.einsum("erk,erp->ekp", part.basis, slopes)
    own = np.einsum("eki,eli->ekl", inverse, inverse)
    common = np.einsum("ekp,pq,fkq->kef", follows, covariance, follows)
    whole = common + np.einsum("ekk,ef->kef", own, np.eye(len(own)))
    return part.spectra.T, whole, follows, own
