"""Old files into the store, as a session stores its runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from storage.journal import journal_paths, uid_of
from trxas.past.columns import find_data
from trxas.past.facts import PastFacts
from trxas.past.merged_passes import MergedPasses
from trxas.past.reading import read_past_file
from trxas.past.run import PastRun, PastRunMaker
from trxas.past.scan import PastFileError

if TYPE_CHECKING:
    from pathlib import Path

    from storage import Store
    from trxas.configuration import Configuration


def past_runs(
    files: Sequence[Path],
    facts: PastFacts,
    configuration: Configuration,
    *,
    together: bool = False,
    numbers: Sequence[str] = (),
) -> list[PastRun]:
    """Return the runs in these files, one per scan, or one of all scans `together`; nothing is stored.

    `numbers` chooses scans by their numbers in the files. Raises PastFileError for a file that cannot be used.
    """
    scans = [scan for file in files for scan in read_past_file(file)]
    chosen = [scan for scan in scans if not numbers or scan.number in numbers]
    if not chosen:
        known = ", ".join(scan.number for scan in scans if scan.number) or "none"
        raise PastFileError(f"No scan has the numbers {', '.join(numbers)}. The files have: {known}.")
    found = [find_data(scan, configuration.past) for scan in chosen]
    groups = [found] if together else [[one] for one in found]
    return [PastRunMaker(MergedPasses(group, facts, configuration), facts, configuration).run() for group in groups]


class _Emitter:
    """Stands in for a RunEngine: the store subscribes to it and gets documents of the past."""

    def __init__(self) -> None:
        self.ignore_callback_exceptions = True
        self.scan_id_source: Callable[..., int] = lambda: 0
        self._receive: Callable[[str, Mapping[str, Any]], object] = lambda _name, _doc: None

    def subscribe(self, receive: Callable[[str, Mapping[str, Any]], object]) -> int:
        """Take the store's callback; return its token."""
        self._receive = receive
        return 0

    def emit(self, run: PastRun) -> int:
        """Give the store all documents of a run, with the next scan id, which is returned."""
        scan_id = self.scan_id_source()
        for name, doc in run.documents:
            self._receive(name, {**doc, "scan_id": scan_id} if name == "start" else doc)
        return scan_id


def import_runs(runs: Sequence[PastRun], store: Store) -> Iterator[tuple[str, int | None]]:
    """Store the runs; yield the uid of each with its scan id, None for one that is in the store already.

    Raises StorageError if they cannot be stored.
    """
    known = {uid_of(path) for path in journal_paths(store.root)}
    emitter = _Emitter()
    store.subscribe(emitter)
    for one in runs:
        if one.uid in known:
            yield one.uid, None
            continue
        known.add(one.uid)
        yield one.uid, emitter.emit(one)
    store.wait()
