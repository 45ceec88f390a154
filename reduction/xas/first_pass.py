"""The transient of an energy scan before it can be normalised: while its first pass has not covered the edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.xas.energy_windows import points_within
from reduction.xas.exposure_pairs import Gate, exposure_pairs, gates_of
from reduction.xas.spc_energy import require_energy_scan
from reduction.xas.transient import TransientMetadata, transient_metadata

if TYPE_CHECKING:
    from reduction.accumulator import RunAccumulator
    from reduction.types import FloatArray, Mode, PairReference


@dataclass(frozen=True, kw_only=True)
class FirstPass:
    """Pumped and unpumped signal so far, (points,) each; 1 is the highest unpumped signal so far above the pre-edge.

    `transient` is their plain difference with the error of its counts. Neither gate is scaled by its own edge, as in a
    spectrum: a difference of the gains of both gates is in it, and it shrinks when a higher signal is measured.
    """

    energy_ev: FloatArray
    on: FloatArray
    on_sigma: FloatArray
    off: FloatArray
    off_sigma: FloatArray
    transient: FloatArray
    sigma: FloatArray
    metadata: TransientMetadata


def first_pass(accumulator: RunAccumulator, mode: Mode, probe: int, reference: PairReference) -> FirstPass:
    """Return the signals of an energy scan whose post-edge window has no point yet.

    Raises ReductionError once it has, since the normalised spectrum exists then, while only the pre-edge is measured,
    and for a run that is not an energy scan.
    """
    metadata = accumulator.metadata
    require_energy_scan(metadata)
    gates = gates_of(reference, probe, metadata.timing)
    windows = metadata.windows
    # Before the counts are reduced: a window asks in every frame, and this is the answer to most of them.
    if _has_pair(accumulator, gates, windows.post_edge_ev):
        raise ReductionError("The scan has covered its post-edge: its normalised spectrum is shown instead.")
    pairs = exposure_pairs(accumulator, mode, *gates)
    energy = pairs.axis
    pre_edge = points_within(energy, windows.pre_edge_ev, "pre-edge")
    on, off = pairs.summed()
    heights = [part.value - part.value[pre_edge].mean() for part in (on, off)]
    edge = ~pre_edge & (energy > windows.pre_edge_ev[1])
    highest = float(heights[1][edge].max()) if edge.any() else 0.0
    if highest <= 0:
        raise ReductionError("The scan has not reached the edge yet. Wait for its first points above the pre-edge.")
    shared = 2.0 * pairs.correlation_of_sums() * on.sigma * off.sigma
    return FirstPass(
        energy_ev=energy,
        on=heights[0] / highest,
        on_sigma=on.sigma / highest,
        off=heights[1] / highest,
        off_sigma=off.sigma / highest,
        transient=(heights[0] - heights[1]) / highest,
        sigma=np.sqrt(np.maximum(on.sigma**2 + off.sigma**2 - shared, 0.0)) / highest,
        metadata=transient_metadata(
            accumulator, mode=mode, probe=probe, reference=reference, scans=pairs.scans, offset="pre-edge"
        ),
    )


def _has_pair(accumulator: RunAccumulator, gates: tuple[Gate, Gate], window_ev: tuple[float, float]) -> bool:
    """Return whether both gates were measured in the same scan at a point inside the window, eV."""
    on, off = (accumulator.exposures[:, :, gate.laser_shutter] > 0 for gate in gates)
    energy = accumulator.mean_readback("energy_ev")
    inside = (energy >= window_ev[0]) & (energy <= window_ev[1])
    return bool((on & off)[:, inside].any())
