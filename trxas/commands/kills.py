"""`trxas kills`: SIGKILL to every process of a working beamline, and the losses that this causes."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from errors import InputError
from trxas.commands.numbers import say, show_numbers
from trxas.commands.options import EmptyFolder, JsonFile, MeasuredConfiguration, SimulationSpeed, put_in_use
from trxas.validation.robustness.session_kind import SessionKind

HANG_AFTER_S = 120.0
"""No exposure for this long counts as a hang: a dead IOC is found again within 10 s, a session starts within 15 s."""

COUNT_MAXIMUM = 100_000


@dataclass(frozen=True, kw_only=True)
class KillsOptions:
    """Options of `trxas kills`."""

    kills: Annotated[int, typer.Option(min=1, max=COUNT_MAXIMUM, help="Number of kills.")] = 20
    seed: Annotated[int, typer.Option(help="Seed of the kills and of the simulation.")] = 1
    speed: SimulationSpeed = 200.0
    session: Annotated[SessionKind, typer.Option(help="How the measuring session is started; queue is refused.")] = (
        SessionKind.SCRIPT
    )
    hang_after: Annotated[float, typer.Option(help="Seconds without an exposure that count as a hang.")] = HANG_AFTER_S
    config: MeasuredConfiguration = None
    json: JsonFile = None
    output: EmptyFolder = None


def run(options: KillsOptions) -> int:
    """Kill processes during scans; report what is lost.

    Session, catalogue writer, IOC, server and window of a simulated beamline get SIGKILL in turn.

    The exit code is 1 if anything was lost, doubled, wrong or stuck.
    """
    if options.session is SessionKind.QUEUE:
        raise InputError(
            "--session queue: this command already kills the queue server as one of its victims. Give another kind of "
            "session, or use `trxas chaos`."
        )
    put_in_use(options.config)
    from trxas.validation.robustness.kill_schedule import plan_kills
    from trxas.validation.robustness.kills import Kills
    from trxas.validation.robustness.settings import RobustnessSettings

    with tempfile.TemporaryDirectory(prefix="trxas-kills-") as temporary:
        settings = RobustnessSettings(
            folder=options.output or Path(temporary),
            session=options.session,
            seed=options.seed,
            speed=options.speed,
            hang_after_s=options.hang_after,
        )
        result = Kills(settings, report=say).run(plan_kills(options.kills, options.seed))
    show_numbers(result.as_json(), options.json)
    return int(not result.is_clean)
