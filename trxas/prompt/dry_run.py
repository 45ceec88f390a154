"""Dry run: what a plan would do, shown before anything moves; and settings of an earlier run for a new one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import plans
from devices.axes.axis import Axis
from devices.axes.cell import TEMPERATURE, Cell
from devices.beamline import Beamline
from devices.names import ShutterState
from errors import InputError, TrxasError
from gui.quantity_text import duration_text
from plans.engine.left_out import left_out_text
from plans.engine.request import ScanRequest
from plans.engine.scanning import announced_requests
from plans.engine.start_document import calibration_metadata
from plans.registry import PLANS
from plans.resume import repeated_request
from plans.types import AnyPlan
from storage import RunKey, load_dataset
from trxas.results.expected_errors import expected_errors
from trxas.session.plan_times import PlanTimes, Prediction, timed_plan, ways_of
from trxas.session.session import Session
from trxas.terminal.tables import print_table, table

FASTEST = 0.9
"""Predicted duration as a share of the beam time below which the beamline's clock is not wall-clock time."""

COLUMNS = ("axis", "from", "first", "lowest", "highest", "unit")


@dataclass(frozen=True, kw_only=True)
class PlannedRun:
    """One run that a plan would make: a line about it, a row of `COLUMNS` per axis, and what is expected of it."""

    summary: str
    moves: tuple[tuple[str, ...], ...]
    expects: tuple[str, ...]


def dry_run_function(session: Session) -> Callable[[AnyPlan], None]:
    """Return `dry_run` for one session. It raises InputError for anything but a plan of trxas."""

    def dry_run(plan: AnyPlan) -> None:
        """Show what a plan would do: exposures, beam time, duration, where each axis would go, and the expected errors.

        Nothing moves. For a plan that calibrates first, the first runs are shown; for one that measures no run, what it
        does in words. Raises InputError for a plan of another package than trxas.
        """
        if not hasattr(plan, "send"):
            raise InputError(f"{plan!r} is not a plan. Give a call of a plan, such as dry_run(energy_scan('Br K')).")
        for planned in planned_runs(session, plan):
            print(planned.summary)
            if planned.moves:
                print_table(table(COLUMNS, planned.moves, right=COLUMNS[1:-1]))
            for sentence in planned.expects:
                print(sentence)

    return dry_run


def planned_runs(session: Session, plan: AnyPlan) -> list[PlannedRun]:
    """Return what a plan would do, checked as if it ran; nothing moves.

    Raises InputError for a plan that trxas does not have, and what the checks of the plan raise.
    """
    requests = announced_requests(plan)
    if not requests:
        return [_without_scan(plan)]
    # The earlier runs at an edge are read once for all runs of a series that scan it alike.
    expected: dict[tuple[Any, ...], tuple[str, ...]] = {}
    found = [] if len(requests) == 1 else [_whole(session.plan_times, requests)]
    left: dict[str, float] = {}
    for request in requests:
        name = "" if request.edge is None else request.edge.name
        key = (name, request.points.axes, request.dwell_s, request.repeats, request.exposures)
        if key not in expected:
            pulses_per_s = session.beamline.configuration.scheme.pumps_per_s
            expected[key] = tuple(expected_errors(session.store, request, pulses_per_s))
        found.append(
            PlannedRun(
                summary=summary(request) + predicted(session.plan_times, request),
                moves=tuple(moves(session.beamline, request, left)),
                expects=(*expected[key], *_not_included(session.beamline, request), *_left_out(session, request)),
            )
        )
        left |= _left(request)
    return found


def _whole(times: PlanTimes, requests: Sequence[ScanRequest]) -> PlannedRun:
    """Return the times of all runs of a series together."""
    most = "" if all(request.until is None for request in requests) else "at most "
    counting_s = sum(request.beam_s for request in requests)
    text = f"{len(requests)} runs, {most}{duration_text(counting_s)} of counting in all"
    known = [found for request in requests if (found := prediction_of(times, request)) is not None]
    if len(known) == len(requests):
        seconds = sum(one.seconds for one in known)
        text += f"; takes about {duration_text(seconds)}{_fast(seconds, counting_s)}"
    return PlannedRun(summary=text, moves=(), expects=())


def _not_included(beamline: Beamline, request: ScanRequest) -> Iterator[str]:
    """Yield a sentence if an axis of the run takes minutes to settle, which no prediction contains."""
    names = [str(name) for name in (*request.points.axes, *request.fixed)]
    slow = [name for name in names if name in beamline.axes and beamline.axes[name].settles]
    if request.temperature_c is not None or slow:
        yield f"The time in which {', '.join(slow) or 'the temperature'} settles comes on top."


def _left_out(session: Session, request: ScanRequest) -> Iterator[str]:
    """Yield a sentence if the run does not read some of the listed detectors."""
    if text := left_out_text(session.beamline.configuration, request.stepping):
        yield text


def _left(request: ScanRequest) -> dict[str, float]:
    """Return where a run leaves each axis that it sets, in its unit."""
    last = [point for _, point, _ in request.course()][-1:]
    targets = {str(name): float(value) for name, value in request.fixed.items()}
    for point in last:
        targets |= {str(name): value for name, value in request.points.setting(point).items()}
    if request.temperature_c is not None:
        targets[TEMPERATURE] = request.temperature_c
    return targets


def _without_scan(plan: AnyPlan) -> PlannedRun:
    """Return what a plan without a scan does, in words; raise InputError for a plan that is not registered."""
    name = getattr(plan, "__name__", "")
    if name not in PLANS:
        raise InputError("This plan does not belong to trxas, so its moves and times cannot be predicted.")
    return PlannedRun(summary=f"{name} does not scan. {PLANS[name].entry.summary}", moves=(), expects=())


def dry_run_answer(session: Session) -> Callable[..., dict[str, Any]]:
    """Return the function by which the queue server answers what a plan of a form would do."""

    def dry_run_of(plan: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return what the plan called `plan` would do with these arguments, or why it is refused; nothing moves."""
        plans_by_name = session.plans()
        if plan not in plans_by_name:
            return {"problem": f"{plan} is not a scan, so its moves and times cannot be predicted.", "runs": []}
        # Answers are JSON. An error of the user is an answer too: only its text helps, not the traceback of a server.
        try:
            runs = planned_runs(session, plans_by_name[plan](**arguments))
        except TrxasError as error:
            return {"problem": str(error), "runs": []}
        return {"problem": "", "columns": list(COLUMNS), "runs": [asdict(one) for one in runs]}

    return dry_run_of


def settings_function(session: Session) -> Callable[[RunKey], AnyPlan]:
    """Return `settings_of` for one session."""

    def settings_of(key: RunKey = -1) -> AnyPlan:
        """Return the plan that measures again with the settings of an earlier run: `RE(settings_of(-3))`.

        Shows where the axes would go, and which calibrations have changed since; those of today are used. `key`: uid,
        scan id, or -1 for the latest run. Raises InputError for a run of another beamline, or of a plan that cannot be
        repeated.
        """
        start = load_dataset(session.store, key)[0][1]
        beamline = session.beamline
        request = repeated_request(beamline, start)
        print(f"settings of run {str(start['uid'])[:8]}: {summary(request)}")
        print_table(table(COLUMNS, moves(beamline, request), right=COLUMNS[1:-1]))
        changed = list(changes(start, calibration_metadata(beamline)))
        if changed:
            print_table(table(("calibration", "in that run", "now, used"), changed))
        return plans.repeat_scan(beamline, start)

    return settings_of


def summary(request: ScanRequest) -> str:
    """Return one line about a run: plan, edge, sample, number of exposures, and their beam time."""
    edge = "" if request.edge is None else f" {request.edge.name}"
    sample = f" of {request.sample}" if request.sample else ""
    most = "" if request.until is None else "at most "
    number = "1 exposure" if request.exposures == 1 else f"{request.exposures} exposures"
    counting = f"{most}{number}, {most}{duration_text(request.beam_s)} of counting"
    shutters = {shutter for _, _, shutter in request.course()}
    blocked = ", with the laser blocked" if shutters == {ShutterState.CLOSED} else ""
    return f"{request.plan_name}{edge}{sample}: {counting}{blocked}"


def predicted(times: PlanTimes, request: ScanRequest) -> str:
    """Return how long the run will take, with moving and reading, as learned from earlier runs; "" if none is known.

    A run that counts until its result is good enough ends when it is.
    """
    found = prediction_of(times, request)
    if found is None:
        return ""
    runs = "the latest run" if found.runs == 1 else f"the latest {found.runs} runs"
    axes = "this axis" if len(request.points.axes) == 1 else "these axes"
    fast = _fast(found.seconds, request.beam_s)
    return f"; takes about {duration_text(found.seconds)}, as {runs} along {axes} did{fast}"


def prediction_of(times: PlanTimes, request: ScanRequest) -> Prediction | None:
    """Return how long a run will take, None if it counts until a result is good enough or none like it is known.

    Raises StorageError if the times of earlier runs cannot be read.
    """
    if request.until is not None:
        return None
    plan = timed_plan(request.plan_name, request.stepping)
    ways = ways_of(request.points.values, [point for _, point, _ in request.course()])
    axes = [str(axis) for axis in request.points.axes]
    sweeps = request.sweeps
    if sweeps is None:
        return times.predict(plan, axes, request.exposures, request.beam_s, ways)
    return times.predict(plan, axes, request.repeats, request.repeats * sweeps.sweep_s(sweeps.points), ways)


def _fast(seconds: float, beam_s: float) -> str:
    # Only in a simulation can an exposure end before its time.
    return ", in a simulation whose clock runs fast" if seconds < FASTEST * beam_s else ""


def moves(
    beamline: Beamline, request: ScanRequest, left: Mapping[str, float] = MappingProxyType({})
) -> Iterator[tuple[str, ...]]:
    """Yield a row for each axis that the run sets: where it is, then first, lowest and highest target, in its unit.

    `left` is where earlier runs of the same plan leave axes; the others are where they are now.
    """
    first = next((point for _, point, _ in request.course()), 0)
    targets = {str(name): (value, value, value) for name, value in request.fixed.items()}
    for name in request.points.axes:
        along = request.points.along(name)
        targets[name] = (along[first], min(along), max(along))
    if request.temperature_c is not None:
        yield (TEMPERATURE, _from(beamline.cell, TEMPERATURE, left), *[f"{request.temperature_c:.6g}"] * 3, "C")
    for name, values in targets.items():
        axis = beamline.axes.get(name)
        unit = "" if axis is None else axis.unit
        yield (name, _from(axis, name, left), *(f"{value:.6g}" for value in values), unit)


def _from(device: Axis | Cell | None, name: str, left: Mapping[str, float]) -> str:
    """Return where an axis is before a run, "?" if that is not known."""
    if name in left:
        return f"{left[name]:.6g}"
    return "?" if device is None or not device.connected else f"{device.position:.6g}"


def changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield name, earlier and present value of each calibration that differs; unknown earlier ones are left out."""
    for name, value in now.items():
        if name in then and then[name] != value:
            yield name, _short(then[name]), _short(value)


def _short(value: Any) -> str:
    """Return a calibration in few words: for a measured one its run, for several numbers only the first."""
    if isinstance(value, Mapping) and "uid" in value:
        return f"run {str(value['uid'])[:8]}"
    if isinstance(value, list | tuple) and value:
        return f"{_short(value[0])} and {len(value) - 1} more"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_short(one)}" for key, one in list(value.items())[:2])
    return f"{value:.6g}" if isinstance(value, float) else str(value)
