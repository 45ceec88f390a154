"""The common course of a run: checks, X-ray shutter, the loop over its points, and a safe end."""

from __future__ import annotations

import uuid
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import bluesky.preprocessors as bpp
from bluesky.utils import Msg

from devices.beamline import Beamline
from plans.choices import Stepping
from plans.engine.approach import check_room_between, check_room_for_approach
from plans.engine.attempts import with_reasons
from plans.engine.fly_loop import FlyLoop
from plans.engine.left_out import warn_of_left_out
from plans.engine.measuring import PointLoop
from plans.engine.preflight import check_beamline
from plans.engine.request import ScanRequest, check_request
from plans.engine.safe_end import ending_safely
from plans.engine.sequence_loop import SequenceLoop
from plans.engine.spec import Around, ScanSpec
from plans.engine.start_document import start_metadata
from plans.engine.suspending import open_xrays
from plans.types import AnyPlan, Plan, RunPlan

LOOPS: Mapping[Stepping, type[PointLoop | SequenceLoop]] = {
    Stepping.SOFTWARE: PointLoop,
    Stepping.HARDWARE: SequenceLoop,
    Stepping.FLY: FlyLoop,
}
"""Loop that measures the exposures of a run, by its stepping."""

ANNOUNCEMENT = "begins a run of trxas"
"""Keyword of the null message with which every run begins, before anything moves; a session checks metadata then.

Its value is the list of checked requests of the runs that follow, empty for a run that is not a scan.
"""

STATEMENT = "states a start document"
"""Keyword of the null message that comes before a run opens, with its start document as the plan made it.

A session compares: `bpp.inject_md_wrapper` around a plan changes the document on its way to the RunEngine.
"""


def announcement(requests: Iterable[ScanRequest] = ()) -> Msg:
    """Return the message that announces runs, with their checked requests."""
    return Msg("null", None, **{ANNOUNCEMENT: tuple(requests)})


def announced(beamline: Beamline, requests: Sequence[ScanRequest]) -> Plan:
    """Announce runs, and then warn of what they will not measure; a dry run, which ends before, states it itself."""
    yield announcement(requests)
    warn_of_left_out(beamline.configuration, requests)


def announced_requests(plan: Generator[Msg, Any, Any]) -> tuple[ScanRequest, ...]:
    """Return the requests that a plan announces first, and end the plan there: nothing has moved.

    Empty for a plan that is not a scan. Raises what the checks of the plan raise.
    """
    try:
        for message in plan:
            found: tuple[ScanRequest, ...] = message.kwargs.get(ANNOUNCEMENT, ())
            return found
        return ()
    finally:
        plan.close()


def check_scan(beamline: Beamline, request: ScanRequest) -> None:
    """Raise the errors that `scan` raises before its first message; for plans that act before they scan."""
    check_beamline(beamline, request.detection)
    check_room_for_approach(beamline, request)


def scan(beamline: Beamline, request: ScanRequest) -> RunPlan:
    """Make one run of a checked request and return its uid.

    At its end the laser shutter is closed, and after a failure the X-ray shutter too. During the run, long moves of the
    energy use the approach of the request; the configured one is restored afterwards. Raises errors of `check_scan`, or
    the error that ended the run.
    """
    check_scan(beamline, request)

    # From the inside: the loop over the points; the run, with its start and stop document; the opening of the X-rays,
    # outside the run, because without X-rays there is none; the safe end, around everything that may open a shutter.
    # The reason of a failure goes into the run's stop document, so it has to be unwrapped within the run.
    loop = LOOPS[request.stepping]
    run = _stated_run(with_reasons(loop(beamline, request).run()), start_metadata(request, beamline))
    return str((yield from ending_safely(beamline, _with_xrays(beamline, request, run), request.detection.pilatus)))


def measure_runs(beamline: Beamline, specs: list[ScanSpec]) -> Generator[Msg, Any, list[str]]:
    """Make the runs of a plan in order and return their uids; all are checked before the first moves anything.

    Several runs without a series share a new one. Raises the same errors as `check_request` and `check_scan`.
    """
    if len(specs) > 1:
        series = specs[0].options.series or str(uuid.uuid4())
        specs = [replace(spec, options=replace(spec.options, series=series)) for spec in specs]
    requests = [check_request(beamline, spec) for spec in specs]
    yield from announced(beamline, requests)
    # All detectors, now: otherwise one that is missing for the last run would be found hours later.
    for detection in {request.detection.modes: request.detection for request in requests}.values():
        check_beamline(beamline, detection)
    check_room_for_approach(beamline, requests[0])
    check_room_between(beamline, requests)
    uids = []
    for spec, request in zip(specs, requests, strict=True):
        uids.append((yield from measure_run(beamline, request, spec.around)))
    return uids


def measure_run(beamline: Beamline, request: ScanRequest, around: Around | None) -> RunPlan:
    """Make one run inside the set-up and clean-up of its plan, such as moving a mirror back; return its uid.

    Raises the error that ended the run.
    """
    if around is None:
        return (yield from scan(beamline, request))
    # What happens after the run has to end safely as well.
    return str((yield from ending_safely(beamline, around(beamline, request.md, scan(beamline, request)))))


def _stated_run(measure: AnyPlan, document: dict[str, Any]) -> AnyPlan:
    """Run `measure` as a run with this start document, which is stated right before the run opens."""
    yield Msg("null", None, **{STATEMENT: document})
    return (yield from bpp.run_wrapper(measure, md=document))


def _with_xrays(beamline: Beamline, request: ScanRequest, run: AnyPlan) -> AnyPlan:
    """Open the X-ray shutter, then `run`; if the shutter does not open there is no run."""
    yield from open_xrays(beamline, request.detection.conditions)
    return (yield from run)
