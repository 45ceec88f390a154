"""Spatial overlap of laser and X-rays: the transient against the laser pointing, and the Gaussian through it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import OptimizeWarning, curve_fit

from errors import InputError, ReductionError
from reduction.events import PRIMARY, events_of
from reduction.pileup import true_counts, true_counts_variance

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from reduction.types import Document, FloatArray

LEAST_HEIGHT_SIGMAS = 5.0
"""A maximum smaller than this is none (one in 1.7 million by chance)."""

_AXES = ("pointing_horizontal_um", "pointing_vertical_um")
_KEYS = ("grid", "pumped_probe", "unpumped_probe")


class OverlapSums:
    """Running sums of one overlap scan: photons of the pumped and the unpumped probe at every mirror position.

    Call it with `(name, document)`. Only good exposures with the laser shutter open count; both APDs are added. Raises
    ReductionError for a start document that is not that of an overlap scan.
    """

    def __init__(self) -> None:
        self.start: Document = {}
        self._streams: dict[str, str] = {}
        # Rows: photons pumped and unpumped, their variances, sum of positions, exposures.
        self._sums = np.zeros((6, 0))

    def __call__(self, name: str, doc: Document) -> None:
        """Take one document of the bluesky event model."""
        if name == "start":
            self._begin(doc)
        elif name == "descriptor":
            self._streams[doc["uid"]] = doc.get("name", PRIMARY)
        for event in events_of(name, doc):
            if self._streams.get(event["descriptor"]) == PRIMARY:
                self._add(event["data"])

    @property
    def axis(self) -> str:
        """Event field of the scanned mirror."""
        return str(self.start["grid"]["axis"])

    def change(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return mirror positions, um, ln(pumped / unpumped) there and its counting error, (points,) each.

        The logarithm of the ratio within an exposure, in which jet and flux cancel. Raises ReductionError before the
        first good exposure.
        """
        measured = (self._sums[5] > 0) & (self._sums[:2] > 0).all(axis=0)
        if not measured.any():
            raise ReductionError("The run holds no good exposure yet. Wait for the first point.")
        pumped, unpumped, pumped_variance, unpumped_variance, position, exposures = self._sums[:, measured]
        sigma = np.sqrt(pumped_variance / pumped**2 + unpumped_variance / unpumped**2)
        return position / exposures, np.log(pumped / unpumped), sigma

    def _begin(self, doc: Document) -> None:
        missing = [key for key in _KEYS if key not in doc]
        if missing or doc["grid"].get("axis") not in _AXES:
            raise ReductionError(
                f"This is not a run of the plan overlap_scan (missing: {', '.join(missing) or 'a mirror to scan'})."
            )
        self._sums = np.zeros((6, len(doc["grid"]["points"])))
        self.start = doc

    def _add(self, data: Document) -> None:
        if data["quality"] or data["laser_shutter"] != 1:
            return
        try:
            probes = [int(self.start[key]) for key in ("pumped_probe", "unpumped_probe")]
            counts = np.asarray(data["spc_counts"], dtype=float)[:, probes]
            pulses = np.asarray(data["spc_pulses"], dtype=float)[probes]
            row = [*true_counts(counts, pulses).sum(axis=0), *true_counts_variance(counts, pulses).sum(axis=0)]
            self._sums[:, int(data["point_index"])] += [*row, float(data[self.axis]), 1.0]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            if isinstance(error, ReductionError):
                raise
            raise ReductionError(f"An event of the overlap scan lacks a value, or one is wrong: {error!r}.") from error


@dataclass(frozen=True)
class OverlapFit:
    """Where the transient is largest and how wide it is (FWHM), um, with standard errors."""

    center_um: float
    center_sigma_um: float
    fwhm_um: float
    fwhm_sigma_um: float


def fit_overlap(position_um: ArrayLike, transient: ArrayLike, sigma: ArrayLike) -> OverlapFit:
    """Fit a Gaussian on a constant to the transient (n,) with errors (n,) at mirror positions (n,), n at least 6.

    The transient follows the laser intensity, as long as it does not saturate. Raises InputError for arrays that do
    not fit together, ReductionError if there is no maximum within the positions.
    """
    x, y, error = (np.asarray(values, dtype=float) for values in (position_um, transient, sigma))
    if x.ndim != 1 or not x.shape == y.shape == error.shape or x.size < 6 or not np.all(np.isfinite([x, y, error])):
        raise InputError(f"An overlap fit needs 6 or more positions, transients and errors, not {x.shape}, {y.shape}.")
    if not np.all(error > 0):
        raise InputError("The errors of an overlap fit must be above 0.")
    baseline = float(np.median(y))
    peak = int(np.argmax(np.abs(y - baseline)))
    guess = (baseline, y[peak] - baseline, x[peak], np.ptp(x) / 3)
    try:
        with warnings.catch_warnings(action="error", category=OptimizeWarning):
            found, covariance = curve_fit(_gaussian, x, y, guess, error, absolute_sigma=True)
    except (RuntimeError, OptimizeWarning) as failure:
        raise ReductionError(f"No maximum of the transient: {failure}. Widen the scan, or count longer.") from failure
    errors = np.sqrt(np.diag(covariance))
    if not abs(found[1]) > LEAST_HEIGHT_SIGMAS * errors[1] or not x.min() <= found[2] <= x.max():
        raise ReductionError(
            f"No maximum of the transient within {x.min():g} to {x.max():g} um: height {found[1]:.3g} +- "
            f"{errors[1]:.1g} at {found[2]:.3g} um. Widen the scan, count longer, or look at time zero first."
        )
    return OverlapFit(float(found[2]), float(errors[2]), abs(float(found[3])), float(errors[3]))


def _gaussian(x: Any, baseline: float, height: float, center: float, fwhm: float) -> Any:
    return baseline + height * np.exp(-4 * np.log(2) * ((x - center) / fwhm) ** 2)
