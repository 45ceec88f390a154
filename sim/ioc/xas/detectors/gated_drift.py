"""Records of the drift detector at the jet: plain numbers per element and gate, without the number of the exposure."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from caproto.server import PVGroup, pvproperty

from sim.ioc.records.fields import repost_all
from sim.physics.beamline_state import BeamlineState
from sim.physics.counting_ahead import CountedAhead
from sim.physics.experiment import ExposureCounts, restarted_seed
from sim.physics.gated_drift import GatedDrift, GatedDriftCounts, draw_gated_drift

RANDOM_STREAM = 102
"""Number of this detector's own stream of randomness."""


def gated_drift_group(probes: int) -> type[GatedDriftRecords]:
    """Return the group of records of a detector with `probes` gates."""
    # caproto declares records in the class, and the gates are known only from the scheme: hence a class per scheme.
    detector = GatedDrift()
    records: dict[str, Any] = {}
    for element in range(1, len(detector.share) + 1):
        for gate in range(probes):
            doc = f"Drift detector {element}, counts of gate {gate}"
            records[f"counts_{element}_{gate}"] = _record(f"E{element}:Gate{gate}", "counts", doc)
        records[f"input_{element}"] = _record(f"E{element}:ICR", "1/s", f"Drift detector {element}, input rate")
        records[f"output_{element}"] = _record(f"E{element}:OCR", "1/s", f"Drift detector {element}, output rate")
    return type("GatedDriftRecords", (GatedDriftRecords,), records)


def _record(name: str, units: str, doc: str) -> Any:
    return pvproperty(
        name=f"7idd:xmap:{name}", value=0.0, record="ai", dtype=float, units=units, precision=1, read_only=True, doc=doc
    )


class GatedDriftRecords(PVGroup):
    """Counts per element and gate, and input and output rates per element, of the latest exposure of the master."""

    def __init__(self, prefix: str, *, seed: int, restarts: int = 0, **kwargs: Any) -> None:
        super().__init__(prefix, **kwargs)
        self._rng = np.random.default_rng(restarted_seed(seed, RANDOM_STREAM, restarts))
        self._detector = GatedDrift()
        self._ahead: tuple[ExposureCounts, GatedDriftCounts, Mapping[str, Any]] | None = None

    async def count_ahead(self, ahead: CountedAhead) -> None:
        """Draw the counts of an exposure that has not ended; nothing changes until it is published, if ever."""
        exposure = ahead.counts
        before = self._rng.bit_generator.state
        found = self._draw(exposure)
        self._ahead = exposure, found, self._rng.bit_generator.state
        self._rng.bit_generator.state = before

    def _drawn(self, exposure: ExposureCounts) -> GatedDriftCounts:
        ahead = self._ahead
        self._ahead = None
        if ahead is None or ahead[0] is not exposure:
            return self._draw(exposure)
        self._rng.bit_generator.state = ahead[2]
        return ahead[1]

    def _draw(self, exposure: ExposureCounts) -> GatedDriftCounts:
        return draw_gated_drift(self._detector, exposure.counts, exposure.pulses, exposure.duration_s, self._rng)

    async def publish(self, exposure_id: int, state: BeamlineState, exposure: ExposureCounts) -> None:
        """Post the counts of the exposure; all records are processed, whether or not their values change."""
        del exposure_id, state
        found = self._drawn(exposure)
        values: dict[Any, float] = {}
        for element, row in enumerate(found.counts, 1):
            values |= {getattr(self, f"counts_{element}_{gate}"): float(count) for gate, count in enumerate(row)}
            values[getattr(self, f"input_{element}")] = float(found.input_rate[element - 1])
            values[getattr(self, f"output_{element}")] = float(found.output_rate[element - 1])
        await repost_all(values, time.time())
