"""What the window's forms are told about our plans: their docstrings, and how many points they measure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import plans
from gui.control.forecast import Course, Part, scan_course
from gui.control.parameters import Parameter
from gui.control.plan_signature import PlanSignature, signature_from_function
from plans.edges import EDGES, edge_preset
from plans.grids import join_regions
from plans.xas.delay_scan import time_trace_ps
from plans.xas.time_zero import TIME_ZERO_REGIONS_PS
from trxas.session.session import SCANS, bind

SELF_TEST_ARMS = 4
"""Runs of `delay_self_test`: as many as `self_test_arms` has."""

SETTLING = "the time in which temperatures settle"


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


def course_of_plan(plan: str, arguments: Mapping[str, Any], listed: int | None) -> Course | None:
    """What a plan measures with these arguments, `listed` being the points of the grid among them, if there is one."""
    if plan == "temperature_series":
        return _temperature_series(arguments)
    if plan == "diffraction":
        course: Course | None = Course((_images(arguments, "exposure_s"),))
    else:
        course = scan_course(arguments, _points_of_plan(plan, arguments, listed))
    settles = arguments.get("temperature_c") is not None
    return course._replace(besides=SETTLING) if course is not None and settles else course


def _temperature_series(arguments: Mapping[str, Any]) -> Course:
    spectra = (scan_course(arguments, _points_of_edge(edge)) for edge in arguments["edges"] if edge in EDGES)
    at_each = [part for course in spectra if course is not None for part in course.parts]
    at_each.append(_images(arguments, "image_exposure_s"))
    temperatures = len(arguments["temperatures_c"])
    return Course(tuple(part._replace(exposures=temperatures * part.exposures) for part in at_each), SETTLING)


def _images(arguments: Mapping[str, Any], exposure: str) -> Part:
    return Part(int(arguments["images"]), float(arguments[exposure]))


def _points_of_plan(plan: str, arguments: Mapping[str, Any], listed: int | None) -> int | None:
    """Points of one pass: as many as are listed, else those of the plan's own grid; None if that is not known."""
    if listed is not None:
        return listed
    if plan in ("energy_scan", "static_energy_scan"):
        return _points_of_edge(arguments.get("edge"))
    time_zero = len(join_regions(TIME_ZERO_REGIONS_PS, "ps"))
    own = {
        "delay_scan": len(time_trace_ps()),
        "time_zero_scan": time_zero,
        "delay_self_test": SELF_TEST_ARMS * time_zero,
    }
    return own.get(plan)


def _points_of_edge(edge: object) -> int | None:
    return len(join_regions(edge_preset(edge).regions_ev, "eV")) if isinstance(edge, str) and edge in EDGES else None
