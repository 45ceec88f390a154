"""Entry of a plan in the registry: its parameters and properties, and how the arguments of a call become runs."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

from devices.beamline import Beamline
from devices.configuration import BeamlineConfiguration
from errors import InputError
from plans.argument import Parameter
from plans.engine.detection import Detection
from plans.engine.spec import Around, Runs, ScanSpec
from plans.types import AnyPlan

DetectionOf = Callable[[Beamline], Detection]
"""Returns the detectors of a plan; raises ConfigurationError for a beamline that lacks them."""


class Course(Protocol):
    """Function that decides in which order and how often the runs of a plan are measured, as in a search."""

    def __call__(self, beamline: Beamline, entry: PlanEntry, arguments: Mapping[str, Any]) -> AnyPlan:
        """Return the plan of a call with these checked arguments by name, whose value is the list of the runs' uids."""


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

    `runs`: function that returns the runs for given arguments, None for a plan that does not scan. `detection`: its
    detectors. `resumable`: whether its runs can be resumed. `around`: sets something up before each run and restores it
    after the run. `course`: measures the runs one by one where each depends on the results before it. `own_keys`: keys
    that the plan adds to start documents. `takes_options`: dataclass of its options. `group` is one of `Group`, or a
    name that a technique or another package gives to its own plans. `technique` is the folder of a plan of trxas,
    empty for another package's.
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

        Raises InputError for wrong arguments, or for a plan that does not scan.
        """
        if self.runs is None:
            raise InputError(f"{self.name} does not scan. Give the name of a plan that measures.")
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
