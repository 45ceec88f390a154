"""Signature and docstring of a plan, as the prompt, the queue server and the documentation show them."""

from __future__ import annotations

import inspect

from devices.beamline import Beamline
from devices.configuration import BeamlineConfiguration
from plans.argument import Parameter
from plans.plan_entry import PlanEntry


def signature_of(entry: PlanEntry, configuration: BeamlineConfiguration | None = None) -> inspect.Signature:
    """Return the signature that prompt and queue server show: plain types, the options as single keywords.

    With a `configuration` the defaults are those of its beamline: for a quantity that cannot be set there, its value.
    """
    beamline = inspect.Parameter("beamline", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Beamline)
    return inspect.Signature([beamline, *(_signature_parameter(one, configuration) for one in entry.parameters)])


def _signature_parameter(one: Parameter, configuration: BeamlineConfiguration | None) -> inspect.Parameter:
    kinds = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    plain = str if one.choices else one.kind
    return inspect.Parameter(
        one.name,
        kinds[not one.positional],
        default=one.plain_default_at(configuration),
        annotation=plain | None if one.optional else plain,
    )


def docstring_of(entry: PlanEntry) -> str:
    """Return the docstring for the prompt: that of the function, and every parameter with unit and choices."""
    lines = [entry.summary, ""]
    if entry.details:
        lines += [entry.details, ""]
    if entry.parameters:
        lines += ["Parameters", "----------"]
        for one in entry.parameters:
            lines += [one.name, f"    {parameter_text(one)}"]
    return "\n".join(lines).rstrip() + "\n"


def parameter_text(one: Parameter) -> str:
    """Return the description of a parameter with its unit and its choices."""
    unit = f", {one.arg.unit}" if one.arg.unit else ""
    choices = f"; one of {', '.join(map(repr, one.choices))}" if one.choices else ""
    return f"{one.arg.description}{unit}{choices}"
