"""The main job of the microscope in one go: calibrations and two maps, stored, reduced and shown."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plans.types import AnyPlan
from reduction.run_kind import RunResults
from reduction.tplm.results import MapResults
from storage import load_run
from trxas.prompt.progress import ScanProgress
from trxas.results.figures import save
from trxas.results.run_results import reduce_stored_run
from trxas.results.tplm.figures import map_figure
from trxas.session.session import Session
from trxas.terminal.progress_line import log_above_line

DEFAULT_FILM = "OLA/OA"
"""Name of the default film in the metadata."""

CALIBRATION_S = 60.0
MAP_DWELL_S = 30.0
RATE_MHZ = 2.5
POWERS_NW = (1.0, 10.0)
"""Powers at which nanocrystals are visited every 49 and every 5 us: slow, and half way to fast."""


@dataclass(frozen=True, kw_only=True)
class MicroscopeResult:
    """Both maps, reduced, in the order of `POWERS_NW`; `wall_s`: from the command to the table."""

    maps: tuple[MapResults, ...]
    wall_s: float

    def table(self) -> str:
        """Return the results as lines of text, each number with its standard error and unit."""
        lines = ["Measured on the simulated microscope (fitted values ± standard error)"]
        for found in self.maps:
            lines += ["", found.table(), f"{'run':<22} {found.uid}"]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Return power (nW), diffusivity (cm2/s) and lifetime (ns) of each map as plain data."""
        maps = [
            {
                "power_nw": found.conditions.power_nw,
                "diffusivity_cm2_s": found.diffusivity_cm2_s._asdict(),
                "lifetime_ns": None if found.lifetime_ns is None else found.lifetime_ns._asdict(),
                "run": found.uid,
            }
            for found in self.maps
        ]
        return {"maps": maps, "wall_s": self.wall_s}

    def write(self, folder: Path, json_path: Path | None) -> Path:
        """Write the figure of the last map into `folder` and, if wanted, the JSON; return the path of the figure.

        Raises OSError if one of them cannot be written.
        """
        figure = save(map_figure(self.maps[-1]), folder / "demo-tplm.png")
        if json_path is not None:
            json_path.write_text(json.dumps(self.as_json(), indent=2) + "\n", encoding="utf-8")
        return figure


def run_demo(session: Session, sample: str | None, began: float) -> MicroscopeResult:
    """Measure, store, and reduce the stored runs; `began` is the `time.monotonic()` of the command, s."""
    log_above_line()
    session.run_engine.subscribe(ScanProgress())
    plans = session.plans()
    common = {"sample": sample or DEFAULT_FILM, "md": {"purpose": "demo"}}
    # Dark counts first, with the shutter closed; then the response, from light of the laser itself.
    _measured(session, plans["tplm_dark"](dwell_s=CALIBRATION_S, **common))
    _measured(session, plans["tplm_response"](dwell_s=CALIBRATION_S, **common))
    maps = []
    for power_nw in POWERS_NW:
        found = _measured(session, plans["tplm_map"](power_nw, RATE_MHZ, dwell_s=MAP_DWELL_S, **common))
        assert isinstance(found, MapResults), found.table()
        maps.append(found)
    return MicroscopeResult(maps=tuple(maps), wall_s=time.monotonic() - began)


def _measured(session: Session, plan: AnyPlan) -> RunResults:
    """Measure one run and return its results, as any reader would reduce it: from what is stored."""
    uid = session.measure(plan)
    session.store.wait()
    return reduce_stored_run(load_run(session.store, uid))
