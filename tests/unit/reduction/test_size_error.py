"""If these fail, the size of a transient by counting has an error that is too small."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plans.grids import join_regions
from reduction.accumulator import accumulate
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.unpumped_size import transient_size
from tests.support.simulated_runs import Document, SimulatedRuns

GRID_EV = ((13_450, 13_460, 5), (13_466, 13_474, 2), (13_480, 13_516, 12), (13_530, 13_570, 20))


def more_counts(documents: list[Document], point: int, gate: int) -> list[Document]:
    """The same run with one standard deviation more counts in one gate of the first photodiode at a point."""
    changed = []
    for name, document in documents:
        data: dict[str, Any] = document.get("data", {})
        if data.get("point_index") == point:
            counts = np.array(data["spc_counts"], dtype=float)
            missing = 1.0 - counts[0, gate] / np.asarray(data["spc_pulses"])[gate]
            counts[0, gate] += np.sqrt(counts[0, gate] * missing)
            document = document | {"data": {**data, "spc_counts": counts}}
        changed.append((name, document))
    return changed


def test_the_size_has_the_errors_of_offsets_and_scales() -> None:
    """Lost: a tenth of the error, as on and off each have an offset and a scale of few points."""
    points = join_regions(GRID_EV, "eV")
    documents = SimulatedRuns().run("energy_ev", points, dwell_s=18.0, delay_ps=100.0, fluence_mj_cm2=8.8)
    size = transient_size(spc_spectrum(accumulate(documents)))[1]
    timing = accumulate(documents).metadata.timing
    moved = [
        transient_size(spc_spectrum(accumulate(more_counts(documents, point, gate))))[1].value - size.value
        for point in range(len(points))
        for gate in (timing.pumped_probe, timing.unpumped_probe)
    ]
    # Both photodiodes count alike, and the variance of their sum is twice that of one.
    assert size.sigma == pytest.approx(np.sqrt(2) * np.sqrt(np.sum(np.square(moved))), rel=0.03)
