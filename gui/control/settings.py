"""Facts of the beamline for the forms: limits, presets, beam, and the points that a plan measures by default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gui.control.entries import Limits
from gui.control.forecast import (
    BeamStatistics,
    ExposuresOfPlan,
    Forecast,
    PlannedExposures,
    forecast,
    points_listed,
    scan_exposures,
)
from gui.control.parameters import EntryKind
from gui.control.plan_signature import PlanSignature
from gui.control.regions import OutlineOf, no_outline

_GRIDS = {EntryKind.NUMBERS: "numbers", EntryKind.REGIONS: "regions"}


def _as_listed(_plan: str, arguments: Mapping[str, Any], listed: int | None) -> PlannedExposures | None:
    return scan_exposures(arguments, listed)


@dataclass(frozen=True, kw_only=True)
class FormSettings:
    """Settings of the plan forms, which the application makes from the configuration.

    `limits`: by parameter name, in its unit; they hold for each number of a list and for the ends of a region.
    `presets`: values by parameter name that required fields start with. `beam`: for the forecast, None for no forecast.
    `exposures`: gives those of a plan; by default those of a scan over the points in its arguments. `outline`: gives
    what is drawn of an edge under its grid.
    """

    limits: Mapping[str, Limits] = field(default_factory=dict)
    presets: Mapping[str, Any] = field(default_factory=dict)
    beam: BeamStatistics | None = None
    exposures: ExposuresOfPlan = _as_listed
    outline: OutlineOf = no_outline

    def forecast(self, signature: PlanSignature, arguments: Mapping[str, Any]) -> Forecast | None:
        """Return the forecast of a plan: its duration in s, and its error per point; None if there is none.

        Arguments that are not given have their defaults. Raises InputError for arguments that the plan refuses.
        """
        if self.beam is None:
            return None
        complete = {one.name: one.default for one in signature.parameters} | dict(arguments)
        # The window of a result has two limits, which are not points.
        kinds = {one.name: one.kind for one in signature.parameters if not one.name.startswith("until_")}
        grids = {name: _GRIDS[kind] for name, kind in kinds.items() if kind in _GRIDS}
        planned = self.exposures(signature.name, complete, points_listed(complete, grids))
        return None if planned is None else forecast(complete, planned, self.beam)
