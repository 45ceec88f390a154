"""`trxas measure`: one plan without a prompt, or what it would do."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from errors import InputError
from trxas.commands.options import JsonFlag
from trxas.configuration_options import BeamlineOptions

if TYPE_CHECKING:
    from gui.control.plan_signature import PlanSignature
    from trxas.session.remote_control import RemotelyPausableEngine
    from trxas.session.session import Session

SIGNALS = (signal.SIGTERM, signal.SIGHUP)
"""What `kill`, a batch system and a lost ssh connection send: the plan is ended as by Ctrl-C, but at once."""

EXIT_INTERRUPTED = 128 + signal.SIGINT


@dataclass(frozen=True, kw_only=True)
class MeasureOptions(BeamlineOptions):
    """Options of `trxas measure`."""

    plan: Annotated[str, typer.Argument(metavar="PLAN", help='Name of a plan, such as energy_scan, or "list".')]
    values: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME=VALUE]...",
            help="Arguments as in the forms of the window: 'edge=Br K', delay_ps=100, 'regions_ev=13450:13570:1'.",
        ),
    ] = None
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would move, how long it takes, and the expected errors.")
    ] = False
    json: JsonFlag = False


def run(options: MeasureOptions) -> int:
    """Run one plan and exit, or show with --dry-run what it would do.

    Prints a line per exposure, and the results of each run at its end; with --json the runs as JSON, and all else on
    standard error. Ctrl-C ends the plan at its next point, twice or SIGTERM at once: the run is closed as aborted, the
    shutters are closed, and what was measured is stored. The exit code is then 130, or 128 and the number of the
    signal; 2 if the plan was refused or failed.

    A dry run claims nothing and moves nothing: it also works while another session measures. It shows where each axis
    is and would go, the beam time, and the errors of the result by the counts of earlier runs. All arguments
    are checked as if the plan ran.
    """
    from gui.control.parameters import title
    from trxas.window.plan_forms import known_plans

    configuration = options.configuration()
    plans = known_plans(configuration.beamline)
    if options.plan == "list":
        for name, signature in plans.items():
            print(f"{name}: {signature.description or title(name)}")
        return 0
    if options.plan not in plans:
        raise InputError(f"There is no plan {options.plan!r}. `trxas measure list` lists them.")
    if options.json and options.dry_run:
        raise InputError("--json prints measured runs, and --dry-run measures none. Give one of them.")
    # Before a session is opened: a typing error must not cost the seconds in which a beamline connects.
    arguments = arguments_of(plans[options.plan], options.values or ())
    from trxas.session.session import open_session

    # A dry run opens the folder without a claim to the beamline, so it works while another session measures.
    with open_session(configuration, read_only=options.dry_run) as session:
        plan = session.plans()[options.plan](**arguments)
        if options.dry_run:
            from trxas.prompt.dry_run import dry_run_function

            dry_run_function(session)(plan)
            return 0
        return _measure(session, plan, as_json=options.json)


def arguments_of(signature: PlanSignature, texts: Sequence[str]) -> Mapping[str, Any]:
    """Return the arguments of a plan from texts NAME=VALUE, in the units of its parameters.

    Numbers may have units and lists be written as in forms. Raises InputError for an unknown name or a wrong value.
    """
    from gui.control.entries import value_of

    parameters = {one.name: one for one in signature.parameters}
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or name not in parameters:
            raise InputError(
                f"{text!r} is not an argument of {signature.name}. Give NAME=VALUE with one of {', '.join(parameters)}."
            )
        found[name] = value_of(value, parameters[name])
    return found


def _measure(session: Session, plan: Any, *, as_json: bool) -> int:
    """Run the plan, print its runs, and return the exit code."""
    from trxas.prompt.errors import install_short_tracebacks
    from trxas.prompt.precision_line import PrecisionLine
    from trxas.prompt.progress import LiveTable, ScanProgress
    from trxas.session.subscriber import InOrder
    from trxas.terminal.progress_line import log_above_line

    install_short_tracebacks(None)
    log_above_line()
    # The engine returns no uids from a plan that is interrupted, and a plan may make several runs: calibrations before
    # its scan. So the uids come from the start documents.
    uids: list[str] = []

    def note(name: str, doc: Mapping[str, Any]) -> None:
        if name == "start":
            uids.append(str(doc["uid"]))

    session.run_engine.subscribe(InOrder(note, LiveTable(), ScanProgress(), PrecisionLine()))
    code = 0
    # With --json, standard output holds JSON alone: a program reads it.
    shown = contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext()
    with shown, _ended_by_signals(session.run_engine) as received:
        try:
            session.measure_all(plan)
        except KeyboardInterrupt:
            code = 128 + received[0] if received else EXIT_INTERRUPTED
    _print_runs(session, uids, as_json=as_json)
    if code:
        print("trxas: interrupted; the run is closed as aborted, with the exposures so far", file=sys.stderr)
    return code


@contextlib.contextmanager
def _ended_by_signals(engine: RemotelyPausableEngine) -> Iterator[list[int]]:
    """End the plan of `engine` at once when a signal of `SIGNALS` comes; yields the signals that have come."""
    received: list[int] = []

    def end(number: int, _: object) -> None:
        received.append(number)
        # In a thread: the engine answers the request only while the main thread, which runs this handler, goes on.
        threading.Thread(target=_pause, args=(engine,), daemon=True).start()

    # `nohup` has the hang-up ignored, and means it.
    heeded = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, end) for number in heeded}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _pause(engine: RemotelyPausableEngine) -> None:
    from bluesky.utils import TransitionError  # type: ignore[attr-defined]  # imported there

    # A plan that has just ended needs no end.
    with contextlib.suppress(TransitionError):
        engine.request_pause(defer=False)  # type: ignore[no-untyped-call]  # bluesky's


def _print_runs(session: Session, uids: Sequence[str], *, as_json: bool) -> None:
    """Print what the runs gave, in their order: a report each, or all as one list of JSON."""
    from storage import load_run
    from trxas.results.measured_decays import MeasuredDecays
    from trxas.results.run_report import run_facts, run_report

    decays = MeasuredDecays(lambda: session.store)
    runs = [load_run(session.store, uid) for uid in uids]
    if as_json:
        print(json.dumps([run_facts(documents, decays) for documents in runs], indent=2, default=str))
        return
    for uid, documents in zip(uids, runs, strict=True):
        print(f"\nrun {uid}\n{run_report(documents, decays=decays)}")
