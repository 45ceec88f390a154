"""Metadata from outside a plan: what `RE(plan, key=value)`, `RE.md` and wrappers add to every start document.

bluesky lets `RE(plan, fluence_mj_cm2=4)` override the plan's own metadata, so that a run could state a fluence that was
never set. Every plan of trxas announces its runs by a message before anything moves; the guard checks then. What
`bpp.inject_md_wrapper` changes is only known when the run opens, which is after the X-ray shutter has opened.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import bluesky.preprocessors as bpp
import numpy as np
from bluesky import RunEngine
from bluesky.utils import Msg

from devices.configuration import BeamlineConfiguration
from errors import InputError
from plans.engine.scanning import ANNOUNCEMENT, STATEMENT
from plans.metadata import storable_metadata
from plans.registry import check_reserved

OF_THE_SESSION = frozenset({"beamline", "scan_id", "versions"})
"""Keys that bluesky and the session keep in `RE.md`; a run has its own values for them or counts them up."""

LARGEST_SCAN_ID = 10**9
"""Limit of the numbers of runs: names of files have room for them, and every program stores them exactly."""


def guard_metadata(engine: RunEngine, configuration: BeamlineConfiguration | None = None) -> None:
    """Check the metadata of every run of `engine`, and store values of numpy as numbers and lists.

    Runs of trxas are checked before anything moves, those of other plans when they open. The plan then raises
    InputError, as `check_engine_metadata` does. With a `configuration`, the keys of the plans of its beamline matter.
    """

    def guarded(plan: Generator[Msg, Any, Any]) -> Generator[Msg, Any, Any]:
        return (yield from bpp.msg_mutator(plan, _Check(engine, configuration)))

    engine.preprocessors.append(guarded)
    engine.md_normalizer = _stored


class _Check:
    """The check of the messages of one plan: at the announcement of its runs, and when each opens."""

    def __init__(self, engine: RunEngine, configuration: BeamlineConfiguration | None) -> None:
        self._engine = engine
        self._configuration = configuration
        self._stated: Mapping[str, Any] | None = None

    def __call__(self, message: Msg) -> Msg:
        # The announcement is a message that every scan of trxas sends before anything moves. At that moment the
        # metadata of the call are known, which they are not when the plan is made, and nothing has been opened or moved
        # yet.
        if message.command == "null" and ANNOUNCEMENT in message.kwargs:
            # bluesky has no public way to the metadata of the call under way.
            check_engine_metadata(self._engine._metadata_per_call, self._engine.md, self._configuration)
        elif message.command == "null" and STATEMENT in message.kwargs:
            self._stated = message.kwargs[STATEMENT]
        elif message.command == "open_run" and self._stated is not None:
            stated = self._stated
            self._stated = None
            missing = object()
            keys = {*stated, *message.kwargs}
            changed = (key for key in keys if stated.get(key, missing) is not message.kwargs.get(key, missing))
            check_reserved(changed, "A wrapper of the plan", self._configuration)
        return message


def check_engine_metadata(
    of_call: Mapping[str, Any], of_engine: Mapping[str, Any], configuration: BeamlineConfiguration | None = None
) -> None:
    """Raise InputError if the metadata of one call or of the engine would replace what a run writes itself.

    Raises InputError also for a value or key that cannot be stored.
    """
    if not isinstance(of_engine, Mapping):
        raise InputError(f"RE.md = {of_engine!r}: give a mapping, such as {{'operator': 'A. B.'}}.")
    _check_scan_id(of_engine.get("scan_id", 0))
    check_reserved(of_call, "RE(plan, ...)", configuration)
    check_reserved(set(of_engine) - OF_THE_SESSION, "RE.md", configuration)
    storable_metadata(of_call, "RE(plan, ...)")
    storable_metadata(of_engine, "RE.md")


def _check_scan_id(scan_id: Any) -> None:
    """Raise InputError unless the next number of a run can follow from `scan_id`, which users may set to jump ahead."""
    if isinstance(scan_id, bool) or not isinstance(scan_id, int | np.integer) or not 0 <= scan_id < LARGEST_SCAN_ID:
        raise InputError(
            f"RE.md['scan_id'] = {scan_id!r}: give a whole number from 0 to {LARGEST_SCAN_ID - 1}; the next run gets "
            "the number after it."
        )


def _stored(md: Mapping[str, Any]) -> dict[str, Any]:
    return storable_metadata(md, "start document")
