"""Run kinds of other installed packages: objects that entry points of the group `trxas.run_kinds` name."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from errors import InputError, PlugInError, ReductionError
from plugins.entry_points import PlugIn, PlugInGroup, load_plug_ins
from reduction.run_kind import RunKind, RunResults, plug_in_failure

if TYPE_CHECKING:
    from reduction.types import Document

T = TypeVar("T")

logger = logging.getLogger("trxas.plugins")


def plug_in_kinds(taken: Iterable[str]) -> list[RunKind]:
    """Return the run kinds of all plug-ins; one with a name that is `taken`, or with a defect, is logged and left out.

    Any error of their functions other than ReductionError and InputError becomes a ReductionError that names the
    plug-in.
    """
    names = set(taken)

    def kinds_of(plug_in: PlugIn) -> list[RunKind]:
        """Return the guarded run kinds of a plug-in; raises PlugInError for other objects and taken names."""
        brought = plug_in.load()
        kinds = [brought] if isinstance(brought, RunKind) else list(brought)
        for kind in kinds:
            if not isinstance(kind, RunKind):
                raise PlugInError(f"{kind!r} is not a reduction.run_kind.RunKind. Name a RunKind, or a tuple of them")
            if kind.name in names:
                raise PlugInError(f"there is a run kind {kind.name!r} already. Give it another name")
            names.add(kind.name)
        return [guarded(kind, str(plug_in)) for kind in kinds]

    return load_plug_ins(PlugInGroup.RUN_KINDS, kinds_of, lambda kind: kind.name)


def guarded(kind: RunKind, plug_in: str) -> RunKind:
    """Return the kind with defects of its functions as ReductionErrors; a defective `is_kind` returns False.

    Raises nothing itself. The new functions pass ReductionError and InputError on and turn any other error into a
    ReductionError that names `plug_in`.
    """

    def is_kind(start: Document) -> bool:
        try:
            return bool(kind.is_kind(start))
        except Exception as error:  # noqa: BLE001  # other people's code may raise anything; the next kind is asked
            logger.error("%s", plug_in_failure(plug_in, error))  # the message is for users
            return False

    def reduced(sums: Any) -> RunResults:
        results = kind.reduce(sums)
        # Asked for here, where an error still finds its plug-in: report and prompt print the table.
        results.table()
        return results

    def safe(function: Callable[..., T]) -> Callable[..., T]:
        """Return `function` with its defects as errors of the plug-in.

        The result raises ReductionError and InputError as `function` does, and any other error as that of the plug-in.
        """

        @wraps(function)
        def called(*arguments: Any) -> T:
            try:
                return function(*arguments)
            except (ReductionError, InputError):
                raise
            except Exception as error:
                raise plug_in_failure(plug_in, error) from error

        return called

    return replace(
        kind,
        is_kind=is_kind,
        sums=safe(kind.sums),
        reduce=safe(reduced),
        curve=safe(kind.curve),
        refit=None if kind.refit is None else safe(kind.refit),
        seen_by=None if kind.seen_by is None else safe(kind.seen_by),
        checks=None if kind.checks is None else safe(kind.checks),
        figure=None if kind.figure is None else safe(kind.figure),
        exposure_text=None if kind.exposure_text is None else safe(kind.exposure_text),
        plug_in=plug_in,
    )
