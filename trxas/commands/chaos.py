"""`trxas chaos`: scans during faults of every kind, compared with undisturbed scans."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from trxas.commands.numbers import say, show_numbers
from trxas.commands.options import EmptyFolder, JsonFile, MeasuredConfiguration, SimulationSpeed, put_in_use
from trxas.validation.robustness.session_kind import SessionChoice

HANG_AFTER_S = 60.0
"""No exposure for this long counts as a hang: reconnecting to a dead IOC takes 9 s, starting a session up to 15 s."""

COUNT_MAXIMUM = 100_000


@dataclass(frozen=True, kw_only=True)
class ChaosOptions:
    """Options of `trxas chaos`."""

    faults: Annotated[int, typer.Option(min=1, max=COUNT_MAXIMUM, help="Number of faults.")] = 30
    seed: Annotated[int, typer.Option(help="Seed of the faults and of the simulation.")] = 1
    speed: SimulationSpeed = 200.0
    session: Annotated[
        SessionChoice,
        typer.Option(help="How the measuring session is started; `all` makes one chaos run with each kind."),
    ] = SessionChoice.SCRIPT
    kinds: Annotated[str | None, typer.Option(help="Only these kinds of faults, separated by commas.")] = None
    hang_after: Annotated[float, typer.Option(help="Seconds without an exposure that count as a hang.")] = HANG_AFTER_S
    config: MeasuredConfiguration = None
    json: JsonFile = None
    output: EmptyFolder = None


def run(options: ChaosOptions) -> int:
    """Let faults strike during scans; report what is lost.

    The exit code is 1 if anything was lost, doubled, wrong or stuck.
    """
    # Through the environment, which the processes that measure inherit.
    put_in_use(options.config)
    from trxas.validation.robustness.chaos_of_sessions import chaos_of_sessions
    from trxas.validation.robustness.fault_schedule import chosen_kinds, plan_faults
    from trxas.validation.robustness.settings import RobustnessSettings

    faults = plan_faults(options.faults, options.seed, chosen_kinds(options.kinds))
    with tempfile.TemporaryDirectory(prefix="trxas-chaos-") as temporary:
        settings = RobustnessSettings(
            folder=options.output or Path(temporary),
            seed=options.seed,
            speed=options.speed,
            hang_after_s=options.hang_after,
        )
        results = chaos_of_sessions(options.session.kinds(), faults, settings, report=say)
    # One kind of session gives one record, as scripts expect; several are named by their kind.
    numbers = {str(session): result.as_json() for session, result in results.items()}
    show_numbers(numbers if len(numbers) > 1 else next(iter(numbers.values())), options.json)
    return int(not all(result.is_clean for result in results.values()))
