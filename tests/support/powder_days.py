"""Powder measurements on the fake beamline with a Pilatus."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]

import plans
from tests.support.recorded_runs import RecordedRuns


class PowderDay(RecordedRuns):
    """The fake beamline with a Pilatus, and what it wrote."""

    @property
    def pilatus(self) -> Any:
        return self.line.pilatus

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [doc for name, doc in self.documents if name == kind]

    def images(self) -> list[int]:
        """Return the number of the image of every event, through its datum and resource."""
        resources = {doc["uid"]: doc for doc in self.of_kind("resource")}
        datums = {doc["datum_id"]: doc for doc in self.of_kind("datum")}
        found = []
        for event in self.events:
            datum = datums[event["pilatus_image"]]
            resource = resources[datum["resource"]]
            with h5py.File(Path(resource["root"]) / resource["resource_path"]) as file:
                found.append(int(file["/entry/data/data"][datum["datum_kwargs"]["point_number"], 0, 0]))
        return found


def diffraction(day: PowderDay, **options: Any) -> Any:
    return day.run(plans.diffraction(day.line, **({"dwell_s": 2.0} | options)))


def series(day: PowderDay, temperatures_c: Any = (60.0, 25.0), **options: Any) -> Any:
    return day.run(plans.temperature_series(day.line, temperatures_c, **({"dwell_s": 1.0} | options)))
