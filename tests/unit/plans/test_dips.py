"""If these fail, a scan is lost to one energy where the monochromator glitches, or a loss of beam is averaged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import plans
from errors import AcquisitionError
from reduction.accumulator import accumulate
from tests.support.recorded_runs import RecordedRuns

GLITCH_EV = 13_462.0


def weaken(recorded: RecordedRuns, share: Callable[[float], float]) -> None:
    """Multiply I0 of every exposure by `share` of the energy, eV."""
    publish = recorded.hardware._publish

    def weaker(dwell_s: float) -> None:
        publish(dwell_s)
        i0 = recorded.line.exposure.i0
        i0.sim_put(i0.get() * share(recorded.line.energy.position))

    recorded.hardware._publish = weaker  # type: ignore[method-assign]  # for this test


def scan(recorded: RecordedRuns, **options: Any) -> None:
    regions = [(13_460, 13_464, 1)]
    plan = plans.energy_scan(
        recorded.line, "Br K", delay_ps=100.0, regions_ev=regions, dwell_s=1.0, allow_unreducible=True, **options
    )
    recorded.run(plan)


@pytest.mark.parametrize("depth", [0.4, 0.7, 0.05])
def test_a_glitch_is_measured_marked_and_expected_from_then_on(recorded: RecordedRuns, depth: float) -> None:
    weaken(recorded, lambda energy_ev: depth if abs(energy_ev - GLITCH_EV) < 0.2 else 1.0)
    scan(recorded, repeats=2)
    assert recorded.stops[0]["exit_status"] == "success"
    good = [event for event in recorded.events if not event["quality"]]
    assert [(event["scan_index"], event["point_index"]) for event in good] == [(s, p) for s in (0, 1) for p in range(5)]
    assert [event["marks"] for event in good] == ["", "", "i0_dip", "", ""] * 2
    assert [event["i0"] for event in good if event["marks"]] == pytest.approx([depth * 1e6] * 2)
    bad = [event for event in recorded.events if event["quality"]]
    assert [(event["point_index"], event["quality"]) for event in bad] == [(2, "i0")] * 2
    run = accumulate(recorded.documents)
    assert run.exposures.sum() == 10
    assert run.i0[:, 2].sum() == pytest.approx(2 * depth * 1e6)


def test_a_loss_of_beam_is_no_glitch(recorded: RecordedRuns) -> None:
    """Lost: a loss of beam, taken for a glitch although the flux stays low at other energies too."""
    fallen: list[float] = []

    def share(energy_ev: float) -> float:
        if abs(energy_ev - GLITCH_EV) < 0.2:
            fallen.append(energy_ev)
        return 0.3 if fallen else 1.0

    weaken(recorded, share)
    with pytest.raises(AcquisitionError, match="was bad"):
        scan(recorded)
    assert {event["marks"] for event in recorded.events} == {""}
    assert [event["point_index"] for event in recorded.events if not event["quality"]] == [0, 1]


def test_a_beam_that_comes_back_costs_a_repetition_and_no_mark(recorded: RecordedRuns) -> None:
    seen: list[float] = []

    def share(energy_ev: float) -> float:
        if abs(energy_ev - GLITCH_EV) < 0.2:
            seen.append(energy_ev)
            return 0.3 if len(seen) < 2 else 1.0
        return 1.0

    weaken(recorded, share)
    scan(recorded)
    assert [event["quality"] for event in recorded.events] == ["", "", "i0", "", "", ""]
    assert {event["marks"] for event in recorded.events} == {""}


def test_a_flux_that_really_changes_is_no_glitch_either(recorded: RecordedRuns) -> None:
    fallen: list[float] = []

    def share(energy_ev: float) -> float:
        if abs(energy_ev - GLITCH_EV) < 0.2:
            fallen.append(energy_ev)
        return 0.7 if fallen else 1.0

    weaken(recorded, share)
    scan(recorded)
    assert {event["marks"] for event in recorded.events} == {""}
    assert recorded.stops[0]["exit_status"] == "success"
