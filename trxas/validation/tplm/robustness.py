"""Maps while things fail: what is measured, which exposures were truly bad, and whether the results agree."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from reduction.kinds import reduce_run
from reduction.tplm.results import MapResults
from reduction.values import Value
from trxas.validation.robustness.exposure_truth import TOLERATED, logged_exposures
from trxas.validation.types import Documents

MAP_POWER_NW = 10.0
MAP_RATES_MHZ = (2.5, 1.0)
MAP_TEMPERATURE_K = 296.0
MAP_POSITIONS = 15
MAP_STEP_UM = 0.2
MAP_DWELL_S = 6.0
"""Maps, with the internal trigger of the laser and with an external one in turn."""

NOMINAL: dict[str, float | bool] = {"filters_in": True, "light": 1.0, "nd_od": 0.0, "flood_hz": 0.0}
"""Conditions for meaningful counts."""

TOLERANCES = {"power_nw": 0.03 * MAP_POWER_NW, "temperature_k": 0.25}
WANTED = {"power_nw": MAP_POWER_NW, "temperature_k": MAP_TEMPERATURE_K}
"""Values that all maps are measured at, and how far the truth may be from them: somewhat more than the sessions allow,
as the power meter has noise."""

PLACE_UM = 0.02
"""Largest distance between the true place of the detector and that of the event, um: more than its play of 0.016 um."""

Key: TypeAlias = tuple[int, int, int]
"""Exposure number, photons, and CRC-32 of the histogram, which identify an exposure in event and log."""


def planned(number: int) -> tuple[str, dict[str, Any]]:
    """Return plan and arguments of the dataset `number`."""
    return "tplm_map", {
        "power_nw": MAP_POWER_NW,
        "rate_mhz": MAP_RATES_MHZ[number % 2],
        "temperature_k": MAP_TEMPERATURE_K,
        "positions": MAP_POSITIONS,
        "step_um": MAP_STEP_UM,
        "dwell_s": MAP_DWELL_S,
    }


def truth_in(log: Path) -> MicroscopeTruth:
    """Return the truth in the log of a simulation; raises OSError if it cannot be read."""
    return MicroscopeTruth(log)


class MicroscopeTruth:
    """The truth about every exposure, from the log of a simulation that ran with `--exposure-log`."""

    def __init__(self, path: Path) -> None:
        self._states: dict[Key, list[tuple[float, Mapping[str, Any]]]] = {
            (entry["exposure_id"], entry["counts"], entry["check"]): entry["states"] for entry in logged_exposures(path)
        }

    def key_of(self, event: Mapping[str, Any]) -> Key:
        """Return the values that identify the exposure of an event's data."""
        counts = np.ascontiguousarray(event["tcspc_counts"], dtype="<u4")
        return int(event["exposure_id"]), int(counts.sum()), zlib.crc32(counts.tobytes())

    def judge(self, events: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return for the data of each event the reason why its exposure was bad, "" if it was good."""
        return [self._reason(event) for event in events]

    def _reason(self, event: Mapping[str, Any]) -> str:
        states = self._states.get(self.key_of(event))
        if states is None:
            return "no such exposure in the log"
        total_s = sum(seconds for seconds, _ in states)
        struck: dict[str, float] = {}
        for seconds, state in states:
            for name in _wrong(event, state):
                struck[name] = struck.get(name, 0.0) + seconds / total_s
        return ", ".join(f"{name} for {part:.0%}" for name, part in struck.items() if part > TOLERATED)


def _wrong(event: Mapping[str, Any], state: Mapping[str, Any]) -> list[str]:
    # The light in the room is left out: it is part of the flat background that every map fits, and no read-back shows
    # it.
    names = [name for name, value in NOMINAL.items() if state[name] != value]
    names += [name for name, allowed in TOLERANCES.items() if abs(state[name] - WANTED[name]) > allowed]
    names += [] if state["sync_hz"] else ["emission"]
    names += ["laser_shutter"] if state["shutter_open"] != bool(event["laser_shutter"]) else []
    names += [axis for axis in ("x_um", "y_um") if abs(state[axis] - event[axis]) > PLACE_UM]
    return names


def pulls(disturbed: Sequence[Documents], undisturbed: Sequence[Documents]) -> list[float]:
    """Return how far diffusivity and lifetime of the disturbed maps are from the others', in errors, rate by rate."""
    # Maps of both trigger sources are compared with their own kind. A map that cannot be reduced is no result; what is
    # missing from it is counted by the audit.
    struck = _by_rate(disturbed)
    quiet = _by_rate(undisturbed)
    found = []
    for rate in struck.keys() & quiet.keys():
        for one, other in zip(_means(struck[rate]), _means(quiet[rate]), strict=True):
            found.append((one.value - other.value) / float(np.hypot(one.sigma, other.sigma)))
    return found


def _by_rate(datasets: Sequence[Documents]) -> dict[float, list[MapResults]]:
    found: dict[float, list[MapResults]] = {}
    for documents in datasets:
        results = reduce_run(documents)
        if isinstance(results, MapResults):
            found.setdefault(round(results.conditions.rate_mhz, 3), []).append(results)
    return found


def _means(maps: Sequence[MapResults]) -> tuple[Value, Value]:
    lifetimes = [one.lifetime_ns for one in maps if one.lifetime_ns is not None]
    return _mean([one.fit.diffusivity_cm2_s for one in maps]), _mean(lifetimes)


def _mean(values: Sequence[Value]) -> Value:
    weights = np.array([one.sigma**-2 for one in values])
    mean = float((weights * np.array([one.value for one in values])).sum() / weights.sum())
    return Value(mean, float(weights.sum() ** -0.5))
