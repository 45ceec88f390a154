"""Finding and reading runs: from the journals, which hold every document, otherwise from the catalogue."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from errors import StorageError
from reduction.events import PRIMARY, columns_of
from storage.addresses import relocated
from storage.catalogue_documents import run_documents
from storage.documents import conform_events
from storage.journal import journal_paths, uid_of
from storage.locked_file import is_locked
from storage.records import iterate_documents, open_journal
from storage.scan_id import scan_id_of
from storage.stored_run import StoredRun

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from storage.catalogue import Catalogue
    from storage.documents import Document, NamedDocument

RunKey: TypeAlias = str | int
"""A run by its uid or the beginning of it, by its scan id, or by its age: -1 is the latest."""

RunStatus: TypeAlias = Literal["complete", "stopped", "abort", "fail", "interrupted", "running"]
"""Status of a run by its stop document: "complete", "stopped" (successful, but early), "abort" or "fail".

"interrupted": its process died. "running": in any live process.
"""

_STATUS: dict[str, RunStatus] = {"success": "complete", "abort": "abort", "fail": "fail"}

MOST_IN_MEMORY = 64 * 2**20
"""Size of a journal, bytes, up to which its run is read into memory, where it takes about five times as much."""


class RunSource(Protocol):
    """Members of a store that reading runs needs."""

    @property
    def root(self) -> Path:
        """The data folder."""

    @property
    def images(self) -> Path:
        """The folder of image files."""

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue, opened when first used."""

    @property
    def summaries(self) -> dict[tuple[str, int], RunSummary]:
        """Summaries of earlier lists, by journal name and size in bytes: a journal of the same size is unchanged."""

    def may_have_others(self, uids: Collection[str]) -> bool:
        """Return whether the catalogue may hold runs other than `uids`."""


@dataclass(frozen=True, kw_only=True)
class RunSummary:
    """One line of a list of runs.

    `time_s`: start, Unix epoch. `points_done`: settings of the motors with at least one exposure, over all scans;
    `points_intended`: None if the start document does not give it. `reason`: why the run ended early. `resumes`: uid of
    the run that this one resumed; then only the missing points are intended.
    """

    uid: str
    scan_id: int | None
    time_s: float
    plan_name: str
    sample: str
    edge: str
    points_done: int
    points_intended: int | None
    status: RunStatus
    reason: str = ""
    resumes: str = ""


def list_runs(store: RunSource, *, limit: int | None = None, journals_only: bool = False) -> list[RunSummary]:
    """Return summaries of all runs, newest first, or of the newest `limit`, including those of other processes.

    `journals_only` omits runs that only the catalogue has (their journals were moved away, or a server is shared),
    which saves the 3 s of opening it; if its files hold no such runs, it is not opened either. Raises `StorageError`
    if the catalogue cannot be opened.
    """
    paths = journal_paths(store.root)[::-1]
    read = (_journal_summary(store, path) for path in paths)
    summaries = list(itertools.islice((summary for summary in read if summary is not None), limit))
    known = {uid_of(path) for path in paths}
    if not journals_only and store.may_have_others(known):
        runs = _catalogue_runs(store.catalogue.connect(), limit)
        summaries += [_catalogue_summary(run) for uid, run in runs if uid not in known]
    summaries.sort(key=lambda summary: summary.time_s, reverse=True)
    return summaries[:limit]


def needs_catalogue(store: RunSource) -> bool:
    """Return whether a list of all runs needs the catalogue, which takes 3 s and 300 MB to open."""
    return store.may_have_others([uid_of(path) for path in journal_paths(store.root)])


def load_run(store: RunSource, key: RunKey) -> list[NamedDocument]:
    """Return the documents of a run in order: start, descriptors, events or event pages, stop (if it has ended).

    `key` is a uid or the beginning of one, a scan id, or a negative index: -1 is the newest run. Array data are
    numpy arrays with the type that their descriptor declares, columns of pages lists of such arrays.
    Raises `StorageError` if no run or several runs fit.
    """
    return list(iterate_run(store, key))


def read_run(store: RunSource, key: RunKey) -> Sequence[NamedDocument]:
    """Return the documents of a run as `load_run` does; those of a journal above 64 MB are read again at each use.

    Raises `StorageError` if no run or several runs fit.
    """
    uid = find_uid(store, key)
    path = _find_journal(store.root, uid)
    if path is None or path.stat().st_size <= MOST_IN_MEMORY:
        return load_run(store, uid)
    return StoredRun(lambda: iterate_run(store, uid))


def iterate_run(store: RunSource, key: RunKey) -> Iterator[NamedDocument]:
    """Yield the documents of a run as `load_run` returns them, in memory that does not grow with a run in a journal.

    Raises `StorageError` if no run or several runs fit.
    """
    if isinstance(key, int) and key < 0:
        key = _uid_by_age(store, -key)
    path = _find_journal(store.root, key)
    if path is None:
        yield from run_documents(_find_in_catalogue(store.catalogue.connect(), key))
        return
    documents = iterate_documents(path)
    first = next(documents, None)
    if first is None:
        raise StorageError(f"Journal {path} has no readable start document; restore the file from a backup.")
    whole = itertools.chain([first], documents)
    yield from conform_events(relocated(whole, (store.images, store.root)))


def find_uid(store: RunSource, key: RunKey) -> str:
    """Return the uid of the run to which `key` (see `load_run`) belongs, without reading the run.

    Raises `StorageError` if no run or several fit.
    """
    if isinstance(key, int) and key < 0:
        return _uid_by_age(store, -key)
    path = _find_journal(store.root, key)
    return uid_of(path) if path is not None else str(_find_in_catalogue(store.catalogue.connect(), key).item["id"])


def _find_journal(root: Path, key: RunKey) -> Path | None:
    # Journals carry the uid in their name and the scan id in their start document: a uid is found without reading a
    # file.
    paths = journal_paths(root)
    if isinstance(key, str):
        found = [path for path in paths if key and uid_of(path).startswith(key)]
    else:
        found = [path for path in paths if scan_id_of(path) == key]
    if len(found) > 1:
        raise StorageError(_several(key, [uid_of(path) for path in found]))
    return found[0] if found else None


def _find_in_catalogue(client: Any, key: RunKey) -> Any:
    from tiled.queries import Eq, Like

    query = Eq("start.scan_id", key) if isinstance(key, int) else Like("start.uid", f"{key}%")
    found = client.search(query).values().head(2) if key else []
    if len(found) > 1:
        raise StorageError(_several(key, [run.item["id"] for run in found]))
    if not found:
        kind = "scan id" if isinstance(key, int) else "uid"
        raise StorageError(f"No run has the {kind} {key!r}. `trxas runs list` shows them; -1 is the newest.")
    return found[0]


def _uid_by_age(store: RunSource, position: int) -> str:
    summaries = list_runs(store, limit=position)
    if position > len(summaries):
        raise StorageError(
            f"There is no run {-position}, as only {len(summaries)} runs are stored. Give a uid, a scan id, or -1 for "
            "the newest run."
        )
    return summaries[position - 1].uid


def _several(key: RunKey, uids: list[str]) -> str:
    remedy = "Give more characters of the uid." if isinstance(key, str) else "Give the uid instead."
    return f"Several runs fit {key!r}: {', '.join(uids[:5])}. {remedy}"


def _journal_summary(store: RunSource, path: Path) -> RunSummary | None:
    with open_journal(path) as file:
        known = (path.name, os.fstat(file.fileno()).st_size)
    summary = store.summaries.get(known)
    if summary is None:
        # Before the file is read: a run that ends in between then has its stop document.
        running = is_locked(path)
        counted = _CountedRun()
        for name, doc in iterate_documents(path, behind=False):
            counted(name, doc)
        if counted.start is None:
            return None
        stop = counted.stop
        summary = _summary(counted.start, stop, counted.points_done, "running" if running else "interrupted")
        if stop is not None:
            store.summaries[known] = summary
    return summary


def _catalogue_runs(client: Any, limit: int | None) -> list[tuple[str, Any]]:
    runs = client.sort(("start.time", -1)).items()
    return list(runs if limit is None else runs.head(limit))


def _catalogue_summary(run: Any) -> RunSummary:
    start = run.metadata["start"]
    stop = run.metadata.get("stop")
    events = (stop or {}).get("num_events", {}).get(PRIMARY, 0)
    # The catalogue is not read for a list; the number of events in the stop document stands for the points. A reference
    # by the laser shutter doubles the events of a point.
    exposures = 2 if start.get("shutter_reference") in ("point", "scan") else 1
    return _summary(start, stop, events // exposures, "running")


def _summary(start: Document, stop: Document | None, points_done: int, unfinished: RunStatus) -> RunSummary:
    intended = _points_intended(start)
    status = unfinished
    if stop is not None:
        status = "interrupted" if stop.get("interrupted") else _STATUS[stop["exit_status"]]
        # bluesky calls a run that was stopped early a success; only the number of its points tells it from a complete
        # one.
        if status == "complete" and intended is not None and points_done < intended:
            status = "stopped"
    return RunSummary(
        uid=start["uid"],
        scan_id=start.get("scan_id"),
        time_s=start["time"],
        plan_name=str(start.get("plan_name", "")),
        sample=str(start.get("sample", "")),
        edge=str(start.get("edge", "")),
        points_done=points_done,
        points_intended=intended,
        status=status,
        reason=str((stop or {}).get("reason", "")),
        resumes=str(start.get("resumes", "")),
    )


def _points_intended(start: Mapping[str, Any]) -> int | None:
    if start.get("until"):
        return None  # it counts until its result is good enough
    if "missing_points" in start:
        return int(start["missing_points"])
    if "grid" in start:
        return len(start["grid"]["points"]) * int(start.get("repeats", 1))
    return start.get("num_points")


class _CountedRun:
    """Start, stop and number of measured points of a run, from its documents one by one.

    The memory is a byte per point and scan, so that a run of a million exposures can be listed.
    """

    def __init__(self) -> None:
        self.start: Document | None = None
        self.stop: Document | None = None
        self._measured: dict[int, bytearray] = {}
        self._streams: dict[str, str] = {}
        self._events = 0

    def __call__(self, name: str, doc: Document) -> None:
        """Take one document of the run, in order."""
        if name == "start":
            self.start = doc
        self.stop = doc if name == "stop" else None
        if name == "descriptor":
            self._streams[doc["uid"]] = doc["name"]
        elif name in ("event", "event_page"):
            # Column by column: a run may have a thousand frames or slices per second, in a stream of their own.
            data, times_s = columns_of(name, doc)
            self._events += len(times_s) if self._streams.get(doc["descriptor"]) == PRIMARY else 0
            if "scan_index" in data and "point_index" in data:
                for scan, point in zip(data["scan_index"], data["point_index"], strict=True):
                    self._mark(int(scan), int(point))

    @property
    def points_done(self) -> int:
        """Number of settings with at least one exposure, or of exposures if these have no place in a scan."""
        # A stock plan that reads the point of a beamline gives every exposure the same place: it plans no scan.
        plans_a_scan = self.start is not None and ("grid" in self.start or "repeats" in self.start)
        return (sum(map(sum, self._measured.values())) if plans_a_scan else 0) or self._events

    def _mark(self, scan: int, point: int) -> None:
        measured = self._measured.setdefault(scan, bytearray())
        if point >= len(measured):
            # Doubled, like a list: growing by one point at a time would copy the array at every point.
            measured.extend(bytes(max(point + 1 - len(measured), len(measured))))
        measured[point] = 1
