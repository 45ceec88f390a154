"""`trxas measure`: one plan without a prompt, or what it would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from errors import InputError
from trxas.configuration_options import BeamlineOptions

if TYPE_CHECKING:
    from gui.control.plan_signature import PlanSignature
    from trxas.session.session import Session


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


def run(options: MeasureOptions) -> int:
    """Run one plan and exit, or show with --dry-run what it would do.

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
    arguments = arguments_of(plans[options.plan], options.values or ())
    from trxas.session.session import open_session

    with open_session(configuration, read_only=options.dry_run) as session:
        plan = session.plans()[options.plan](**arguments)
        if options.dry_run:
            from trxas.prompt.dry_run import dry_run_function

            dry_run_function(session)(plan)
        else:
            _measure(session, plan)
    return 0


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
                f"{text!r} is no argument of {signature.name}. Give NAME=VALUE with one of {', '.join(parameters)}."
            )
        found[name] = value_of(value, parameters[name])
    return found


def _measure(session: Session, plan: Any) -> None:
    from trxas.prompt.precision_line import PrecisionLine
    from trxas.prompt.progress import LiveTable, ScanProgress
    from trxas.session.subscriber import InOrder

    session.run_engine.subscribe(InOrder(LiveTable(), ScanProgress(), PrecisionLine()))
    for uid in session.measure_all(plan):
        print(f"run {uid}")
