"""The course of the campaign: sections in order, each remembered once measured, so that it can be resumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from errors import InputError, ReductionError
from storage import Store
from trxas.session.session import Session
from trxas.validation.paper.progress import CampaignProgress
from trxas.validation.paper.section import PaperSection, SectionResult
from trxas.validation.paper.section_session import SectionSession
from trxas.validation.paper.stored_runs import StoredRuns
from trxas.validation.types import Report, Uids


def chosen_sections(sections: Sequence[PaperSection], only: str | None) -> list[PaperSection]:
    """Return all sections, or the one called `only` after those it needs.

    Raises InputError with the known names if there is no such section.
    """
    if only is None:
        return list(sections)
    by_name = {section.name: section for section in sections}
    if only not in by_name:
        raise InputError(f"No section is called {only!r}. Sections: {', '.join(by_name)}.")
    wanted = {only, *_needed(by_name, only)}
    return [section for section in sections if section.name in wanted]


def run_campaign(
    session: Session,
    sections: Sequence[PaperSection],
    progress: CampaignProgress,
    report: Report,
    known: Sequence[PaperSection] = (),
) -> dict[str, SectionResult]:
    """Measure the sections that are not measured yet, reduce all from the stored runs, and return results by name.

    `known` are all sections of the campaign, if this session measures only some; theirs may be needed to reduce these.
    """
    results: dict[str, SectionResult] = {}
    cache: dict[tuple[str, str], Any] = {}
    # A resumed campaign continues with the calibrations in force at the end of its last measured section. Without them
    # a simulated beamline would begin with those of its configuration, and every energy and delay would be another one.
    session.calibrations.use(progress.calibrations)
    for number, section in enumerate(sections, start=1):
        heading = f"[{number}/{len(sections)}] {section.title}"
        if section.name in progress.measured:
            report(f"{heading}: already measured")
        else:
            report(heading)
            # Measured, then remembered, then reduced: a failure of the reduction never costs the beam time of the
            # section.
            uids = section.measure(_section_session(session, section, progress, report))
            progress.remember(section.name, uids, session.calibrations.current())
        # Sections that were measured earlier are reduced again, too. Results are never stored: the runs are the only
        # source, so an improved reduction reaches all rows.
        results[section.name] = reduce_section(section, known or sections, session.store, progress.measured, cache)
        if results[section.name].failure:
            report(f"  could not be reduced: {results[section.name].failure}")
    return results


def reduce_section(
    section: PaperSection,
    sections: Sequence[PaperSection],
    store: Store,
    measured: Mapping[str, Uids],
    cache: dict[tuple[str, str], Any] | None = None,
) -> SectionResult:
    """Reduce a section from its stored runs and those of the sections it needs.

    If the reduction fails, the result holds the reason: the other sections are not lost.
    """
    names = (*_needed({other.name: other for other in sections}, section.name), section.name)
    uids = {name: uid for known in names for name, uid in measured.get(known, {}).items()}
    try:
        return section.reduce(StoredRuns(store, uids, cache))
    # Only errors of the reduction: anything else is a defect, and must not become a remark in a table.
    except ReductionError as error:
        return SectionResult(failure=str(error))


def _section_session(
    session: Session, section: PaperSection, progress: CampaignProgress, report: Report
) -> SectionSession:
    return SectionSession(
        session, campaign=progress.campaign, section=section.name, resumable=section.resumable, report=report
    )


def _needed(sections: Mapping[str, PaperSection], name: str) -> list[str]:
    """Return the names of all sections that `name` needs, directly or not, in the order of the campaign."""
    direct = sections[name].needs
    # Needs form no circle, since a section only needs earlier ones; so the recursion ends.
    every = {*direct, *(other for needed in direct for other in _needed(sections, needed))}
    return [known for known in sections if known in every]
