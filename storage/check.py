"""Check every stored run, and repair what can be repaired."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from errors import StorageError
from reduction.events import events_of
from reduction.image_references import resource_path
from storage.addresses import relocated
from storage.catalogue_documents import run_documents
from storage.catalogue_files import catalogue_is_lost
from storage.documents import conform_events, count_events
from storage.journal import journal_folder, journal_paths, uid_of
from storage.locked_file import LockedFile, is_locked, keep_beside
from storage.records import MAGIC, pack_record, read_contents, usable
from storage.recovery import recover_journals
from storage.run_writer import as_stored
from storage.runs import RunSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from storage.catalogue import Catalogue
    from storage.documents import NamedDocument
    from storage.records import Contents


@dataclass(frozen=True, kw_only=True)
class RunCheck:
    """State of one run: `ended` is "yes", "no" (its process died) or "running"; `problems` is empty for a sound run.

    `events` and `catalogued_events`: number in the journal and in the catalogue, None where nothing can be read.
    """

    uid: str
    ended: str
    events: int | None
    catalogued_events: int | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StoreCheck:
    """All runs, oldest first, and the problem of the catalogue as a whole, "" for none."""

    runs: list[RunCheck] = field(default_factory=list)
    catalogue_problem: str = ""

    @property
    def is_sound(self) -> bool:
        """Whether nothing needs repair."""
        return not self.catalogue_problem and not any(run.problems for run in self.runs)


class RepairableStore(RunSource, Protocol):
    """Methods of a store that repairing needs."""

    def take_over(self) -> None:
        """Work on the catalogue itself from now on; raises `StorageError` if the folder is read-only."""

    def renew_catalogue(self) -> None:
        """Move the catalogue aside; the next use creates an empty one. Raises `StorageError` for that of a server."""


def check_store(store: RunSource) -> StoreCheck:
    """Check every journal, and compare it with the catalogue and with its image files; nothing is changed.

    Reads everything, which takes about 10 ms per run. Open the store with `recover_runs=False`, because opening it
    otherwise repairs some of the damage.
    """
    client, problem = _open_catalogue(store)
    paths = journal_paths(store.root)
    runs = [_check_journal(store, path, client) for path in paths]
    known = {uid_of(path) for path in paths}
    if client is not None:
        runs += [_check_catalogued(run) for uid, run in client.items() if uid not in known]
    return StoreCheck(runs=runs, catalogue_problem=problem)


def repair_store(store: RepairableStore) -> StoreCheck:
    """Repair what can be repaired, then check again; nothing that was measured is deleted.

    Interrupted runs get a stop document. Torn journals are repaired; their damaged bytes are saved in `<journal>.torn`.
    Runs that the catalogue lacks or contradicts are written into it. A damaged journal that holds less than the
    catalogue is written again from it. A catalogue that cannot be opened is moved aside and rebuilt from the journals.
    Raises `StorageError` if the folder is read-only.
    """
    store.take_over()
    before = check_store(store)
    if before.catalogue_problem:
        store.renew_catalogue()
    bad = {run.uid for run in before.runs if run.problems}
    chosen = [path for path in journal_paths(store.root) if before.catalogue_problem or uid_of(path) in bad]
    for path in chosen:
        # Before anything is written into the catalogue: a journal that has lost its end would otherwise replace a
        # complete run.
        _take_from_catalogue(path, store.catalogue)
    if chosen:
        with tempfile.TemporaryDirectory(prefix="trxas-rehearsal-") as folder, _rehearsal(folder, store) as rehearsal:
            recover_journals(store.root, chosen, lambda: store.catalogue, rehearsal=lambda: rehearsal)
    return check_store(store)


def _rehearsal(folder: str, store: RunSource) -> Catalogue:
    """Return an empty catalogue into which runs are written for trial before those of the real one are replaced."""
    # Importing Tiled takes 2 s, which a store without faults need not spend.
    from storage.catalogue import open_catalogue

    return open_catalogue(folder, images=store.images)


def _open_catalogue(store: RunSource) -> tuple[Any, str]:
    if catalogue_is_lost(store.root):
        return None, "A part of the catalogue is gone: catalog.db, tables.db or data/."
    try:
        client = store.catalogue.connect()
        len(client)
    except Exception as error:  # noqa: BLE001  any error of Tiled and SQLite is a finding of the check
        return None, f"The catalogue cannot be opened: {error}"
    return client, ""


def _check_journal(store: RunSource, path: Path, client: Any) -> RunCheck:
    if is_locked(path):
        return RunCheck(uid=uid_of(path), ended="running", events=None, catalogued_events=None)
    contents = read_contents(path)
    problems = _damages(path, contents)
    # Documents behind a damaged record count as present: a repair would save them.
    whole = contents.documents + usable(contents.documents, contents.behind)
    documents = list(conform_events(relocated(whole, (store.images, store.root))))
    catalogued, problem = _catalogued(client, uid_of(path))
    problems += [problem] if problem else []
    if documents and catalogued is not None:
        problems += _differences(documents, catalogued)
    problems += _missing_files(documents)
    # Images are read only from an otherwise sound run: it takes longest, and a damaged run is written again anyway.
    if catalogued is not None and not problems:
        problems += _unreadable_images(client[uid_of(path)], documents)
    return RunCheck(
        uid=uid_of(path),
        ended="yes" if documents and documents[-1][0] == "stop" else "no",
        events=_events(documents) if documents else None,
        catalogued_events=None if catalogued is None else _events(catalogued),
        problems=tuple(problems),
    )


def _damages(path: Path, contents: Contents) -> list[str]:
    found = []
    if not contents.documents:
        found.append("the journal has no readable start document")
    elif contents.is_torn:
        found.append(
            f"{contents.torn_bytes} bytes of the journal cannot be read, {len(contents.behind)} records in them"
        )
    if contents.documents and contents.documents[-1][0] != "stop" and not contents.behind:
        found.append("its process died: the journal has no stop document")
    if path.parent == journal_folder(path.parent.parent):
        found.append("the journal is not marked as catalogued")
    return found


def _catalogued(client: Any, uid: str) -> tuple[list[NamedDocument] | None, str]:
    """Return the run's documents from the catalogue, None if it cannot give them, and the problem, "" for none."""
    if client is None:
        return None, ""
    try:
        run = client[uid]
        if run.item["id"] != uid:
            raise KeyError(uid)
    except (KeyError, ValueError):
        return None, "the catalogue does not have it"
    try:
        return run_documents(run), ""
    except Exception as error:  # noqa: BLE001  any error of Tiled is a finding of the check
        return None, f"the catalogue cannot read it ({type(error).__name__}: {error})"


def _check_catalogued(run: Any) -> RunCheck:
    uid = str(run.item["id"])
    try:
        documents = run_documents(run)
    except Exception as error:  # noqa: BLE001  as above
        return RunCheck(
            uid=uid,
            ended="no",
            events=None,
            catalogued_events=None,
            problems=(f"no journal, and the catalogue cannot read it: {error}",),
        )
    return RunCheck(
        uid=uid, ended="yes" if documents[-1][0] == "stop" else "no", events=None, catalogued_events=_events(documents)
    )


def _differences(journal: list[NamedDocument], catalogued: list[NamedDocument]) -> list[str]:
    # The journal is the truth: it was written before the run went on. The catalogue holds the same run as columns, so
    # documents cannot be compared one by one: events come back as pages with other uids, arrays as lists, and images as
    # frames of files. What must agree is what a reader uses: the number of events per stream, the start document as the
    # catalogue can hold it, how the run ended, and every column of numbers, value by value.
    # Different numbers of events make every column differ, so they are reported alone, first.
    in_journal = count_events(journal)
    in_catalogue = count_events(catalogued)
    if _without_empty(in_journal) != _without_empty(in_catalogue):
        return [f"events in journal {in_journal} and catalogue {in_catalogue} differ"]
    found = []
    # Values that the catalogue cannot hold, such as NaN, must not count: they would be found after every repair.
    if not _same(as_stored(journal[0][1]), catalogued[0][1]):
        found.append("start documents of journal and catalogue differ")
    ends = [documents[-1][0] == "stop" for documents in (journal, catalogued)]
    if ends[0] != ends[1] or (all(ends) and journal[-1][1]["exit_status"] != catalogued[-1][1]["exit_status"]):
        found.append("journal and catalogue disagree on how the run ended")
    measured = _columns(journal)
    stored = _columns(catalogued)
    keys = [key for key in measured if key in stored and not _same(measured[key], stored[key])]
    return [*found, *([f"{', '.join(keys)} differ between journal and catalogue"] if keys else [])]


def _without_empty(counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts of the streams that have events."""
    return {stream: count for stream, count in counts.items() if count}


def _columns(documents: Iterable[NamedDocument]) -> dict[str, list[Any]]:
    streams: dict[str, str] = {}
    external: set[str] = set()
    columns: dict[str, list[Any]] = {}
    for name, doc in documents:
        if name == "descriptor":
            streams[doc["uid"]] = doc["name"]
            external |= {key for key, declared in doc["data_keys"].items() if "external" in declared}
        for event in events_of(name, doc):
            for key, value in event["data"].items():
                if key not in external:
                    columns.setdefault(f"{streams[event['descriptor']]}.{key}", []).append(value)
    return columns


def _same(first: Any, second: Any) -> bool:
    """Return whether two values are equal, without distinguishing lists, tuples and arrays; NaN equals NaN."""
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(_same(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple | np.ndarray) and isinstance(second, list | tuple | np.ndarray):
        return len(first) == len(second) and all(_same(a, b) for a, b in zip(first, second, strict=True))
    if isinstance(first, float | np.floating) and isinstance(second, float | np.floating):
        return bool(first == second or (np.isnan(first) and np.isnan(second)))
    return bool(first == second)


def _unreadable_images(run: Any, documents: Iterable[NamedDocument]) -> list[str]:
    """Read the first image of every field and return the errors: the catalogue may not serve a file that exists."""
    fields = {
        (doc["name"], key)
        for name, doc in documents
        if name == "descriptor"
        for key, declared in doc["data_keys"].items()
        if "external" in declared
    }
    if not _events(documents):
        return []
    found = []
    for stream, key in sorted(fields):
        try:
            run[stream].base[key].read(0)
        except Exception as error:  # noqa: BLE001  any error of Tiled is a finding of the check
            found.append(f"the catalogue cannot read the images {key} ({type(error).__name__}: {error})")
    return found


def _missing_files(documents: Iterable[NamedDocument]) -> list[str]:
    paths = [resource_path(doc) for name, doc in documents if name == "resource"]
    gone = [str(path) for path in paths if "%" not in path.name and not os.access(path, os.R_OK)]
    return [f"image files are gone: {', '.join(gone)}"] if gone else []


def _events(documents: Iterable[NamedDocument]) -> int:
    counts: Mapping[str, int] = count_events(documents)
    return sum(counts.values())


def _take_from_catalogue(path: Path, catalogue: Catalogue) -> None:
    """Write a damaged journal again from the catalogue if the catalogue holds more events of the run."""
    contents = read_contents(path)
    if not contents.is_torn:
        return
    documents, _ = _catalogued(catalogue.connect(), uid_of(path))
    saved = contents.documents + usable(contents.documents, contents.behind)
    if documents is None or _events(documents) <= _events(saved):
        return
    file = LockedFile.take(path)
    if file is None:
        return
    try:
        records = [pack_record(name, doc) for name, doc in documents]
        keep_beside(path, path.read_bytes())
        file.truncate(0)
        file.append(MAGIC + b"".join(records))
    except StorageError:
        # The old bytes are in the file beside it, and the next repair tries again from the catalogue.
        return
    finally:
        file.close()
