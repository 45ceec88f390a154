"""A stored run as a plan that can be edited and queued again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gui.control.parameters import EntryKind, Parameter
from gui.control.plan_signature import PlanSignature
from gui.control.regions import regions_of_points
from gui.control.snapshot import QueueItem

NOT_TAKEN_OVER = frozenset({"series", "md"})
"""Parameters that a new run must not inherit: it would be combined with the old one, or carry its remarks."""

GRIDS = {"energy_ev": "regions_ev", "delay_ps": "delays_ps", "fluence_mj_cm2": "fluences_mj_cm2"}
"""Parameter that holds the points of a scan over each axis."""


def item_of_run(start: Mapping[str, Any], signature: PlanSignature | None) -> QueueItem:
    """Return the settings in a start document as a plan that is not queued yet, in the units of its parameters.

    Without a `signature` the plan has no arguments. A grid over several axes is left to the user.
    """
    parameters = () if signature is None else signature.parameters
    arguments = {one.name: start[one.name] for one in parameters if _is_given(one, start)}
    grid = start.get("grid", {})
    name = GRIDS.get(str(grid.get("axis", "")))
    for one in parameters:
        if one.name == name:
            points = [float(value) for value in grid.get("points", ())]
            arguments[one.name] = regions_of_points(sorted(points)) if one.kind is EntryKind.REGIONS else points
    return QueueItem(uid="", name=str(start.get("plan_name", "")), arguments=arguments)


def _is_given(parameter: Parameter, start: Mapping[str, Any]) -> bool:
    if parameter.name in NOT_TAKEN_OVER or parameter.name not in start:
        return False
    # The start document of every run of the cell has its temperature; only a plan that set it has it as an argument.
    return parameter.name != "temperature_c" or bool(start.get("temperature_held"))
