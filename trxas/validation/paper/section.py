"""One section of the paper: what it measures, and what it reduces to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from trxas.validation.paper.section_session import SectionSession
from trxas.validation.paper.stored_runs import StoredRuns
from trxas.validation.paper.table import Row
from trxas.validation.types import Uids


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A figure, the name of its file without suffix, and its caption."""

    name: str
    caption: str
    figure: Figure


@dataclass(frozen=True, kw_only=True)
class SectionResult:
    """Result of one section: rows of the table, figures, and paragraphs that explain them.

    `failure` is the reason why the section could not be reduced, empty if it was.
    """

    rows: tuple[Row, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    notes: tuple[str, ...] = ()
    failure: str = ""


def nothing_to_measure(_session: SectionSession) -> Uids:
    """Return no runs: the `measure` of a section that only compares other sections."""
    return {}


@dataclass(frozen=True, kw_only=True)
class PaperSection:
    """One section of the paper.

    `measure(session)` runs the section's plans and returns the uids by names that no other section uses. `reduce(runs)`
    needs only stored runs, of this section and of the earlier sections in `needs`. In a `resumable` section no run
    depends on the result of another, so that runs of an interrupted section can be used again.
    """

    name: str
    title: str
    measure: Callable[[SectionSession], Uids]
    reduce: Callable[[StoredRuns], SectionResult]
    needs: tuple[str, ...] = ()
    resumable: bool = False
