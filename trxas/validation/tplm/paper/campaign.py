"""The campaign on the simulated microscope: one film for most of it, a simulation of its own for every other one."""

from __future__ import annotations

import contextlib
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trxas.channel_access import environment as channel_access
from trxas.configuration import Configuration
from trxas.session.session import open_session
from trxas.simulation import sample_file, simulated_beamline
from trxas.validation.paper.campaign import chosen_sections, run_campaign
from trxas.validation.paper.progress import CampaignProgress
from trxas.validation.paper.section import PaperSection, SectionResult
from trxas.validation.tplm.paper import cuts, films, tests_of_artefacts
from trxas.validation.types import Report

EXPERIMENT = ("--experiment", "tplm")

MAIN: tuple[PaperSection, ...] = (cuts.SECTION, *tests_of_artefacts.SECTIONS)
"""Sections that are measured on the main film."""

SECTIONS: tuple[PaperSection, ...] = (*MAIN, *films.SECTIONS.values())
"""All sections, in the order in which they are measured."""


@dataclass(frozen=True, kw_only=True)
class Microscopes:
    """Access to the microscopes: `configuration(address_list, prefix)` gives a session's configuration.

    `address_list` names an existing one, on which only the main film is measured; None starts simulations with `seed`
    and `speed`, in seconds of beam time per second of wall time, around `sample` (None: the paper's film).
    """

    configuration: Callable[[str, str], Configuration]
    address_list: str | None
    sample: str | None
    seed: int
    speed: float


def measure_paper(
    microscopes: Microscopes, only: str | None, progress: CampaignProgress, report: Report
) -> dict[PaperSection, SectionResult]:
    """Measure the sections that are not measured yet, and return the results of all chosen ones.

    Other films are measured in simulations only. Raises InputError for an unknown section.
    """
    chosen = chosen_sections(SECTIONS, only)
    others = {film: one for film, one in films.SECTIONS.items() if one in chosen}
    if microscopes.address_list is not None or microscopes.sample is not None:
        others = {}
    with contextlib.ExitStack() as stack:
        # All simulations run from the start, each under a prefix of its own: Channel Access reads its address list once
        # per process, so that a microscope that came later would not be found.
        addresses = microscopes.address_list or " ".join(
            stack.enter_context(
                simulated_beamline(
                    seed=microscopes.seed + number, speed=microscopes.speed, sample=sample, options=EXPERIMENT,
                    macro=macro,
                )
            )
            for number, (sample, macro) in enumerate(
                [(microscopes.sample, ""), *((film, _prefix(film)) for film in others)]
            )
        )  # fmt: skip
        stack.callback(channel_access.silence)
        parts: list[tuple[str, Sequence[PaperSection]]] = [("", [one for one in chosen if one in MAIN])]
        parts += [(_prefix(film), [one]) for film, one in others.items()]
        results: dict[str, SectionResult] = {}
        for prefix, sections in parts:
            with open_session(microscopes.configuration(addresses, prefix)) as session:
                results |= run_campaign(session, sections, progress, report, known=SECTIONS)
    return {section: results[section.name] for section in chosen if section.name in results}


def _prefix(film: str) -> str:
    return f"{film.replace('_', '-')}:"


def truths_of_film(sample: str | None) -> dict[str, float]:
    """Return the numbers of a film by table and key of its file, such as "diffusion.tau_us".

    None is the film that the simulation has by itself. Raises InputError if there is no such film.
    """
    content = _content(sample_file(sample, experiment=EXPERIMENT))
    return {
        f"{table}.{key}": float(value)
        for table, keys in content.items()
        if isinstance(keys, Mapping)
        for key, value in keys.items()
        if isinstance(value, int | float)
    }


def _content(path: Path) -> dict[str, Any]:
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    # A film states only what differs from the one that it extends.
    base = content.pop("extends", None)
    if base is None:
        return content
    whole = _content(sample_file(str(base), experiment=EXPERIMENT))
    for name, value in content.items():
        whole[name] = whole.get(name, {}) | value if isinstance(value, dict) else value
    return whole
