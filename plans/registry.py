"""Every plan of the beamline: a decorator on its function is the one place where a plan is registered.

`scan_plan` is for plans that measure: their function returns what to measure, as one ScanSpec or several. `plan` is for
all others: their function is a bluesky plan whose first argument is the beamline. Both read the parameters from the
annotations, check the arguments before anything moves, and give the plan a signature and a docstring for the prompt.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from dataclasses import is_dataclass
from enum import StrEnum
from typing import Any, get_type_hints

from devices.beamline import Beamline
from devices.configuration import BeamlineConfiguration
from errors import InputError, PlugInError
from plans.annotated_parameters import parameters_of
from plans.engine.scanning import measure_runs
from plans.engine.spec import Around, Runs, as_list
from plans.engine.start_document import own_keys
from plans.plan_entry import Course, DetectionOf, PlanEntry, RegisteredPlan
from plans.signature import docstring_of, signature_of
from plans.types import AnyPlan


class Group(StrEnum):
    """Groups of plans, as the window and the documentation list them."""

    PUMP_PROBE = "Pump and probe"
    ALIGNMENT = "Alignment and calibration"
    POWDER = "Powder cell"


PLANS: dict[str, RegisteredPlan] = {}
"""Every registered plan by its name, in the order in which their modules were imported."""


def sorted_plans() -> list[RegisteredPlan]:
    """Return every plan in the order of lists and forms: by group, then by the plan's order in the group."""
    # Groups that a technique of trxas gives to its plans come after those of `Group`, and those of other packages last,
    # both by name.
    places = {str(group): place for place, group in enumerate(Group)}

    def place(one: RegisteredPlan) -> tuple[bool, int, str, int, str]:
        entry = one.entry
        return not entry.technique, places.get(entry.group, len(places)), entry.group, entry.order, entry.name

    return sorted(PLANS.values(), key=place)


def plans_of(configuration: BeamlineConfiguration) -> list[RegisteredPlan]:
    """Return the plans that a beamline offers, in the order of lists and forms."""
    return [plan for plan in sorted_plans() if plan.entry.is_offered(configuration)]


def reserved_keys(configuration: BeamlineConfiguration | None = None) -> frozenset[str]:
    """Return the keys of a start document that runs write; `check_reserved` refuses them from users.

    With a `configuration` only those of the plans that its beamline offers.
    """
    found = PLANS.values() if configuration is None else plans_of(configuration)
    return own_keys().union(*(one.entry.own_keys for one in found))


def check_reserved(md: Iterable[str], where: str, configuration: BeamlineConfiguration | None = None) -> None:
    """Raise InputError if the metadata `md`, given as `where`, hold a key that runs write themselves.

    With a `configuration`, those of its beamline.
    """
    if taken := sorted(reserved_keys(configuration).intersection(md)):
        raise InputError(
            f"{where} may not set {', '.join(taken)}: the run writes what it measures there. Give the value as "
            "an argument of the plan, or choose another name."
        )


def scan_plan(
    *,
    group: str,
    order: int,
    detection: DetectionOf,
    resumable: bool = True,
    around: Around | None = None,
    course: Course | None = None,
    own_keys: Iterable[str] = (),
) -> Callable[[Callable[..., Runs]], RegisteredPlan]:
    """Register a plan that measures; the decorated function returns its run or runs, from its arguments alone.

    A parameter `options` stands for all fields of its type, a group of options. A first parameter `configuration` gets
    the beamline's configuration. Runs that come from the functions of other plans keep the settings that those plans
    fix. The plan returns the uid of its run, a list of uids, or a mapping of them by name. For the other arguments see
    `PlanEntry`. Raises TypeError, when the module is imported, for a parameter without Arg, and PlugInError if the name
    is taken.
    """

    def decorate(function: Callable[..., Runs]) -> RegisteredPlan:
        entry = PlanEntry(
            **_described(function),
            group=group,
            order=order,
            runs=function,
            takes_configuration="configuration" in inspect.signature(function).parameters,
            detection=detection,
            resumable=resumable,
            around=around,
            course=course,
            own_keys=frozenset(own_keys),
            technique=technique_of(function.__module__),
        )
        return _registered(function, _measuring(entry), entry)

    return decorate


def _measuring(entry: PlanEntry) -> Callable[..., AnyPlan]:
    """Return the plan that makes the runs of `entry`."""

    def body(beamline: Beamline, **arguments: Any) -> AnyPlan:
        """Measure the runs of a call; raises InputError for a wrong argument, before anything moves."""
        check_reserved(arguments.get("md") or {}, "md", beamline.configuration)
        if entry.course is not None:
            return (yield from entry.course(beamline, entry, arguments))
        # The runs are built in the plan, not when it is called, so an error in an argument ends the plan in the engine,
        # where queue server and prompt report it, before any message that moves something.
        runs = entry.specs(beamline.configuration, **arguments)
        uids = yield from measure_runs(beamline, as_list(runs))
        if isinstance(runs, dict):
            return dict(zip(runs, uids, strict=True))
        return uids if isinstance(runs, list) else uids[0]

    return body


def plan(*, group: str, order: int, own_keys: Iterable[str] = ()) -> Callable[[Callable[..., AnyPlan]], RegisteredPlan]:
    """Register a plan that does not scan; the decorated function is a bluesky plan with the beamline first.

    Raises TypeError, when the module is imported, for a parameter without Arg, and PlugInError if the name is taken.
    """

    def decorate(function: Callable[..., AnyPlan]) -> RegisteredPlan:
        entry = PlanEntry(
            **_described(function),
            group=group,
            order=order,
            own_keys=frozenset(own_keys),
            technique=technique_of(function.__module__),
        )

        def body(beamline: Beamline, **arguments: Any) -> AnyPlan:
            """Do the plan of one call. Raises InputError for a reserved key in `md`, before any other message."""
            check_reserved(arguments.get("md") or {}, "md", beamline.configuration)
            return (yield from function(beamline, **arguments))

        return _registered(function, body, entry)

    return decorate


def technique_of(module: str) -> str:
    """Return the folder below `plans` that a module is in; empty for a module of another package."""
    parts = module.split(".")
    return parts[1] if parts[0] == "plans" and len(parts) > 2 else ""


def _registered(function: Callable[..., Any], body: Callable[..., AnyPlan], entry: PlanEntry) -> RegisteredPlan:
    """Add a plan to the registry and return it as users call it, with signature and docstring.

    Raises PlugInError if another module has a plan of this name.
    """
    taken = PLANS.get(entry.name)
    if taken is not None and taken.__module__ != function.__module__:
        raise PlugInError(f"there is a plan {entry.name} in {taken.__module__} already. Give it another name.")

    @functools.wraps(function)
    def registered(beamline: Beamline, *args: Any, **kwargs: Any) -> AnyPlan:
        return (yield from body(beamline, **entry.arguments(beamline.configuration, args, kwargs)))

    # What users see is derived from the entry, not from the function: `inspect.signature` and `help` read these
    # attributes, and so do the prompt's completion and the queue server's list of allowed plans.
    registered.__doc__ = docstring_of(entry)
    registered.__signature__ = signature_of(entry)  # type: ignore[attr-defined]  # read by inspect
    registered.entry = entry  # type: ignore[attr-defined]  # the Protocol's attribute
    PLANS[entry.name] = registered  # type: ignore[assignment]  # with the attribute it is one
    return PLANS[entry.name]


def _described(function: Callable[..., Any]) -> dict[str, Any]:
    """Return name, descriptions and parameters of a decorated function, as keywords of PlanEntry."""
    summary, _, details = (inspect.getdoc(function) or "").partition("\n\n")
    parameters = parameters_of(function)
    hints = get_type_hints(function)
    options = hints.get("options")
    return {
        "name": function.__name__,
        "summary": " ".join(summary.split()),
        "details": details.strip(),
        "parameters": tuple(parameters),
        "takes_options": options if is_dataclass(options) else None,
    }
