"""A plan as a form needs it: as the queue server describes it, completed from the plan's own code."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gui.control.parameters import Parameter, parameter

_VARIADIC = ("VAR_POSITIONAL", "VAR_KEYWORD")


@dataclass(frozen=True, kw_only=True)
class PlanSignature:
    """Name, one line of description, and parameters in order, without `*args` and `**kwargs`.

    `group` and `order` give the place of the plan among others; plans without a group come last.
    """

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    group: str = ""
    order: int = 0

    def completed(self, known: PlanSignature | None) -> PlanSignature:
        """Return this signature completed by the plan's own code: units, descriptions, kinds and choices.

        The server decides which parameters there are and which are required.
        """
        if known is None:
            return self
        ours = {one.name: one for one in known.parameters}
        parameters = tuple(_completed(one, ours.get(one.name)) for one in self.parameters)
        description = known.description or self.description
        return replace(self, description=description, parameters=parameters, group=known.group, order=known.order)


def signature_from_server(described: Mapping[str, Any]) -> PlanSignature:
    """Return one entry of the queue server's `plans_allowed` as a signature.

    Annotations and defaults come as text; a default that is not a literal counts as optional.
    """
    parameters = []
    for one in described.get("parameters", []):
        if one["kind"]["name"] in _VARIADIC:
            continue
        # The server sends signatures as texts. A default that is not a literal, as a constant of a module, cannot be
        # read here; its parameter is optional with no value of its own, and left to the plan.
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
    return PlanSignature(name=str(described["name"]), description=_first_line(text), parameters=tuple(parameters))


def _first_line(text: str) -> str:
    return text.strip().split("\n\n")[0].replace("\n", " ").strip()


def _literal(text: Any) -> Any:
    try:
        return ast.literal_eval(text) if isinstance(text, str) else text
    except (ValueError, SyntaxError):
        return None


def _completed(theirs: Parameter, ours: Parameter | None) -> Parameter:
    if ours is None:
        return theirs
    return replace(ours, required=theirs.required, default=theirs.default, positional=theirs.positional)
