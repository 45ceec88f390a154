"""Entry points of other packages: their list, what they provide, and why one of them cannot be used."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib import metadata
from typing import Any, TypeVar

T = TypeVar("T")

logger = logging.getLogger("trxas.plugins")


class PlugInGroup(StrEnum):
    """Groups of entry points; each is loaded by one layer, which defines what its entry points must name."""

    PLANS = "trxas.plans"
    RUN_KINDS = "trxas.run_kinds"
    PANELS = "trxas.panels"
    CAMPAIGNS = "trxas.campaigns"


MARK = "[trxas."
"""Text in a package's file of entry points if the package has plug-ins."""


@dataclass(frozen=True, kw_only=True)
class PlugIn:
    """One entry point of an installed package: `target` is the module or object that it names."""

    group: str
    name: str
    target: str
    package: str
    version: str
    point: metadata.EntryPoint = field(repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.package} {self.version}, entry point {self.name} = {self.target} of {self.group}"

    def load(self) -> Any:
        """Return the module or object that the entry point names; raises whatever its import raises."""
        return self.point.load()


@dataclass(frozen=True, kw_only=True)
class LoadResult:
    """Result of loading one plug-in: the names of what it `brought`, or the `problem` as a message with a remedy."""

    plug_in: PlugIn
    brought: tuple[str, ...] = ()
    problem: str = ""


_RESULTS: dict[PlugIn, LoadResult] = {}


@cache
def plug_ins() -> tuple[PlugIn, ...]:
    """Return every entry point of trxas's groups, by group and name; nothing is imported."""
    # Read once, and only the file with the entry points of each package: all metadata of 230 packages take four times
    # as long, in every session. A package that is on the path twice counts where it is found first, as in an import.
    found: dict[tuple[str, str, str], PlugIn] = {}
    for distribution in metadata.distributions():
        if MARK not in (distribution.read_text("entry_points.txt") or ""):
            continue
        package = distribution.metadata["Name"]
        for point in distribution.entry_points:
            if point.group in list(PlugInGroup):
                plug_in = PlugIn(
                    group=point.group,
                    name=point.name,
                    target=point.value,
                    package=package,
                    version=distribution.version,
                    point=point,
                )
                found.setdefault((point.group, point.name, package), plug_in)
    return tuple(found[key] for key in sorted(found))


def load_plug_ins(
    group: PlugInGroup, take: Callable[[PlugIn], Sequence[T]], name_of: Callable[[T], str] = str
) -> list[T]:
    """Return what `take` gets from every plug-in of a group; one that fails is logged and skipped.

    `take` loads the plug-in and checks what it brings; whatever it raises becomes the problem of the plug-in's outcome.
    """
    found: list[T] = []
    for plug_in in plug_ins():
        if plug_in.group != group:
            continue
        try:
            brought = take(plug_in)
        except (Exception, SystemExit) as error:  # noqa: BLE001  # other people's code; the session must continue
            _fail(plug_in, error)
        else:
            _RESULTS[plug_in] = LoadResult(plug_in=plug_in, brought=tuple(map(name_of, brought)))
            found += brought
    return found


def load_results() -> list[LoadResult]:
    """Return the outcome of every plug-in that a layer has loaded so far, by group and name."""
    return [_RESULTS[plug_in] for plug_in in plug_ins() if plug_in in _RESULTS]


def forget_plug_ins() -> None:
    """Forget all entry points, so that they are read again at the next request, after a change of the packages."""
    plug_ins.cache_clear()
    _RESULTS.clear()


def _fail(plug_in: PlugIn, error: BaseException) -> None:
    problem = (
        f"The plug-in {plug_in} cannot be used: {type(error).__name__}: {error}. trxas continues without it. Correct "
        f"the package, or remove it with `pip uninstall {plug_in.package}`; `trxas plugins` lists all."
    )
    # The group may be loaded several times, by a second window for instance; one message is enough.
    if plug_in not in _RESULTS or _RESULTS[plug_in].problem != problem:
        logger.error(problem, exc_info=error if logger.isEnabledFor(logging.DEBUG) else None)
    _RESULTS[plug_in] = LoadResult(plug_in=plug_in, problem=problem)
