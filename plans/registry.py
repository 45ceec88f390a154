"""Every plan of the beamline: a decorator on its function is the one place where a plan is registered.

`scan_plan` is for plans that measure: their function returns what to measure, as one ScanSpec or several. `plan` is for
all others: their function is a bluesky plan whose first argument is the beamline. Both read the parameters from the
annotations, check the arguments before anything moves, and give the plan a signature and a docstring for the prompt.
"""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Protocol, Union, get_args, get_origin, get_type_hints

from devices.beamline import Beamline
from devices.configuration import BeamlineConfiguration
from errors import InputError, PlugInError
from plans.argument import Arg, Parameter
from plans.engine.detection import Detection
from plans.engine.scanning import measure_runs
from plans.engine.spec import Around, Runs, ScanSpec, as_list
from plans.engine.start_document import own_keys
from plans.types import AnyPlan

DetectionOf = Callable[[Beamline], Detection]
"""Returns the detectors of a plan; raises ConfigurationError for a beamline that lacks them."""


class Group(StrEnum):
    """Groups of plans, as the window and the documentation list them."""

    PUMP_PROBE = "Pump and probe"
    ALIGNMENT = "Alignment and calibration"
    POWDER = "Powder cell"
    MICROSCOPY = "Photoluminescence microscopy"


class Course(Protocol):
    """Measures the runs of a plan in place of one after the other as listed, such as a search that repeats."""

    def __call__(self, beamline: Beamline, entry: PlanEntry, arguments: Mapping[str, Any]) -> AnyPlan:
        """Return the plan of a call with these checked arguments by name, whose value are the runs' uids."""


class RegisteredPlan(Protocol):
    """A plan as users call it, with the beamline first; `entry` is its entry in the registry."""

    entry: PlanEntry
    __name__: str
    __module__: str

    def __call__(self, beamline: Beamline, *args: Any, **kwargs: Any) -> AnyPlan:
        """Return the plan; wrong arguments raise InputError when it starts, before anything moves."""


@dataclass(frozen=True, kw_only=True)
class PlanEntry:
    """One plan of the registry.

    `runs`: function that returns the runs for given arguments, None for a plan that makes no scan. `detection`: its
    detectors. `resumable`: whether its runs can be resumed. `unpumped_probe`: whether the unpumped probe must come
    before the next pump. `around`: sets something up before each run and puts it back after it. `course`: measures the
    runs, where what comes next depends on what was found. `own_keys`: keys that it adds to start documents.
    `takes_options`: dataclass of its options. `group` is one of `Group`, or a name that another package gives to its
    own plans. `technique` is the folder of a plan of trxas, empty for another package's.
    """

    name: str
    summary: str
    details: str
    parameters: tuple[Parameter, ...]
    group: str
    order: int
    runs: Callable[..., Runs] | None = None
    takes_options: Any = None
    takes_configuration: bool = False
    detection: DetectionOf | None = None
    resumable: bool = False
    unpumped_probe: bool = True
    around: Around | None = None
    course: Course | None = None
    own_keys: frozenset[str] = frozenset()
    technique: str = ""

    def is_offered(self, configuration: BeamlineConfiguration) -> bool:
        """Return whether a beamline has the plan: it is of one of its techniques, or of another package."""
        return not self.technique or self.technique in configuration.techniques

    def arguments(
        self, configuration: BeamlineConfiguration, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return all arguments by name, checked, with defaults; raise InputError naming value and allowed range."""
        # Three checks, in this order: names, so that a misspelt argument is not reported as a missing one; each value
        # by itself; then the limits that a device sets. Grids and relations between values are checked where the run is
        # built.
        given = self._by_name(args, kwargs)
        if missing := [one.name for one in self.parameters if one.required and one.name not in given]:
            raise InputError(f"{self.name} needs {', '.join(missing)}. It takes: {self._names()}.")
        values = {
            one.name: one.checked(given[one.name]) if one.name in given else one.default_at(configuration)
            for one in self.parameters
        }
        for one in self.parameters:
            one.check_limits(values[one.name], configuration)
        return values

    def specs(self, configuration: BeamlineConfiguration, **arguments: Any) -> Runs:
        """Return the runs of the plan, not yet checked against the beamline.

        Raises InputError for wrong arguments, or for a plan that makes no scan.
        """
        if self.runs is None:
            raise InputError(f"{self.name} makes no scan. Give the name of a plan that measures.")
        called = self._called(self.arguments(configuration, (), arguments))
        runs = self.runs(configuration, **called) if self.takes_configuration else self.runs(**called)
        if isinstance(runs, dict):
            return {name: self._completed(spec) for name, spec in runs.items()}
        return [self._completed(spec) for spec in runs] if isinstance(runs, list) else self._completed(runs)

    def _called(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments in the form that the function takes: those of its options as one object."""
        if self.takes_options is None:
            return arguments
        # Users see the fields of the options as single arguments; the function gets them back as one frozen object,
        # which it hands on to the run without naming each.
        grouped = {one.name: arguments.pop(one.name) for one in fields(self.takes_options)}
        return {**arguments, "options": self.takes_options(**grouped)}

    def _completed(self, spec: ScanSpec) -> ScanSpec:
        """Return a run completed with the settings that the decorator fixes, unless another plan made the run."""
        # A series is built from the runs of other plans, which are complete already: a resumed run must find the plan
        # that made it, not the series.
        if spec.plan_name or self.detection is None:
            return spec
        return replace(
            spec,
            plan_name=self.name,
            detection=self.detection,
            unpumped_probe=self.unpumped_probe,
            around=self.around,
        )

    def _by_name(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        positional = [one.name for one in self.parameters if one.positional]
        if len(args) > len(positional):
            raise InputError(
                f"{self.name} takes {len(positional)} arguments by position ({', '.join(positional) or 'none'}), not "
                f"{len(args)}. Give the others by name: {self._names()}."
            )
        given = dict(zip(positional, args, strict=False))
        for name in kwargs:
            self._check_name(name, given)
        return given | dict(kwargs)

    def _check_name(self, name: str, given: Mapping[str, Any]) -> None:
        if name in given:
            raise InputError(f"{self.name} got {name} twice, by position and by name.")
        for one in self.parameters:
            if name in one.arg.formerly:
                raise InputError(f"{self.name} has no argument {name}: it is called {one.name}.")
        known = [one.name for one in self.parameters]
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise InputError(f"{self.name} has no argument {name}.{hint} It takes: {self._names()}.")

    def _names(self) -> str:
        return ", ".join(one.name for one in self.parameters) or "no arguments"


PLANS: dict[str, RegisteredPlan] = {}
"""Every registered plan by its name, in the order in which their modules were imported."""


def sorted_plans() -> list[RegisteredPlan]:
    """Return every plan in the order of lists and forms: by group, then by the plan's order in the group."""
    # Groups of other packages come after those of trxas, by name.
    places = {str(group): place for place, group in enumerate(Group)}

    def place(one: RegisteredPlan) -> tuple[int, str, int, str]:
        entry = one.entry
        return places.get(entry.group, len(places)), entry.group, entry.order, entry.name

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
    unpumped_probe: bool = True,
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
            unpumped_probe=unpumped_probe,
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
    """Register a plan that makes no scan; the decorated function is a bluesky plan with the beamline first.

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
    registered.__doc__ = _docstring(entry)
    registered.__signature__ = signature_of(entry)  # type: ignore[attr-defined]  # read by inspect
    registered.entry = entry  # type: ignore[attr-defined]  # the Protocol's attribute
    PLANS[entry.name] = registered  # type: ignore[assignment]  # with the attribute it is one
    return PLANS[entry.name]


def signature_of(entry: PlanEntry, configuration: BeamlineConfiguration | None = None) -> inspect.Signature:
    """Return the signature that prompt and queue server show: plain types, the options as single keywords.

    With a `configuration` the defaults are those of its beamline: of a quantity that cannot be set there, its value.
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


def _docstring(entry: PlanEntry) -> str:
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


def parameters_of(function: Callable[..., Any]) -> list[Parameter]:
    """Return the parameters that users see; raise TypeError for one without Arg.

    A parameter `options` is replaced by the fields of its dataclass, at the end, those of the most derived class first.
    """
    hints = get_type_hints(function, include_extras=True)
    found: list[Parameter] = []
    options: list[Parameter] = []
    for one in inspect.signature(function).parameters.values():
        if one.name in ("beamline", "configuration"):
            continue
        if one.name == "options":
            options = _fields_of(hints["options"])
        else:
            positional = one.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
            found.append(_parameter(one.name, hints[one.name], one.default, positional=positional))
    return [*found, *options]


def _fields_of(options: Any) -> list[Parameter]:
    hints = get_type_hints(options, include_extras=True)
    # Defaults are read from an instance, because a subclass may change the default of an inherited field. The order is
    # that of the classes in `__mro__`, the most special first; `dict.fromkeys` drops the repetition of a field that is
    # inherited.
    defaults = options()
    names = dict.fromkeys(name for kind in options.__mro__ for name in getattr(kind, "__annotations__", {}))
    return [_parameter(name, hints[name], getattr(defaults, name), positional=False) for name in names]


def _parameter(name: str, hint: Any, default: Any, *, positional: bool) -> Parameter:
    """Return the parameter of one annotation, which is `Annotated[kind, Arg]` or `Annotated[kind, Arg] | None`."""
    # `Annotated[X, Arg] | None` is a union at run time, of `Annotated` and NoneType; `Optional` gives a typing.Union
    # instead.
    parts = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    (annotated,) = (part for part in parts if part is not NoneType)
    if get_origin(annotated) is not Annotated:
        raise TypeError(f"The parameter {name} has no Arg. Annotate it with a type of plans.parameters.")
    kind, *extras = get_args(annotated)
    (arg,) = (one for one in extras if isinstance(one, Arg))
    return Parameter(name=name, kind=kind, arg=arg, default=default, optional=NoneType in parts, positional=positional)
