"""If this fails, alerts and views from outside state a goal without its unit."""

from __future__ import annotations

from typing import Any

import pytest

from reduction.goal_text import goal_text


@pytest.mark.parametrize(
    ("until", "text"),
    [
        ({"goal": "tau1", "sigma": 15.0}, "tau1 is known to 15 ps"),
        ({"goal": "tau2", "sigma": 0.1, "relative": True}, "tau2 is known to 10 %"),
        ({"goal": "points", "sigma": 5e-4}, "every point is known to 0.0005 of the unpumped signal"),
        (
            {"goal": "window", "sigma": 2e-4, "window_ev": [13_471.0, 13_473.0]},
            "the mean over 13471 to 13473 eV is known to 0.0002 of the unpumped signal",
        ),
    ],
)
def test_a_goal_has_its_unit(until: dict[str, Any], text: str) -> None:
    assert goal_text(until) == text
