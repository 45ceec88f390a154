"""Which exposures were truly bad, from the log of the simulation; independent of the marks that a session sets."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

LOG_NAME = "exposures.jsonl"
"""File of the log in the data folder of a part."""

NOMINAL: dict[str, float | bool] = {
    "xray_shutter_open": True, "jet_running": True, "laser_locked": True,
    "chamber": 1.0, "jet_density": 1.0, "gates_open": 1.0, "stray_photons": 0.0,
}  # fmt: skip
"""Conditions for meaningful pump-probe counts. A changing flux alone is not bad: I0 measures it."""

USUAL_DIVIDER = 5
"""Divider of the laser's rate at 7ID-D."""

LEAST_BEAM = 0.5
"""Lowest flux, relative to an undisturbed ring, that counts as beam (a beam dump gives 0)."""

AXES = {"energy_ev": 0.3, "delay_ps": 5.0, "fluence_mj_cm2": 0.15}
"""Tolerance of each axis: truth minus event may differ this much from its usual value (steps and jitter are smaller).

The usual value is the hidden calibration of the simulated sample: the median over all exposures.
"""

TOLERATED = 0.01
"""Share of an exposure that a fault may affect: less moves no count beyond its error (chosen)."""

Key: TypeAlias = tuple[int, int, int]
"""Exposure number, I0 counts and sum of the photodiodes' counts, which identify an exposure in event and log.

Events of plain scalers have a time stamp in place of the number, and are compared with a number of 0.
"""


class ExposureTruth:
    """The truth about every exposure, from the log of a simulation that ran with `--exposure-log`.

    `divider`: divider of the laser's rate in every good exposure. Exposures are `numbered` if the counts came with a
    frame. Those of plain scalers are known by their counts alone: two of 10^7 photons at the ion chamber have the same
    counts once in 10^7 pairs.
    """

    def __init__(self, path: Path, *, numbered: bool = True, divider: int = USUAL_DIVIDER) -> None:
        self._numbered = numbered
        self._nominal = NOMINAL | {"rate_divider": divider}
        self._states: dict[Key, list[tuple[float, Mapping[str, Any]]]] = {
            self._comparable((entry["exposure_id"], entry["i0"], entry["counts"])): entry["states"]
            for entry in logged_exposures(path)
        }

    def _comparable(self, key: Key) -> Key:
        """Return a key without the number if only the log has one; the event then has a time stamp in its place."""
        return key if self._numbered else (0, *key[1:])

    def _states_of(self, event: Mapping[str, Any]) -> list[tuple[float, Mapping[str, Any]]] | None:
        return self._states.get(self._comparable(key_of(event)))

    def key_of(self, event: Mapping[str, Any]) -> Key:
        """Return the values that identify the exposure of an event's data."""
        return key_of(event)

    def judge(self, events: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return for the data of each event the reason why its exposure was bad, "" if it was good."""
        usual = {axis: self._usual(events, axis) for axis in AXES}
        return [self._reason(event, usual) for event in events]

    def _usual(self, events: Sequence[Mapping[str, Any]], axis: str) -> float:
        # The axes of the simulated sample have hidden calibrations: the true energy differs from the read-back by a
        # constant that the session does not know. The median over all exposures is that constant, as most exposures are
        # undisturbed.
        found = [self._states_of(event) for event in events]
        distances = [states[0][1][axis] - event[axis] for states, event in zip(found, events, strict=True) if states]
        return float(np.median(distances)) if distances else 0.0

    def _reason(self, event: Mapping[str, Any], usual: Mapping[str, float]) -> str:
        # An exposure may pass through several states, as a fault begins or ends in it. Each has its share of the time;
        # a fault counts if it held for more than the tolerated share. An exposure without an entry was never made by
        # the simulation: its event has no exposure behind it.
        states = self._states_of(event)
        if states is None:
            return "no such exposure in the log"
        total_s = sum(seconds for seconds, _ in states)
        struck: dict[str, float] = {}
        for seconds, state in states:
            for name in self._wrong(event, state, usual):
                struck[name] = struck.get(name, 0.0) + seconds / total_s
        return ", ".join(f"{name} for {part:.0%}" for name, part in struck.items() if part > TOLERATED)

    def _wrong(self, event: Mapping[str, Any], state: Mapping[str, Any], usual: Mapping[str, float]) -> list[str]:
        names = [name for name, value in self._nominal.items() if state[name] != value]
        names += ["beam"] if state["current"] * state["flux"] < LEAST_BEAM else []
        names += ["laser_shutter"] if state["laser_shutter_open"] != bool(event["laser_shutter"]) else []
        for axis, allowed in AXES.items():
            if abs(state[axis] - event[axis] - usual[axis]) > allowed:
                names.append(axis)
        return names


def logged_exposures(path: Path) -> list[dict[str, Any]]:
    """Return the complete lines of the log; a simulation killed during a write has not announced that exposure."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(json.JSONDecodeError):
            found.append(json.loads(line))
    return found


def key_of(event: Mapping[str, Any]) -> Key:
    """Return the values that identify the exposure of an event's data."""
    return int(event["exposure_id"]), int(event["i0"]), int(np.sum(event["spc_counts"]))
