"""Runs of a hybrid fill, with three gates of which two come before the pump, and any number of photodiodes."""

from __future__ import annotations

from typing import Any

import numpy as np

from reduction.timing import Timing
from tests.support.beam_time import BeamTime

HYBRID = Timing(
    bunch_period_ps=90_000.0,
    probes_per_pump=3,
    pumped_probe=0,
    unpumped_probe=2,
    reference_probes=(1, 2),
    gate_delays_ps=(0.0, -1_921_400.0, -960_700.0),
    pump_period_ps=2_882_100.0,
    pump_overlap=(1.0, 0.8),
)
"""A camshaft, pumped at every third revolution; both references come before the pump."""


def hybrid_run(photodiodes: int) -> list[tuple[str, dict[str, Any]]]:
    """A delay scan with three gates, of which the first has a transient of -2 % behind the pump."""
    delays = np.array([-400.0, -300.0, -250.0, 150.0, 200.0, 250.0])
    reduction = {
        **BeamTime(points=delays, static=np.ones(6), signal=np.zeros((6, 5)), axis="delay_ps").start()["reduction"],
        "probes_per_pump": 3, "unpumped_probe": 2, "reference_probes": [1, 2], "photodiodes": photodiodes,
        "gate_delays_ps": list(HYBRID.gate_delays_ps), "pump_period_ps": HYBRID.pump_period_ps,
    }  # fmt: skip
    time = BeamTime(
        points=delays,
        static=np.ones(6),
        signal=np.outer(delays > 0, [-0.02, 0.0, 0.0, 0.0, 0.0]),
        axis="delay_ps",
        modes=("spc",),
        dwell_s=4.0,
        overrides={"reduction": reduction, "document_version": 2},
    )
    documents = time.documents(np.random.default_rng(4))
    rng = np.random.default_rng(5)
    for name, doc in documents:
        if name == "event":
            counts = np.asarray(doc["data"]["spc_counts"])[:, :3]
            thinned = [rng.binomial(counts.sum(axis=0), 1 / photodiodes) for _ in range(photodiodes)]
            doc["data"] |= {"spc_counts": np.array(thinned), "spc_pulses": doc["data"]["spc_pulses"][:3]}
    return documents
