"""`trxas paper`: the paper's campaign on the simulated beamline, and its table."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from errors import InputError
from trxas.commands.numbers import say, write_numbers
from trxas.commands.options import JsonFile, SampleOption, SimulationSeed, SimulationSpeed
from trxas.configuration_options import BeamlineOptions
from trxas.techniques import FIRST, bringing, part_of

if TYPE_CHECKING:
    from trxas.validation.paper.place import PaperPlace
    from trxas.validation.paper.progress import CampaignProgress
    from trxas.validation.paper.section import PaperSection, SectionResult

Measured: TypeAlias = "tuple[dict[PaperSection, SectionResult], dict[str, float]]"
"""Results of sections, and the numbers of the simulated sample by table and key of its file."""

OUTPUT = Path("paper-output")

PAPER = "paper.campaign"
"""Module of a technique whose `measure_paper` measures its paper."""


@dataclass(frozen=True, kw_only=True)
class PaperOptions(BeamlineOptions):
    """Options of `trxas paper`."""

    experiment: Annotated[
        str,
        typer.Argument(
            metavar="EXPERIMENT", help=f"{FIRST} (default), {', '.join(bringing('trxas.validation', PAPER))}."
        ),
    ] = FIRST
    only: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Measure only this section and those it needs; a wrong name lists all."),
    ] = None
    resume: Annotated[bool, typer.Option("--resume", help="Measure only the sections that are not measured yet.")] = (
        False
    )
    json: JsonFile = None
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder of the page and the figures.")] = OUTPUT
    sample: SampleOption = None
    blind: Annotated[
        bool,
        typer.Option(
            "--blind", help="Draw the simulated sample at random, and compare with it only in the finished table."
        ),
    ] = False
    seed: SimulationSeed = 1
    speed: SimulationSpeed = 3000.0


def run(options: PaperOptions) -> int:
    """Measure the paper's campaign and compare the numbers.

    Runs on a simulated beamline, or on the one at --address-list. The exit code is 1 if a section could not be reduced.
    """
    _refuse_two_samples(options)
    paper = _paper_of(options.experiment)
    from trxas.validation.paper.progress import CampaignProgress
    from trxas.validation.paper.summary import rows_with_truth

    # A section is compared with others, which are measured only if they have not been. --only without --resume measures
    # its section again; --resume measures what is missing and reduces everything.
    progress = CampaignProgress(options.output / "measured.json", resume=_continues(options))
    if options.only and not options.resume:
        progress.forget(options.only)
    results, truths = paper(options, progress)
    compared = {
        section.title: replace(result, rows=tuple(rows_with_truth(result.rows, truths)))
        for section, result in results.items()
    }
    _write(options, compared)
    return int(any(result.failure for result in results.values()))


def _continues(options: PaperOptions) -> bool:
    return options.resume or options.only is not None


def _absorption(options: PaperOptions, progress: CampaignProgress) -> Measured:
    """Measure the paper on X-ray absorption; return the results, and the truth of the simulated sample."""
    from trxas.channel_access import environment as channel_access
    from trxas.session.session import open_session
    from trxas.simulation import simulated_beamline
    from trxas.validation.paper.campaign import chosen_sections, run_campaign
    from trxas.validation.paper.known_truth import sample_fingerprint, sealed_sample, truths_of
    from trxas.validation.paper.sections import SECTIONS

    sections = chosen_sections(SECTIONS, options.only)
    # Sections that are compared with each other must have been measured on one sample.
    sample = str(sealed_sample(options.output, resume=_continues(options))) if options.blind else options.sample
    if options.address_list is None:
        progress.require_sample(sample, sample_fingerprint(sample))
    truths = truths_of(sample) if options.address_list is None else {}
    with contextlib.ExitStack() as stack:
        address_list = options.address_list
        if address_list is None:
            # A campaign that continues has the same ring and gates, and noise of its own: the seed alone would repeat
            # that of the sections measured before.
            address_list = stack.enter_context(
                simulated_beamline(
                    seed=options.seed, speed=options.speed, sample=sample, restarts=len(progress.measured)
                )
            )
            stack.callback(channel_access.silence)
        session = stack.enter_context(open_session(options.at(address_list)))
        results = run_campaign(session, sections, progress, say)
    return {section: results[section.name] for section in sections}, truths


def _paper_of(experiment: str) -> Callable[[PaperOptions, CampaignProgress], Measured]:
    """Return what measures the paper of an experiment; raises InputError for an unknown one."""
    if experiment == FIRST:
        return _absorption
    module = part_of("trxas.validation", experiment, PAPER)
    if module is None:
        names = ", ".join((FIRST, *bringing("trxas.validation", PAPER)))
        raise InputError(f"{experiment}: there is no such paper. Give one of {names}.")
    measure: Callable[..., Measured] = module.measure_paper
    return lambda options, progress: measure(_where(options), options.only, progress, say)


def _where(options: PaperOptions) -> PaperPlace:
    """Return where the paper of another technique is measured; raises InputError for --blind."""
    from trxas.validation.paper.place import PaperPlace

    if options.blind:
        raise InputError(f"--blind: draws samples of {FIRST} only. Hidden samples: trxas coverage --technique.")
    # The names of shipped configurations are those of the experiments.
    own = options if options.config else replace(options, config=Path(options.experiment))
    return PaperPlace(
        configuration=lambda addresses, prefix: replace(own, prefix=prefix or own.prefix).at(addresses),
        address_list=options.address_list,
        sample=options.sample,
        seed=options.seed,
        speed=options.speed,
    )


def _refuse_two_samples(options: PaperOptions) -> None:
    """Raise InputError if the sample of the simulation is given twice, or if there is no simulation."""
    if options.blind and options.sample is not None:
        raise InputError("--blind draws the sample, and --sample gives one. Use one of them.")
    if options.address_list is not None and (options.blind or options.sample is not None):
        raise InputError(
            "--blind and --sample belong to the simulated beamline, and --address-list names another one. Leave out "
            "--address-list, or --blind and --sample."
        )


def _write(options: PaperOptions, results: Mapping[str, SectionResult]) -> None:
    from trxas.results.figures import save
    from trxas.validation.paper.page import html_page
    from trxas.validation.paper.summary import summary_lines
    from trxas.validation.paper.table import table_text

    rows = [row for result in results.values() for row in result.rows]
    print(f"\n{table_text(rows)}\n")
    print("\n".join(summary_lines(rows)))
    for drawing in (drawing for result in results.values() for drawing in result.drawings):
        print(f"{save(drawing.figure, options.output / f'{drawing.name}.png')}: {drawing.caption}")
    page = options.output / "paper.html"
    page.write_text(html_page("The paper, measured again", results), encoding="utf-8")
    print(f"page: {page.resolve()}")
    write_numbers([row.as_json() for row in rows], options.json)
