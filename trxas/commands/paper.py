"""`trxas paper`: the paper's campaign on the simulated beamline, and its table."""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from trxas.commands.options import Subparsers
from trxas.configuration_options import add_configuration_options, configuration_from
from trxas.simulation import simulated_beamline

if TYPE_CHECKING:
    from trxas.validation.paper.campaign import PartResult

OUTPUT = Path("paper-output")


def add_parser(subparsers: Subparsers) -> None:
    """Add `trxas paper`."""
    parser = subparsers.add_parser("paper", help="measure the paper's campaign and compare with its numbers")
    add_configuration_options(parser)
    parser.add_argument("--only", metavar="NAME", help="one part, and those it compares with; a wrong name lists them")
    parser.add_argument("--resume", action="store_true", help="measure only parts not measured before")
    parser.add_argument("--json", type=Path, help="write the table to this file too")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder of the page and the figures")
    parser.add_argument("--seed", type=int, default=1, help="seed of the simulation")
    parser.add_argument("--speed", type=float, default=3000.0, help="seconds of beam per second of wall time")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the campaign on a simulated beamline, or on the one at --address-list; 1 if a part was not reduced."""
    from trxas.channel_access import environment as channel_access
    from trxas.session.session import open_session
    from trxas.validation.paper.campaign import Progress, chosen_parts, run_campaign
    from trxas.validation.paper.parts import PARTS

    parts = chosen_parts(PARTS, options.only)
    # With --only, what the part is compared with may have been measured before.
    progress = Progress(options.output / "measured.json", resume=options.resume or options.only is not None)
    if options.only and not options.resume:
        progress.forget(options.only)
    with contextlib.ExitStack() as stack:
        if options.address_list is None:
            options.address_list = stack.enter_context(simulated_beamline(seed=options.seed, speed=options.speed))
            stack.callback(channel_access.silence)
        session = stack.enter_context(open_session(configuration_from(options)))
        results = run_campaign(session, parts, progress, lambda text: print(text, flush=True))
    _write(options, {part.title: results[part.name] for part in parts})
    return int(any(result.failure for result in results.values()))


def _write(options: argparse.Namespace, results: Mapping[str, PartResult]) -> None:
    from trxas.results.figures import save
    from trxas.validation.paper.page import html_page
    from trxas.validation.paper.table import table_text

    rows = [row for result in results.values() for row in result.rows]
    print(f"\n{table_text(rows)}\n")
    for drawing in (drawing for result in results.values() for drawing in result.drawings):
        print(f"{save(drawing.figure, options.output / f'{drawing.name}.png')}: {drawing.caption}")
    page = options.output / "paper.html"
    page.write_text(html_page("The paper, measured again", results), encoding="utf-8")
    print(f"page: {page.resolve()}")
    if options.json:
        table = json.dumps([row.as_json() for row in rows], indent=2, allow_nan=False)
        options.json.write_text(table + "\n", encoding="utf-8")
