"""If these fail, a plan takes another time than the window has predicted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import plans
from gui.control.plan_signature import PlanSignature
from tests.support.recorded_runs import RecordedRuns
from trxas.configuration import load_configuration
from trxas.window.plan_forms import PlanExposures, known_plans

CONFIGURATION = load_configuration().beamline
COURSES = PlanExposures(CONFIGURATION)


def with_defaults(signature: PlanSignature, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {one.name: one.default for one in signature.parameters} | dict(arguments)


@pytest.mark.parametrize(
    ("plan", "arguments", "listed"),
    [
        ("delay_self_test", {"repeats": 2}, None),
        ("time_zero_scan", {"shutter_reference": "point"}, None),
        ("diffraction", {"images": 3, "dwell_s": 2.0}, None),
        ("temperature_series", {"temperatures_c": [25.0, 35.0], "images": 2, "image_dwell_s": 2.0}, None),
        ("temperature_series", {"temperatures_c": [25.0, 35.0], "edges": ["Br K"], "repeats": 2, "images": 0}, None),
        ("fluence_scan", {"fluences_mj_cm2": [1.0, 2.0, 3.0], "edge": "Br K"}, 3),
    ],
)
def test_exposures_and_beam_time_are_those_of_the_plan(
    plan: str, arguments: dict[str, Any], listed: int | None, tmp_path: Path
) -> None:
    """If this fails, people plan their night with wrong numbers."""
    given = {"dwell_s": 1.0} | arguments if plan != "diffraction" else arguments
    course = COURSES(plan, with_defaults(known_plans()[plan], given), listed)
    assert course is not None
    with RecordedRuns(tmp_path) as day:
        day.run(getattr(plans, plan)(day.line, **given))
        assert sum(batch.exposures for batch in course.batches) == len(day.events)
        told_s = [start["dwell_s"] * start["num_points"] for start in day.starts]
        assert sum(batch.exposures * batch.dwell_s for batch in course.batches) == pytest.approx(sum(told_s))
