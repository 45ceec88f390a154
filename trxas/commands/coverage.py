"""`trxas coverage`: random samples, measured on simulated beamlines, to see whether the error bars are true."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from errors import InputError
from trxas.commands.numbers import say, write_numbers
from trxas.commands.options import JsonFile
from trxas.techniques import bringing

if TYPE_CHECKING:
    from trxas.validation.coverage.campaign import Coverage
    from trxas.validation.coverage.technique import TechniqueCoverage

OUTPUT = Path("coverage-output")

WORKERS_AT_MOST = 8
"""Default limit of processes: each takes 0.6 GB with its simulations."""


def default_workers() -> int:
    """Return the default number of processes: one per core, at most `WORKERS_AT_MOST`."""
    return min(os.cpu_count() or 1, WORKERS_AT_MOST)


@dataclass(frozen=True, kw_only=True)
class CoverageOptions:
    """Options of `trxas coverage`."""

    samples: Annotated[int | None, typer.Option(help="Number of random samples; needed except with --effect.")] = None
    seed: Annotated[int, typer.Option(help="Seed of samples and noise.")] = 1
    measurements: Annotated[int, typer.Option(help="Independent measurements of each sample.")] = 3
    workers: Annotated[
        int | None,
        typer.Option(help=f"Number of measuring processes (default: one per core, at most {WORKERS_AT_MOST})."),
    ] = None
    json: JsonFile = None
    sample: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Sample of a user instead: its lifetimes and energies are drawn around those of the file.",
        ),
    ] = None
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --sample: configuration of the user's beamline (default: 7ID-D)."),
    ] = None
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder of the figure.")] = OUTPUT
    effect: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|all",
            help="Effect of the simulation, such as Damage (repeatable): report how far it shifts every published "
            "number; --samples and --measurements are then ignored.",
        ),
    ] = None
    times: Annotated[float, typer.Option(help="With --effect: the multiple of its usual size.")] = 10.0
    technique: Annotated[
        str,
        typer.Option(
            "--technique",
            "--experiment",
            metavar="NAME",
            help=f"Campaign of a technique instead: {', '.join(bringing('trxas.validation', 'coverage'))}, or one of "
            "an installed package (`trxas plugins`).",
        ),
    ] = ""

    @property
    def wanted_samples(self) -> int:
        """Number of random samples; raises InputError if it is missing."""
        if self.samples is None:
            raise InputError("--samples is missing: give the number of random samples, for instance 100.")
        return self.samples


def run(options: CoverageOptions) -> int:
    """Measure random samples to see if the error bars are true.

    Shows the result so far after Ctrl-C too; the file of --json is written after every sample. The exit code is 1 if a
    parameter was never recovered.
    """
    if options.effect:
        return _run_effects(options, options.effect)
    if options.technique:
        return _run_technique(options)
    from trxas.configuration import DEFAULT_CONFIGURATION
    from trxas.validation.coverage.campaign import RANDOM, Coverage, CoverageSettings, draw_samples
    from trxas.validation.coverage.ring import true_timing
    from trxas.validation.coverage.run import run_coverage
    from trxas.validation.coverage.user_campaign import user_kind

    if options.config is not None and options.sample is None:
        raise InputError("--config needs --sample: give the sample whose measurement on this beamline is tested.")
    workers = default_workers() if options.workers is None else options.workers
    settings = CoverageSettings(
        samples=options.wanted_samples, seed=options.seed, measurements=options.measurements, workers=workers
    )
    config = options.config or DEFAULT_CONFIGURATION
    with contextlib.ExitStack() as stack:
        kind = RANDOM if options.sample is None else stack.enter_context(user_kind(config, options.sample))
        timing = true_timing(config)
        coverage = Coverage(settings=settings, timing=timing, samples=draw_samples(settings, kind), kind=kind)
        try:
            run_coverage(coverage, options.json)
        finally:
            # After Ctrl-C too: the samples so far are a result as well.
            _show(coverage, options)
    return 0 if all(found.number for found in coverage.statistics().values()) else 1


def _run_effects(options: CoverageOptions, effects: list[str]) -> int:
    """Measure what effects do to the published numbers; return 1 if one moves a number and nothing marks it."""
    from trxas.validation.coverage.effects import effect_coverage, effect_table, silent_effects, write_effects
    from trxas.validation.coverage.run import run_coverage

    workers = default_workers() if options.workers is None else options.workers
    with effect_coverage(effects, options.times, seed=options.seed, workers=workers) as coverage:
        try:
            run_coverage(coverage, None)
        finally:
            if options.json is not None:
                write_effects(coverage, options.times, options.json)
            print(f"\n{effect_table(coverage, options.times)}")
    return 1 if silent_effects(coverage, options.times) else 0


def _run_technique(options: CoverageOptions) -> int:
    """Measure the campaign of a technique; return 1 if a parameter was never recovered."""
    from trxas.results.figures import save
    from trxas.validation.coverage.report import pull_figure
    from trxas.validation.coverage.technique import TechniqueCoverage, campaign_called

    coverage = TechniqueCoverage(campaign=campaign_called(options.technique), seed=options.seed)
    try:
        for estimates in coverage.campaign.measure(options.wanted_samples, options.seed):
            coverage.take(estimates)
            _write_technique(coverage, options)
            say(f"{coverage.samples} of {options.wanted_samples} samples measured")
    finally:
        _write_technique(coverage, options)
        figure = save(pull_figure(coverage), options.output / "pulls.png")
        print(f"\n{coverage.summary()}\n\nFigure: {figure.resolve()}")
    return 0 if all(found.number for found in coverage.statistics().values()) else 1


def _write_technique(coverage: TechniqueCoverage, options: CoverageOptions) -> None:
    from trxas.validation.coverage.report import parameters_json

    numbers = {"parameters": parameters_json(coverage), "samples": coverage.samples, "seed": coverage.seed}
    write_numbers(numbers, options.json)


def _show(coverage: Coverage, options: CoverageOptions) -> None:
    from trxas.results.figures import save
    from trxas.validation.coverage.report import pull_figure, summary, write_json

    if options.json is not None:
        write_json(coverage, options.json)
    figure = save(pull_figure(coverage), options.output / "pulls.png")
    print(f"\n{summary(coverage)}\n\nFigure: {figure.resolve()}")
