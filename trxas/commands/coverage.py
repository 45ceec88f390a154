"""`trxas coverage`: random samples, measured on simulated beamlines; are the error bars true?"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from errors import InputError
from trxas.commands.options import Subparsers

if TYPE_CHECKING:
    from trxas.validation.coverage.campaign import Coverage

OUTPUT = Path("coverage-output")

WORKERS_AT_MOST = 8
"""Processes unless more are asked for: each takes 0.6 GB with its simulations."""


def default_workers() -> int:
    """A process per core, within reason."""
    return min(os.cpu_count() or 1, WORKERS_AT_MOST)


def add_parser(subparsers: Subparsers) -> None:
    """Add `trxas coverage`."""
    parser = subparsers.add_parser("coverage", help="measure random samples: are the error bars true?")
    parser.add_argument("--samples", type=int, required=True, help="number of random samples")
    parser.add_argument("--seed", type=int, default=1, help="seed of samples and noise")
    parser.add_argument("--measurements", type=int, default=3, help="independent measurements of each sample")
    parser.add_argument("--workers", type=int, default=default_workers(), help="processes that measure")
    parser.add_argument("--json", type=Path, help="write the result to this file, whenever there is more of it")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder of the figure")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Measure all samples, and show what came of it, also after Ctrl-C; 1 if a parameter was never recovered."""
    from trxas.validation.coverage.campaign import Coverage, Settings, draw_samples
    from trxas.validation.coverage.run import configured_timing, run_coverage

    settings = Settings(options.samples, options.seed, options.measurements, options.workers)
    _check_folder(options.json)
    coverage = Coverage(settings, configured_timing(), draw_samples(settings))
    try:
        run_coverage(coverage, options.json)
    finally:
        _show(coverage, options)
    return 0 if all(found.number for found in coverage.statistics().values()) else 1


def _show(coverage: Coverage, options: argparse.Namespace) -> None:
    from trxas.results.figures import save
    from trxas.validation.coverage.report import pull_figure, table, write_json

    if options.json is not None:
        write_json(coverage, options.json)
    figure = save(pull_figure(coverage), options.output / "pulls.png")
    print(f"\n{table(coverage)}\n\nFigure: {figure.resolve()}")


def _check_folder(path: Path | None) -> None:
    """Refuse now what could not be written when everything has been measured."""
    if path is not None and (path.is_dir() or not path.parent.is_dir()):
        raise InputError(f"--json {path}: give a file in a folder that exists.")
