"""A plan as a form needs it, from what the queue server says or from the function itself."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gui.control.parameters import Parameter, parameter

_VARIADIC = ("VAR_POSITIONAL", "VAR_KEYWORD")


@dataclass(frozen=True)
class PlanSignature:
    """Name, one line of description, and parameters in order; `*args` and `**kwargs` are left out."""

    name: str
    description: str
    parameters: tuple[Parameter, ...]

    def completed(self, known: PlanSignature | None) -> PlanSignature:
        """This signature with what only the function itself tells: descriptions and choices of its parameters."""
        if known is None:
            return self
        ours = {parameter.name: parameter for parameter in known.parameters}
        parameters = tuple(_completed(one, ours.get(one.name)) for one in self.parameters)
        return replace(self, description=self.description or known.description, parameters=parameters)


def signature_from_server(described: Mapping[str, Any]) -> PlanSignature:
    """Read one entry of the queue server's `plans_allowed`.

    Annotations and defaults come as text; a default that is no literal counts as optional.
    """
    parameters = []
    for one in described.get("parameters", []):
        if one["kind"]["name"] in _VARIADIC:
            continue
        required = "default" not in one
        parameters.append(
            parameter(
                one["name"],
                str(one.get("annotation", {}).get("type", "")),
                required=required,
                default=None if required else _literal(one["default"]),
                description=" ".join(str(one.get("description", "")).split()),
                positional=one["kind"]["name"] == "POSITIONAL_ONLY",
            )
        )
    text = str(described.get("description", ""))
    return PlanSignature(str(described["name"]), _first_line(text), tuple(parameters))


def signature_from_function(function: Callable[..., Any]) -> PlanSignature:
    """Read a plan's signature and docstring; parameters are described there as `name, name : description`."""
    text = inspect.getdoc(function) or ""
    notes = parameter_descriptions(text)
    parameters = []
    for one in inspect.signature(function).parameters.values():
        if one.kind.name in _VARIADIC:
            continue
        required = one.default is inspect.Parameter.empty
        parameters.append(
            parameter(
                one.name,
                "" if one.annotation is inspect.Parameter.empty else inspect.formatannotation(one.annotation),
                required=required,
                default=None if required else one.default,
                description=notes.get(one.name, ""),
                positional=one.kind is inspect.Parameter.POSITIONAL_ONLY,
            )
        )
    return PlanSignature(function.__name__, _first_line(text), tuple(parameters))


def parameter_descriptions(docstring: str) -> dict[str, str]:
    """Descriptions of the parameters in a docstring with lines `name, name : description`, continued by indentation."""
    found: dict[str, str] = {}
    names: list[str] = []
    for line in docstring.splitlines():
        head = re.match(r"([A-Za-z_]\w*(?:, [A-Za-z_]\w*)*) : (.*)", line)
        if head is not None:
            names = head[1].split(", ")
            found |= dict.fromkeys(names, head[2].strip())
        elif names and line.startswith((" ", "\t")) and line.strip():
            found |= {name: f"{found[name]} {line.strip()}".strip() for name in names}
        else:
            names = []
    return found


def _completed(theirs: Parameter, ours: Parameter | None) -> Parameter:
    if ours is None or theirs.description:
        return theirs
    if theirs.choices or not ours.choices:
        return replace(theirs, description=ours.description)
    return replace(theirs, description=ours.description, choices=ours.choices, kind=ours.kind)


def _first_line(text: str) -> str:
    return text.strip().split("\n\n")[0].replace("\n", " ").strip()


def _literal(text: Any) -> Any:
    try:
        return ast.literal_eval(text) if isinstance(text, str) else text
    except (ValueError, SyntaxError):
        return None
