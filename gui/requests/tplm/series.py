"""Diffusivities of a series of maps against power, repetition rate and excitons per pulse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, TypeVar

from errors import ReductionError
from gui.live.request import Request
from gui.live.run_state import RunState
from reduction.tplm.attribution import Attribution, attribute
from reduction.tplm.kinds import reduce_map
from reduction.tplm.map_sums import MapSums
from reduction.tplm.metadata import is_map
from reduction.tplm.relaxation import LawComparison, MapPoint, compare_laws

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class MapSeries:
    """The maps of a series, oldest first; laws and attribution are None for the reasons in `problems`."""

    maps: tuple[MapPoint, ...]
    laws: LawComparison | None = field(repr=False)
    attribution: Attribution | None = field(repr=False)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MapSeriesRequest(Request[MapSeries]):
    """The maps of the series of this run that the window has seen, this run included."""

    slow: ClassVar[bool] = True

    def compute(self, run: RunState) -> MapSeries:
        """Return the series. Raises ReductionError for any other run, or if no map of it can be fitted yet."""
        this = run.sums_of(MapSums)
        # Finished maps never change, so each is fitted once and remembered by its run and number of exposures; only the
        # map under way is fitted again at every exposure.
        earlier = [sums for sums in run.earlier_sums if isinstance(sums, MapSums)]
        maps = [point for sums in earlier if (point := _finished(run, sums)) is not None]
        # The map that is being measured joins as soon as it can be fitted.
        latest = _point(this)
        maps += [] if latest is None else [latest]
        if not maps:
            raise ReductionError("No map of this series can be fitted yet. Wait for more places.")
        return series_of(maps)


def series_of(maps: Sequence[MapPoint]) -> MapSeries:
    """Return maps of one sample with laws and attribution, as far as they allow them.

    Raises nothing if they do not: the reason is in `problems` of the result.
    """
    problems: list[str] = []
    laws = _or_problem(problems, lambda: compare_laws(maps))
    attribution = _or_problem(problems, lambda: attribute(maps))
    return MapSeries(maps=tuple(maps), laws=laws, attribution=attribution, problems=tuple(problems))


def _finished(run: RunState, sums: MapSums) -> MapPoint | None:
    return run.remember(("tplm map", sums.metadata.uid, sums.number), lambda: _point(sums))


def _point(sums: MapSums) -> MapPoint | None:
    if not is_map(sums.start):
        return None
    try:
        return reduce_map(sums).point
    except ReductionError:
        return None


def _or_problem(problems: list[str], result: Callable[[], T]) -> T | None:
    try:
        return result()
    except ReductionError as error:
        problems.append(str(error))
        return None
