"""If these fail, what a run counted in slices gives wrong sums, or a wrong picture of how steady the light was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from IPython.lib.pretty import pretty

from errors import ReductionError
from reduction.slices import Slices, slices_of
from reduction.types import NamedDocument

SLICES = 400
PER_SLICE = 4000.0
I0 = 50_000.0


def steady(seed: int, jet_sigma: float = 0.0) -> Slices:
    """Slices of ten exposures, whose light changes by `jet_sigma` from slice to slice."""
    rng = np.random.default_rng(seed)
    exposure = np.repeat([[0, point, 1] for point in range(10)], SLICES // 10, axis=0)
    light = 1 + jet_sigma * rng.standard_normal(SLICES)
    return Slices(
        exposure=exposure,
        part=np.tile(np.arange(SLICES // 10), 10),
        duration_s=np.full(SLICES, 0.05),
        i0=rng.poisson(I0, SLICES).astype(float),
        counts=rng.poisson(PER_SLICE / 10 * light[:, None, None], (SLICES, 2, 5)),
        pulses=np.full((SLICES, 5), 65_000),
        good=np.ones(SLICES, dtype=bool),
    )


def test_steady_light_scatters_as_counting_does_and_an_unsteady_jet_more() -> None:
    """Lost: the warning that error bars from counting alone are too small."""
    # 390 degrees of freedom: the ratio of steady light is 1 +- 0.07.
    assert steady(1).overdispersion() == pytest.approx(1.0, abs=0.3)
    assert steady(1, jet_sigma=0.05).overdispersion() > 5


def test_bins_can_be_chosen_afterwards() -> None:
    """Lost: counts at the borders of the bins."""
    slices = steady(2)
    binned = slices.rebinned(15)
    assert binned.counts.sum() == slices.counts.sum()
    assert binned.duration_s.sum() == pytest.approx(slices.duration_s.sum())
    # 40 slices per exposure: two groups of 15, and a rest of 10.
    assert binned.duration_s[:3] == pytest.approx([0.75, 0.75, 0.5])
    assert binned.part[:3].tolist() == [0, 1, 2]
    with pytest.raises(ReductionError, match="at least 1"):
        slices.rebinned(0)


def test_slices_typed_at_the_prompt_are_one_line() -> None:
    """Lost: pages of arrays where a person wants to see how many slices were bad."""
    assert pretty(steady(3)) == "400 slices of 0.05 s in 10 exposures; 0 bad, 0 s spent again"


def test_a_run_without_slices_has_none() -> None:
    """Lost: an error that says what to do."""
    with pytest.raises(ReductionError, match="slice_s"):
        slices_of([("start", {"uid": "run"})])


def page(uid: str, *numbers: int) -> NamedDocument:
    """One page of slices of an exposure, by the numbers of their parts; the numbers of the detectors begin at 100."""
    count = len(numbers)
    columns: dict[str, Any] = {
        f"slice_{name}": [0] * count for name in ("scan_index", "point_index", "laser_shutter")
    } | {
        "slice_part": list(numbers), "slice_exposure_id": [100 + number for number in numbers],
        "slice_s": [0.05] * count, "slice_i0": [5e4 + number for number in numbers],
        "slice_counts": [np.full((2, 5), 10 + number) for number in numbers], "slice_pulses": [np.full(5, 65)] * count,
        "slice_quality": [""] * count,
    }  # fmt: skip
    times_s = [float(number) for number in numbers]
    return "event_page", {
        "descriptor": uid, "data": columns, "time": times_s, "seq_num": list(numbers),
        "timestamps": dict.fromkeys(columns, times_s), "uid": [f"{uid}{number}" for number in numbers],
    }  # fmt: skip


def test_slices_that_a_resumed_run_has_read_again_count_once() -> None:
    """Lost: the truth about the beam time that bad moments have cost, after a session was killed."""
    documents: list[NamedDocument] = [
        ("start", {"uid": "killed"}), ("descriptor", {"uid": "a", "name": "slices"}), page("a", 0, 1, 2),
        ("start", {"uid": "resumed"}), ("descriptor", {"uid": "b", "name": "slices"}), page("b", 0, 1, 2, 3, 4),
    ]  # fmt: skip
    found = slices_of(documents)
    assert found.part.tolist() == [0, 1, 2, 3, 4]
    assert found.spent_again_s == pytest.approx(0.0)
