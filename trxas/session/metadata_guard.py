"""Metadata from outside a plan: what `RE(plan, key=value)` and `RE.md` add to every start document.

bluesky lets `RE(plan, fluence_mj_cm2=4)` override the plan's own metadata, so that a run could state a fluence that was
never set. Every plan of trxas announces its runs by a message before anything moves; the guard checks then.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import bluesky.preprocessors as bpp
from bluesky import RunEngine
from bluesky.utils import Msg

from devices.configuration import BeamlineConfiguration
from plans.engine.scanning import ANNOUNCEMENT
from plans.metadata import storable_metadata
from plans.registry import check_reserved

OF_THE_SESSION = frozenset({"beamline", "scan_id", "versions"})
"""Keys that bluesky and the session keep in `RE.md`; a run has its own values for them or counts them up."""


def guard_metadata(engine: RunEngine, configuration: BeamlineConfiguration | None = None) -> None:
    """Check the metadata of every run of `engine`, and store values of numpy as numbers and lists.

    Runs of trxas are checked before anything moves, those of other plans when they open. The plan then raises
    InputError, as `check_engine_metadata` does. With a `configuration`, the keys of the plans of its beamline matter.
    """

    def check(message: Msg) -> Msg:
        # The announcement is a message that every scan of trxas sends before anything moves. At that moment the
        # metadata of the call are known, which they are not when the plan is made, and nothing has been opened or moved
        # yet.
        if message.command == "null" and ANNOUNCEMENT in message.kwargs:
            # bluesky has no public way to the metadata of the call under way.
            check_engine_metadata(engine._metadata_per_call, engine.md, configuration)
        return message

    def guarded(plan: Generator[Msg, Any, Any]) -> Generator[Msg, Any, Any]:
        return (yield from bpp.msg_mutator(plan, check))

    engine.preprocessors.append(guarded)
    engine.md_normalizer = _stored


def check_engine_metadata(
    of_call: Mapping[str, Any], of_engine: Mapping[str, Any], configuration: BeamlineConfiguration | None = None
) -> None:
    """Raise InputError if the metadata of one call or of the engine would replace what a run writes itself.

    Raises InputError also for a value or key that cannot be stored.
    """
    check_reserved(of_call, "RE(plan, ...)", configuration)
    check_reserved(set(of_engine) - OF_THE_SESSION, "RE.md", configuration)
    storable_metadata(of_call, "RE(plan, ...)")
    storable_metadata(of_engine, "RE.md")


def _stored(md: Mapping[str, Any]) -> dict[str, Any]:
    return storable_metadata(md, "start document")
