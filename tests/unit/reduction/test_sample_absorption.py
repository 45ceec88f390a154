"""If these fail, a concentrated sample makes every transient too small, and nothing marks it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reduction.kinds import reduce_run
from reduction.xas.results import SpectrumResults
from tests.support.beam_time import BeamTime, Document, br_signal, br_static, energy_points

ENERGY_EV = energy_points()


def scan(step: float, noise: float = 2e-4) -> list[Document]:
    """A Br scan with a diode behind the sample, whose absorption rises by `step` over the edge."""
    rng = np.random.default_rng(1)
    edge = (br_static(ENERGY_EV) - 0.15) / 0.85
    beam = BeamTime(points=ENERGY_EV, static=br_static(ENERGY_EV), signal=br_signal(ENERGY_EV))

    def behind(data: dict[str, Any]) -> float:
        point = data["point_index"]
        slope = 1e-4 * (ENERGY_EV[point] - 13_470.0)
        return float(data["i0"] * np.exp(slope - step * edge[point] + noise * rng.standard_normal()))

    documents = beam.documents(rng)
    return [(name, {**doc, "data": {**doc["data"], "foil": behind(doc["data"])}}) if name == "event" else (name, doc)
            for name, doc in documents]  # fmt: skip


def test_the_absorption_of_the_sample_is_measured_and_a_large_one_marks_the_result() -> None:
    results = reduce_run(scan(0.09))
    assert isinstance(results, SpectrumResults)
    assert results.absorbed is not None
    assert results.absorbed.step.value == pytest.approx(0.09, abs=5 * results.absorbed.step.sigma + 1e-3)
    assert "% weaker above the edge (self-absorption)" in results.table()


def test_a_dilute_sample_is_stated_and_not_marked() -> None:
    results = reduce_run(scan(0.009))
    assert isinstance(results, SpectrumResults)
    assert results.absorbed is not None
    assert results.absorbed.loss.value == pytest.approx(0.0045, abs=3e-4)
    assert "absorption of sample   0.9" in results.table()
    assert "self-absorption" not in results.table()


def test_a_diode_that_shows_no_edge_says_nothing() -> None:
    results = reduce_run(scan(0.0, noise=1e-3))
    assert isinstance(results, SpectrumResults)
    assert results.absorbed is None
