"""Which exposures were truly bad, from the simulation's own log; knows nothing of what marks points."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

NOMINAL: dict[str, float | bool] = {
    "xray_shutter_open": True, "jet_running": True, "laser_locked": True, "rate_divider": 5,
    "chamber": 1.0, "jet_density": 1.0, "gates_open": 1.0, "stray_photons": 0.0,
}  # fmt: skip
"""What has to be so, for counts of pump and probe to mean anything. A changing flux alone is not bad: I0 sees it."""

LEAST_BEAM = 0.5
"""Least flux, relative to an undisturbed ring: below, there is no beam to speak of (a dump gives 0)."""

AXES = {"energy_ev": 0.3, "delay_ps": 5.0, "fluence_mj_cm2": 0.15}
"""Axes and how far the truth may be from its usual distance to what the event says (motor steps and jitter are less).

The usual distance is the hidden calibration of the simulated sample: the median over all exposures.
"""

TOLERATED = 0.01
"""Part of an exposure that may be struck: less moves no count beyond its error (chosen)."""

Key = tuple[int, int, int]
"""Exposure number, I0 counts and sum of the photodiodes' counts: the same exposure for event and log."""


class Truth:
    """The log of a simulation that ran with `--exposure-log`."""

    def __init__(self, path: Path) -> None:
        entries = _entries(path)
        self._states: dict[Key, list[tuple[float, Mapping[str, Any]]]] = {
            (entry["exposure_id"], entry["i0"], entry["counts"]): entry["states"] for entry in entries
        }

    def judge(self, events: Sequence[Mapping[str, Any]]) -> list[str]:
        """For the data of each event why its exposure was bad, "" if it was not."""
        usual = {axis: self._usual(events, axis) for axis in AXES}
        return [self._reason(event, usual) for event in events]

    def _usual(self, events: Sequence[Mapping[str, Any]], axis: str) -> float:
        found = [self._states.get(key_of(event)) for event in events]
        distances = [states[0][1][axis] - event[axis] for states, event in zip(found, events, strict=True) if states]
        return float(np.median(distances)) if distances else 0.0

    def _reason(self, event: Mapping[str, Any], usual: Mapping[str, float]) -> str:
        states = self._states.get(key_of(event))
        if states is None:
            return "no exposure counted this"
        total_s = sum(seconds for seconds, _ in states)
        struck: dict[str, float] = {}
        for seconds, state in states:
            for name in _wrong(event, state, usual):
                struck[name] = struck.get(name, 0.0) + seconds / total_s
        return ", ".join(f"{name} for {part:.0%}" for name, part in struck.items() if part > TOLERATED)


def _entries(path: Path) -> list[dict[str, Any]]:
    """Whole lines of the log; a simulation that was killed while it wrote has told nobody of that exposure."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(json.JSONDecodeError):
            found.append(json.loads(line))
    return found


def key_of(event: Mapping[str, Any]) -> Key:
    """What identifies the exposure of an event's data."""
    return int(event["exposure_id"]), int(event["i0"]), int(np.sum(event["spc_counts"]))


def _wrong(event: Mapping[str, Any], state: Mapping[str, Any], usual: Mapping[str, float]) -> list[str]:
    names = [name for name, value in NOMINAL.items() if state[name] != value]
    names += ["beam"] if state["current"] * state["flux"] < LEAST_BEAM else []
    names += ["laser_shutter"] if state["laser_shutter_open"] != bool(event["laser_shutter"]) else []
    for axis, allowed in AXES.items():
        if abs(state[axis] - event[axis] - usual[axis]) > allowed:
            names.append(axis)
    return names
