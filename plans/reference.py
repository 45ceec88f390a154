"""The reference page of the plans, written from the registry: docs/reference/plans.md between its two markers."""

from __future__ import annotations

from inspect import Parameter as Signature
from typing import Any

from devices.configuration import BeamlineConfiguration
from errors import InputError
from plans.argument import Parameter
from plans.plan_entry import PlanEntry
from plans.registry import plans_of

BEGIN = "<!-- generated from the code: begin -->"
END = "<!-- generated from the code: end -->"


def with_plans(page: str, configuration: BeamlineConfiguration) -> str:
    """Return `page` with the part between its markers replaced, with the ranges of `configuration`.

    Raises InputError if a marker is missing.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InputError(f"The page has no {BEGIN} or no {END}. Put both back where the plans belong.")
    return f"{before}{BEGIN}\n\n{plans_page(configuration)}\n{END}{after}"


def plans_page(configuration: BeamlineConfiguration) -> str:
    """Return the plans of a beamline as Markdown, by group, each with a table of its parameters, units and ranges."""
    parts: list[str] = []
    entries = [plan.entry for plan in plans_of(configuration)]
    for group in dict.fromkeys(entry.group for entry in entries):
        parts.append(f"## {group}\n")
        parts += [_plan(entry, configuration) for entry in entries if entry.group == group]
    return "\n".join(parts)


def _plan(entry: PlanEntry, configuration: BeamlineConfiguration) -> str:
    lines = [f"### {entry.name}", "", f"`{_call(entry)}`", "", entry.summary, ""]
    if entry.details:
        lines += [entry.details, ""]
    lines += ["| argument | meaning | unit | default | range |", "| --- | --- | --- | --- | --- |"]
    lines += [_row(one, configuration) for one in entry.parameters]
    return "\n".join(lines) + "\n"


def _call(entry: PlanEntry) -> str:
    """Return a call of the plan with its required arguments, and `...` for the others."""
    positional = [one.name for one in entry.parameters if one.positional]
    required = [one.name for one in entry.parameters if one.required and not one.positional]
    return f"{entry.name}({', '.join([*positional, *(f'{name}=' for name in required), '...'])})"


def _row(one: Parameter, configuration: BeamlineConfiguration) -> str:
    cells = (f"`{one.name}`", one.arg.description, one.arg.unit, _default(one), _range(one, configuration))
    return f"| {' | '.join(cells)} |"


def _default(one: Parameter) -> str:
    if one.default is Signature.empty:
        return "required"
    default = one.plain_default
    if default is None or default == "":
        return ""
    if isinstance(default, tuple) and len(default) > 4:
        return f"{_text(default[0])} to {_text(default[-1])}, {len(default)} values"
    return f"`{default!r}`"


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _range(one: Parameter, configuration: BeamlineConfiguration) -> str:
    if one.choices:
        return ", ".join(f'`"{choice}"`' for choice in one.choices)
    limits = one.limits(configuration)
    return "" if limits is None else f"{limits[0]:g} to {limits[1]:g}"
