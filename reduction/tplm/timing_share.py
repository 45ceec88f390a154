"""Share of the measured time zero and response in the errors of a map."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from reduction.tplm.likelihood import data_of, refitted
from reduction.tplm.response import Response, emission_times

if TYPE_CHECKING:
    from reduction.tplm.likelihood import MapFit
    from reduction.tplm.map_sums import Exposures
    from reduction.tplm.metadata import MapMetadata


@dataclass(frozen=True, kw_only=True)
class TimingShare:
    """Standard errors of the diffusivity (cm2/s) and of the lifetime (ns) by time zero and response alone."""

    diffusivity_cm2_s: float = 0.0
    lifetime_ns: float = 0.0


def timing_share(fit: MapFit, seen: Exposures, metadata: MapMetadata) -> TimingShare:
    """Return what the covariance of time zero and response adds to the errors of `fit`; 0 if there is none.

    Raises ReductionError if the map cannot be fitted with a timing that is wrong by its error.
    """
    covariance = metadata.timing_covariance
    if covariance is None:
        return TimingShare()
    data = data_of(fit, seen, metadata)
    lifetime_ns = fit.lifetime_ns(metadata).value
    steps = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    slopes = np.zeros((2, len(steps)))
    # The same channels are fitted again with delays and response changed by one error each. Choosing the channels by
    # the changed delays would let single channels enter and leave the fit, whose noise would be taken for a slope.
    for place in np.flatnonzero(steps):
        changed = np.zeros(len(steps))
        changed[place] = steps[place]
        delay_ns = data.prompt.delay_ns - 1e-3 * changed[0]
        other = replace(metadata, response=_changed(metadata.response, changed))
        emitted = emission_times(delay_ns, lifetime_ns, other.response, width_ns=data.prompt.width_ns)
        moved = replace(data, emitted=emitted)
        found = replace(refitted(fit, moved), delay_ns=delay_ns)
        slopes[0, place] = (found.diffusivity_cm2_s.value - fit.diffusivity_cm2_s.value) / steps[place]
        slopes[1, place] = (found.lifetime_ns(other).value - lifetime_ns) / steps[place]
    # Time zero and response come from one fit, and are correlated: an early time zero goes with a wide response. So the
    # covariance is propagated as a whole, and not error by error.
    variances = np.maximum(np.diag(slopes @ covariance @ slopes.T), 0.0)
    return TimingShare(diffusivity_cm2_s=float(np.sqrt(variances[0])), lifetime_ns=float(np.sqrt(variances[1])))


def _changed(response: Response, change: np.ndarray) -> Response:
    return Response(
        fwhm_ps=max(response.fwhm_ps + change[1], 1.0),
        tail_share=float(np.clip(response.tail_share + change[2], 0.0, 0.99)),
        tail_ps=max(response.tail_ps + change[3], 1.0),
    )
