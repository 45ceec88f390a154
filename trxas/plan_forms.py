"""What the window's forms are told about our plans: their docstrings, and how many points they measure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import plans
from gui.control.parameters import Parameter
from gui.control.plan_signature import PlanSignature, signature_from_function
from plans.delay_scan import time_trace_ps
from plans.edges import EDGES, edge_preset
from plans.grids import join_regions
from plans.time_zero import TIME_ZERO_REGIONS_PS
from trxas.session import SCANS, bind

_NO_SCANS = ("temperature_series", "delay_self_test")
"""Plans of several runs, whose time is more than one grid's."""


def known_plans() -> dict[str, PlanSignature]:
    """Signatures of the plans of a session, with the descriptions and choices that the queue server leaves out."""
    read = {name: signature_from_function(bind(getattr(plans, name), None)) for name in SCANS}  # type: ignore[arg-type]
    return {
        name: replace(one, parameters=tuple(_said(part, read) for part in one.parameters)) for name, one in read.items()
    }


def _said(parameter: Parameter, known: Mapping[str, PlanSignature]) -> Parameter:
    """The parameter as another plan describes it, if the docstring says "as of `plan`"."""
    reference = re.match(r"as of `(\w+)`", parameter.description)
    others = known[reference[1]].parameters if reference is not None and reference[1] in known else ()
    same = next((other for other in others if other.name == parameter.name), parameter)
    return replace(parameter, description=same.description, choices=same.choices, kind=same.kind)


def points_of_plan(plan: str, arguments: Mapping[str, Any], listed: int | None) -> int | None:
    """Points of one pass: as many as are listed, else those of the plan's own grid; None if that is not known."""
    if plan in _NO_SCANS:
        return None
    if listed is not None:
        return listed
    if plan in ("energy_scan", "static_energy_scan") and arguments.get("edge") in EDGES:
        return len(join_regions(edge_preset(arguments["edge"]).regions_ev, "eV"))
    grids = {"delay_scan": time_trace_ps(), "time_zero_scan": join_regions(TIME_ZERO_REGIONS_PS, "ps")}
    return len(grids[plan]) if plan in grids else None
