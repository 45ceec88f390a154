"""Short energy scans on the fake beamline."""

from __future__ import annotations

from typing import Any

import plans
from tests.support.recorded_runs import RecordedRuns

REGIONS = [(13_460, 13_462, 1)]


class RecordedScans(RecordedRuns):
    """Runs of short energy scans."""

    def energy_scan(self, **options: Any) -> None:
        options = {"delay_ps": 100.0, "regions_ev": REGIONS, "dwell_s": 1.0, "allow_unreducible": True} | options
        self.engine(plans.energy_scan(self.line, options.pop("edge", "Br K"), **options))

    def of(self, kind: str) -> dict[str, Any]:
        return next(doc for name, doc in self.documents if name == kind)
