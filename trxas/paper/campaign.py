"""The course of the campaign: parts in order, each remembered when measured, so that it can be resumed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from errors import InputError, StorageError
from reduction.accumulator import RunAccumulator, accumulate
from storage import Store, load_run
from trxas.paper.table import Row
from trxas.session import Session

Uids = dict[str, str]
Runs = Mapping[str, RunAccumulator]


@dataclass(frozen=True)
class PartResult:
    """What one part reduces to: rows of the table, and figures by caption."""

    rows: tuple[Row, ...] = ()
    figures: Mapping[str, Figure] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """One part of the paper.

    `measure(session)` runs its plans and returns the uids by name; `reduce(runs, uids)` needs only what was stored.
    """

    name: str
    title: str
    measure: Callable[[Session], Uids]
    reduce: Callable[[Runs, Uids], PartResult]


class Progress:
    """Which parts are measured, in a file that survives the process."""

    def __init__(self, path: Path, *, resume: bool) -> None:
        self._path = path
        self.measured: dict[str, Uids] = self._read() if resume else {}

    def _read(self) -> dict[str, Uids]:
        if not self._path.exists():
            return {}
        try:
            return dict(json.loads(self._path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise StorageError(f"Cannot read {self._path}: {error}. Remove it to start the campaign anew.") from error

    def remember(self, part: str, uids: Uids) -> None:
        """Write down that `part` is measured; the file is whole at any time."""
        self.measured[part] = uids
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(self.measured, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)


def chosen_parts(parts: Sequence[Part], only: str | None) -> list[Part]:
    """All parts, or the one called `only`; raises InputError naming the known ones."""
    if only is None:
        return list(parts)
    found = [part for part in parts if part.name == only]
    if not found:
        raise InputError(f"No part is called {only!r}. Parts: {', '.join(part.name for part in parts)}.")
    return found


def run_campaign(
    session: Session, parts: Sequence[Part], progress: Progress, say: Callable[[str], None]
) -> dict[str, PartResult]:
    """Measure the parts that are not yet measured, and reduce all of them from what is stored."""
    results = {}
    for number, part in enumerate(parts, start=1):
        if part.name in progress.measured:
            say(f"[{number}/{len(parts)}] {part.title}: measured before")
        else:
            say(f"[{number}/{len(parts)}] {part.title}")
            progress.remember(part.name, part.measure(session))
        results[part.name] = reduce_part(part, session.store, progress.measured[part.name])
    return results


def reduce_part(part: Part, store: Store, uids: Uids) -> PartResult:
    """Load the part's runs and reduce them."""
    session_runs: dict[str, Any] = {name: accumulate(load_run(store, uid)) for name, uid in uids.items()}
    return part.reduce(session_runs, uids)
