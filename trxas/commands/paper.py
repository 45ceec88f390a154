"""`trxas paper`: the paper's campaign on the simulated beamline, and its table."""

from __future__ import annotations

import argparse
import contextlib
import json
from pathlib import Path

from trxas.commands.options import Subparsers, add_configuration_options, configuration_from
from trxas.simulation import simulated_beamline

OUTPUT = Path("paper-output")


def add_parser(subparsers: Subparsers) -> None:
    """Add `trxas paper`."""
    parser = subparsers.add_parser("paper", help="measure the paper's campaign and compare with its numbers")
    add_configuration_options(parser)
    parser.add_argument("--only", metavar="NAME", help="one part; a wrong name lists them")
    parser.add_argument("--resume", action="store_true", help="measure only parts not measured before")
    parser.add_argument("--json", type=Path, help="write the table to this file too")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder of the page and the figures")
    parser.add_argument("--seed", type=int, default=1, help="seed of the simulation")
    parser.add_argument("--speed", type=float, default=3000.0, help="seconds of beam per second of wall time")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the campaign on a simulated beamline, or on the one at --address-list."""
    from trxas import channel_access
    from trxas.paper.campaign import Progress, chosen_parts, run_campaign
    from trxas.paper.parts import PARTS
    from trxas.session import open_session

    parts = chosen_parts(PARTS, options.only)
    progress = Progress(options.output / "measured.json", resume=options.resume)
    with contextlib.ExitStack() as stack:
        if options.address_list is None:
            options.address_list = stack.enter_context(simulated_beamline(seed=options.seed, speed=options.speed))
            stack.callback(channel_access.silence)
        session = stack.enter_context(open_session(configuration_from(options)))
        results = run_campaign(session, parts, progress, lambda text: print(text, flush=True))
    rows = [row for result in results.values() for row in result.rows]
    figures = {caption: figure for result in results.values() for caption, figure in result.figures.items()}
    _write(options, rows, figures)
    return 0


def _write(options: argparse.Namespace, rows: list, figures: dict) -> None:  # type: ignore[type-arg]  # imported late
    from trxas.figures import save
    from trxas.paper.page import html_page
    from trxas.paper.table import table_text

    print(f"\n{table_text(rows)}\n")
    for number, (caption, figure) in enumerate(figures.items(), start=1):
        print(f"{save(figure, options.output / f'figure-{number:02d}.png')}: {caption}")
    page = options.output / "paper.html"
    page.write_text(html_page("The paper, measured again", rows, figures), encoding="utf-8")
    print(f"page: {page.resolve()}")
    if options.json:
        options.json.write_text(json.dumps([row.as_json() for row in rows], indent=2) + "\n", encoding="utf-8")
