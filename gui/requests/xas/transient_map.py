"""Maps over two axes and their global fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from gui.live.request import Request
from gui.live.run_state import RunState
from reduction.timing import Timing, timing_from
from reduction.types import FloatArray
from reduction.xas.dependence import DependenceSums
from reduction.xas.kinetics.kinetic_model import Criterion, KineticModel
from reduction.xas.map_choice import choose_map_model
from reduction.xas.map_fit import MapFit, fit_map
from reduction.xas.transient_map import TransientMap, change_by_pump, transient_map


@dataclass(frozen=True, kw_only=True)
class ShownMap:
    """A map, and its change by the pump, (rows, columns), corrected for the efficiencies of the gates."""

    map: TransientMap = field(repr=False)
    change: FloatArray = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class MapRequest(Request[ShownMap]):
    """The transient at every point of a grid scan so far, as the listed `detector` saw it; "" is the first."""

    detector: str = ""

    def compute(self, run: RunState) -> ShownMap:
        """Return the map, shape (rows, columns). Raises ReductionError for a run that is not a grid of two axes."""
        sums = run.map_sums(self.detector)
        measured = transient_map(sums)
        # Maps over axes such as a magnet and a nozzle need no timing, and their start documents have none.
        timed = "reduction" in sums.start
        change = change_by_pump(measured, timing_of_run(sums)) if timed else measured.change
        return ShownMap(map=measured, change=change)


def timing_of_run(sums: DependenceSums) -> Timing:
    """Return gates and pumps of a run, ps; raises ReductionError if its start document lacks them."""
    return timing_from(sums.start.get("reduction", {}), sums.start.get("instrument_response"))


@dataclass(frozen=True, kw_only=True)
class FittedMap:
    """A global fit, and a line for every model if a criterion has chosen one."""

    fit: MapFit = field(repr=False)
    compared: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MapFitRequest(Request[FittedMap]):
    """The global fit of an energy x delay map; `kinetics` is a model, or the criterion that chooses one."""

    slow: ClassVar[bool] = True

    kinetics: KineticModel | Criterion = KineticModel.TWO_OFFSET
    detector: str = ""

    def compute(self, run: RunState) -> FittedMap:
        """Return the fit. Raises ReductionError for any other run, or if the map does not determine the model yet."""
        sums = run.map_sums(self.detector)
        measured = transient_map(sums)
        timing = timing_of_run(sums)
        if isinstance(self.kinetics, Criterion):
            choice = choose_map_model(measured, timing, self.kinetics)
            return FittedMap(fit=choice.fit, compared=choice.lines)
        return FittedMap(fit=fit_map(measured, timing, model=self.kinetics))
