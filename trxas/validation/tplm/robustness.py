"""Maps while things fail: what is measured, which exposures were truly bad, and whether the results agree."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from reduction.kinds import reduce_run
from reduction.tplm.results import MapResults
from reduction.types import FloatArray
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


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Diffusivity (cm2/s) and lifetime (ns) of one or more maps, (2,), with their covariance, (2, 2)."""

    values: FloatArray
    covariance: FloatArray

    @classmethod
    def of(cls, diffusivity: Value, lifetime: Value, correlation: float) -> Pair:
        """Return both numbers with their errors, whose correlation is -1 to 1."""
        sigmas = np.array([diffusivity.sigma, lifetime.sigma])
        return cls(
            values=np.array([diffusivity.value, lifetime.value]),
            covariance=np.outer(sigmas, sigmas) * np.array([[1.0, correlation], [correlation, 1.0]]),
        )

    @classmethod
    def mean(cls, pairs: Sequence[Pair]) -> Pair:
        """Return the mean of pairs, weighted by their covariances."""
        information = [np.linalg.inv(one.covariance) for one in pairs]
        covariance = np.linalg.inv(np.sum(information, axis=0))
        weighted = [matrix @ one.values for matrix, one in zip(information, pairs, strict=True)]
        return cls(values=covariance @ np.sum(weighted, axis=0), covariance=covariance)

    def pulls_from(self, other: Pair) -> list[float]:
        """Return how far the pairs are from each other, in errors: two independent numbers of standard deviation 1."""
        # The counts that give too much diffusivity give too much lifetime as well (correlation 0.6 to 0.7). Both pulls
        # as they are would count one fluctuation twice, and their sum of squares would not be a chi-square. The second
        # number here is what the lifetimes differ by beyond what follows from the diffusivities.
        lower = np.linalg.cholesky(self.covariance + other.covariance)
        return [float(one) for one in np.linalg.solve(lower, self.values - other.values)]


def pulls(disturbed: Sequence[Documents], undisturbed: Sequence[Documents]) -> list[float]:
    """Return how far diffusivity and lifetime of the disturbed maps are from the others', in errors, rate by rate.

    Two numbers for each rate that both have, independent of each other.
    """
    # Maps of both trigger sources are compared with their own kind. A map that cannot be reduced is not a result; what
    # is missing from it is counted by the audit.
    struck = _by_rate(disturbed)
    quiet = _by_rate(undisturbed)
    both = [(Pair.mean(struck[rate]), Pair.mean(quiet[rate])) for rate in struck.keys() & quiet.keys()]
    return [pull for one, other in both for pull in one.pulls_from(other)]


def _by_rate(datasets: Sequence[Documents]) -> dict[float, list[Pair]]:
    found: dict[float, list[Pair]] = {}
    for documents in datasets:
        results = reduce_run(documents)
        if isinstance(results, MapResults) and results.lifetime_ns is not None:
            found.setdefault(round(results.conditions.rate_mhz, 3), []).append(_counted(results, results.lifetime_ns))
    return found


def _counted(results: MapResults, lifetime: Value) -> Pair:
    # Magnification, time zero and response are the same for all maps of both sessions, so what they add to the errors
    # is left out: it would hide a difference.
    counting_ns = math.sqrt(lifetime.sigma**2 - results.timing_share.lifetime_ns**2)
    return Pair.of(results.fit.diffusivity_cm2_s, Value(lifetime.value, counting_ns), results.lifetime_correlation)
