"""The campaign on the simulated microscope: one film for most of it, a simulation of its own for every other one."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from trxas.channel_access import environment as channel_access
from trxas.session.session import open_session
from trxas.simulation import simulated_beamline
from trxas.validation.paper.campaign import chosen_sections, run_campaign
from trxas.validation.paper.place import PaperPlace
from trxas.validation.paper.progress import CampaignProgress
from trxas.validation.paper.section import PaperSection, SectionResult
from trxas.validation.tplm.paper import cuts, films, spectra, tests_of_artefacts
from trxas.validation.tplm.paper.known_truth import EXPERIMENT, truths_of_film
from trxas.validation.types import Report

MAIN: tuple[PaperSection, ...] = (cuts.SECTION, spectra.SECTION, *tests_of_artefacts.SECTIONS)
"""Sections that are measured on the main film."""

SECTIONS: tuple[PaperSection, ...] = (*MAIN, *films.SECTIONS.values())
"""All sections, in the order in which they are measured."""


def measure_paper(
    place: PaperPlace, only: str | None, progress: CampaignProgress, report: Report
) -> tuple[dict[PaperSection, SectionResult], dict[str, float]]:
    """Measure the sections that are not measured yet; return the results of all chosen ones, and the known truths.

    Other films are measured in simulations only. Raises InputError for an unknown section.
    """
    chosen = chosen_sections(SECTIONS, only)
    others = {film: one for film, one in films.SECTIONS.items() if one in chosen}
    if place.address_list is not None or place.sample is not None:
        others = {}
    with contextlib.ExitStack() as stack:
        # All simulations run from the start, each under a prefix of its own: Channel Access reads its address list once
        # per process, so that a microscope that came later would not be found.
        addresses = place.address_list or " ".join(
            stack.enter_context(
                simulated_beamline(
                    seed=place.seed + number, speed=place.speed, sample=sample, options=EXPERIMENT,
                    macro=macro,
                )
            )
            for number, (sample, macro) in enumerate(
                [(place.sample, ""), *((film, _prefix(film)) for film in others)]
            )
        )  # fmt: skip
        stack.callback(channel_access.silence)
        parts: list[tuple[str, Sequence[PaperSection]]] = [("", [one for one in chosen if one in MAIN])]
        parts += [(_prefix(film), [one]) for film, one in others.items()]
        results: dict[str, SectionResult] = {}
        for prefix, sections in parts:
            with open_session(place.configuration(addresses, prefix)) as session:
                results |= run_campaign(session, sections, progress, report, known=SECTIONS)
    truths = known_truths(place.sample) if place.address_list is None else {}
    return {section: results[section.name] for section in chosen if section.name in results}, truths


def _prefix(film: str) -> str:
    return f"{film.replace('_', '-')}:"


def known_truths(sample: str | None) -> dict[str, float]:
    """Return the numbers of the main film by their names, and the diffusivities of all maps, cm2/s.

    `sample` is the main film; None is the paper's. Raises InputError if there is no such film.
    """
    of_others: dict[str, float] = {}
    for film in films.SECTIONS:
        of_others |= truths_of_film(film, films.settings_of(film), films.prefix_of(film))
    # The main film comes last: where files have the same names, its numbers count.
    return of_others | truths_of_film(sample, (*cuts.ALL, *tests_of_artefacts.ALL))
