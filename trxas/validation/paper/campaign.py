"""The course of the campaign: parts in order, each remembered when measured, so that it can be resumed."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from errors import InputError, ReductionError, StorageError
from storage import Store
from storage.atomic_file import write_whole
from trxas.session.session import Session
from trxas.validation.paper.resuming import ResumingSession
from trxas.validation.paper.stored_runs import StoredRuns, Uids
from trxas.validation.paper.table import Row


@dataclass(frozen=True)
class Drawing:
    """A figure, the name of its file, and its caption."""

    name: str
    caption: str
    figure: Figure


@dataclass(frozen=True)
class PartResult:
    """What one part reduces to: rows of the table, figures, and paragraphs that explain them.

    `failure` says why the part could not be reduced; it is empty if it was.
    """

    rows: tuple[Row, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    notes: tuple[str, ...] = ()
    failure: str = ""


def nothing_to_measure(_session: Session) -> Uids:
    """`measure` of a part that only compares others."""
    return {}


@dataclass(frozen=True)
class Part:
    """One part of the paper.

    `measure(session)` runs its plans and returns the uids by names that no other part uses; `reduce(runs)` needs only
    what was stored, of this part and of those in `needs`, which come before it. `resumable`: its runs follow from
    nothing that was measured in the part, so that each can be kept, or gone on with, by its place in the part.
    """

    name: str
    title: str
    measure: Callable[[Session], Uids]
    reduce: Callable[[StoredRuns], PartResult]
    needs: tuple[str, ...] = ()
    resumable: bool = False


@dataclass(frozen=True)
class Measured:
    """A measured part: its runs by name, and the calibrations it ended with."""

    uids: Uids
    calibrations: Mapping[str, Any]


class Progress:
    """Which parts are measured, in a file that survives the process.

    `calibrations` are those to go on with: a simulated beamline that is started anew has none of its own.
    """

    def __init__(self, path: Path, *, resume: bool) -> None:
        self._path = path
        self._parts = self._read() if resume and path.exists() else {}
        self.calibrations = _latest(self._parts.values())
        self.campaign = self._campaign(resume=resume)

    def _campaign(self, *, resume: bool) -> str:
        """What the runs of this campaign carry as `campaign`: the same after an interruption."""
        path = self._path.with_suffix(".campaign")
        if not (resume and path.exists()):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, str(uuid.uuid4()))
        return path.read_text(encoding="utf-8")

    @property
    def measured(self) -> dict[str, Uids]:
        """The runs of every measured part."""
        return {name: part.uids for name, part in self._parts.items()}

    def _read(self) -> dict[str, Measured]:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            return {name: Measured(dict(part["uids"]), dict(part["calibrations"])) for name, part in content.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise StorageError(f"Cannot read {self._path}: {error!r}. Remove it to start the campaign anew.") from error

    def forget(self, part: str) -> None:
        """Measure `part` again, with the calibrations from before it; what is on disk changes when it has been."""
        if part in self._parts:
            names = list(self._parts)
            self.calibrations = _latest(self._parts[name] for name in names[: names.index(part)])
            del self._parts[part]

    def remember(self, part: str, uids: Uids, calibrations: Mapping[str, Any]) -> None:
        """Write down that `part` is measured; the file is whole at any time."""
        self._parts[part] = Measured(uids, dict(calibrations))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        content = {name: asdict(measured) for name, measured in self._parts.items()}
        write_whole(self._path, json.dumps(content, indent=2))


def _latest(parts: Iterable[Measured]) -> Mapping[str, Any]:
    return next((part.calibrations for part in reversed(list(parts))), {})


def chosen_parts(parts: Sequence[Part], only: str | None) -> list[Part]:
    """All parts, or the one called `only` after those it needs; raises InputError naming the known ones."""
    if only is None:
        return list(parts)
    found = {part.name: part for part in parts}
    if only not in found:
        raise InputError(f"No part is called {only!r}. Parts: {', '.join(found)}.")
    wanted = {only, *_needed(found, only)}
    return [part for part in parts if part.name in wanted]


def run_campaign(
    session: Session, parts: Sequence[Part], progress: Progress, say: Callable[[str], None]
) -> dict[str, PartResult]:
    """Measure the parts that are not yet measured, and reduce all of them from what is stored."""
    results: dict[str, PartResult] = {}
    kept: dict[tuple[str, str], Any] = {}
    session.calibrations.use(progress.calibrations)
    for number, part in enumerate(parts, start=1):
        if part.name in progress.measured:
            say(f"[{number}/{len(parts)}] {part.title}: measured before")
        else:
            say(f"[{number}/{len(parts)}] {part.title}")
            measuring = ResumingSession(session, progress.campaign, part.name) if part.resumable else session
            uids = part.measure(measuring)
            progress.remember(part.name, uids, session.calibrations.current())
        results[part.name] = reduce_part(part, parts, session.store, progress.measured, kept)
        if results[part.name].failure:
            say(f"  could not be reduced: {results[part.name].failure}")
    return results


def reduce_part(
    part: Part,
    parts: Sequence[Part],
    store: Store,
    measured: Mapping[str, Uids],
    kept: dict[tuple[str, str], Any] | None = None,
) -> PartResult:
    """Reduce a part from stored runs; what fails is said in the result, so that the other parts are not lost."""
    names = (*_needed({other.name: other for other in parts}, part.name), part.name)
    uids = {name: uid for known in names for name, uid in measured.get(known, {}).items()}
    try:
        return part.reduce(StoredRuns(store, uids, kept))
    except ReductionError as error:
        return PartResult(failure=str(error))


def _needed(parts: Mapping[str, Part], name: str) -> list[str]:
    """Names of all parts that `name` needs, directly or not, in the order of the campaign."""
    direct = parts[name].needs
    every = {*direct, *(other for needed in direct for other in _needed(parts, needed))}
    return [known for known in parts if known in every]
