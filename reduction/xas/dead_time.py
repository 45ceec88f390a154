"""Dead time of the counting beyond one bunch: a count may leave the photodiode blind for the next bunch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.pileup import true_counts, true_counts_variance
from reduction.values import Value
from reduction.xas.exposure_pairs import SHUTTER_OPEN, gate_signal, reference_gate

if TYPE_CHECKING:
    from reduction.accumulator import RunAccumulator
    from reduction.types import FloatArray

LEAST_POINTS = 10
"""Points of different signal that the fit of the factor needs."""

_ROUNDS = 4


def fit_dead_time(run: RunAccumulator) -> Value:
    """Return the share of the counts after which a photodiode is blind for the next bunch, with its error.

    From an energy scan with boxcar and photon counting: with a share q, counting loses the part q c of the counts of a
    gate, where c is the probability of a count in the gate of the bunch before. The boxcar loses nothing, so photons
    per pulse follow its mean, a V + b, once they are corrected by the right q. Both see the same jet. A share that the
    run was configured with is left out. Give the result as `spc_dead_share` in [exposure]. Raises
    ReductionError for a run without boxcar, with fewer than ten points, or without gates one bunch apart.
    """
    timing = run.metadata.timing
    gate = reference_gate(timing)
    before = timing.previous_gates[gate.probe]
    if not {"spc", "boxcar"} <= set(run.metadata.modes) or before is None:
        raise ReductionError("The dead time needs a run with photon counting, boxcar, and gates one bunch apart.")
    signal_v = gate_signal(run, "boxcar", gate._replace(others=()))
    counts = run.counts[:, :, SHUTTER_OPEN]
    pulses = run.pulses[:, :, SHUTTER_OPEN]
    measured = (pulses[..., gate.probe] > 0) & (pulses[..., before] > 0) & (signal_v.flux > 0)
    if measured.sum() < LEAST_POINTS:
        raise ReductionError(f"The dead time needs {LEAST_POINTS} exposures of different signal. Scan over an edge.")
    opened = pulses[measured][:, gate.probe]
    seconds = run.exposure_s[:, :, SHUTTER_OPEN][measured]
    volts = signal_v.signal[measured] / seconds
    own = counts[measured][:, :, gate.probe]
    fires = counts[measured][:, :, before] / pulses[measured][:, before, None]
    share = Value(0.0, 0.0)
    # What is left of the loss after the correction by the share so far: pile-up makes it deviate from proportionality.
    for _ in range(_ROUNDS):
        live = opened[:, None] * (1.0 - share.value * fires)
        photons = (true_counts(own, live) / live).sum(axis=1)
        sigma = np.sqrt((true_counts_variance(own, live) / live**2).sum(axis=1))
        more = _fitted(volts, fires.mean(axis=1), photons, sigma)
        share = Value(share.value + more.value, more.sigma)
    return share


def _fitted(volts: FloatArray, fires: FloatArray, photons: FloatArray, sigma: FloatArray) -> Value:
    """Return the share of the counts that is still missing, from photons per pulse against the boxcar's mean, V."""
    # The lost part is q c times the photons without loss. Those are taken from the boxcar, whose noise is small: with
    # the counted ones, their own noise would stand on both sides.
    plain = np.column_stack([volts, np.ones_like(volts)]) / sigma[:, None]
    line = plain @ np.linalg.lstsq(plain, photons / sigma)[0] * sigma
    design = np.column_stack([volts, np.ones_like(volts), -fires * line]) / sigma[:, None]
    covariance = np.linalg.pinv(design.T @ design)
    found = covariance @ (design.T @ (photons / sigma))
    residual = photons / sigma - design @ found
    # The boxcar has noise of its own, and the jet differs a little within an exposure: the scatter decides.
    scatter = max(1.0, float(residual @ residual) / (len(volts) - 3))
    return Value(float(found[2]), float(np.sqrt(covariance[2, 2] * scatter)))
