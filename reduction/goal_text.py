"""The goal of a run that counts until its result is known, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def goal_text(until: Mapping[str, Any]) -> str:
    """Return what a run counts for, from the `until` of its start document: "tau1 is known to 15 ps"."""
    goal = str(until["goal"])
    sigma = float(until["sigma"])
    if goal.startswith("tau"):
        return (
            f"{goal} is known to {100.0 * sigma:g} %" if until.get("relative") else f"{goal} is known to {sigma:g} ps"
        )
    result = "every point"
    if goal == "window":
        low, high = until["window_ev"]
        result = f"the mean over {low:g} to {high:g} eV"
    return f"{result} is known to {sigma:g} of the unpumped signal"
