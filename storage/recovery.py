"""Recovery after a process died: close its runs, and bring the catalogue up to date with the journals."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from errors import StorageError
from storage.documents import count_events
from storage.journal import SUFFIX, done_folder, journal_folder, journal_paths
from storage.locked_file import LockedFile, keep_beside
from storage.records import pack_record, read_contents, usable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from storage.catalogue import Catalogue
    from storage.documents import Document, NamedDocument
    from storage.records import Contents

logger = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Recovery:
    """Result of a recovery, as uids of runs.

    `catalogued` were written into the catalogue; those in `closed` had no stop document and got one. `failed` gives the
    reason by run for those that could not be written; the next start tries them again.
    """

    catalogued: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def recover(root: Path, catalogue: Callable[[], Catalogue], *, everything: bool = False) -> Recovery:
    """Catalogue every journal that is neither marked as catalogued nor held by a live process.

    With `everything`, journals that are marked are catalogued again too, as for a lost catalogue. `catalogue` is called
    only if there is anything to do. Repeating is harmless, and if two processes recover at once each run is taken by
    one of them, under the lock of its journal. Errors of single runs are collected, not raised.
    """
    return recover_journals(root, journal_paths(root) if everything else _uncatalogued(root), catalogue)


def recover_journals(
    root: Path,
    paths: Iterable[Path],
    catalogue: Callable[[], Catalogue],
    *,
    rehearsal: Callable[[], Catalogue | None] = lambda: None,
) -> Recovery:
    """Repair and catalogue these journals of `root` like `recover`; those that a live process holds are skipped.

    With a `rehearsal`, a trial catalogue, runs are written there before their earlier copies are deleted. Errors of
    single runs are in `failed` of the result, not raised.
    """
    recovery = Recovery()
    for path in paths:
        file = LockedFile.take(path)
        if file is not None:
            try:
                _recover_one(file, done_folder(root), (catalogue(), rehearsal()), recovery)
            except Exception as error:
                # One run that the catalogue refuses must neither stop the others nor keep the beamline from starting.
                logger.exception("Journal %s could not be written into the catalogue.", path)
                recovery.failed[path.name.removesuffix(SUFFIX)] = str(error)
            finally:
                file.close()
    return recovery


def _uncatalogued(root: Path) -> list[Path]:
    return sorted(journal_folder(root).glob(f"*{SUFFIX}"))


def _recover_one(
    file: LockedFile, done: Path, catalogues: tuple[Catalogue, Catalogue | None], recovery: Recovery
) -> None:
    # Importing Tiled takes 2 s, which a start with nothing to recover need not spend.
    from storage.run_writer import write_run

    contents = read_contents(file.path)
    documents = contents.documents
    if not documents:
        raise StorageError(f"Journal {file.path} has no readable start document; restore the file from a backup.")
    uid = documents[0][1]["uid"]
    if contents.is_torn:
        documents += _mend_torn_tail(file, contents)
    if documents[-1][0] != "stop":
        stop = _stop_document(documents)
        file.append(pack_record("stop", stop))
        documents.append(("stop", stop))
        recovery.closed.append(uid)
        logger.warning("Run %s was interrupted: %s", uid, stop["reason"])
    catalogue, rehearsal = catalogues
    write_run(catalogue, documents, rehearsal=rehearsal)
    file.move(done)
    recovery.catalogued.append(uid)


def _mend_torn_tail(file: LockedFile, contents: Contents) -> list[NamedDocument]:
    """Save the damaged tail in its own file, append its whole documents again, and return them."""
    whole = usable(contents.documents, contents.behind)
    tail = file.path.read_bytes()[contents.whole_bytes :]
    # No byte that was measured is deleted, not even an unreadable one: the copy is on disk before the file is cut.
    keep_beside(file.path, tail)
    file.truncate(contents.whole_bytes)
    file.append(b"".join(pack_record(name, doc) for name, doc in whole))
    logger.warning(
        "Journal %s was damaged: %d bytes are saved beside it, and %d whole documents among them are used.",
        file.path, contents.torn_bytes, len(whole),
    )  # fmt: skip
    return whole


def _stop_document(documents: list[NamedDocument]) -> Document:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {
        "uid": str(uuid.uuid4()),
        "run_start": documents[0][1]["uid"],
        # The last moment at which the run is known to have been alive.
        "time": _last_time(documents),
        "exit_status": "abort",
        "reason": f"The process that took the data died before the run ended; closed by recovery at {now}.",
        "num_events": count_events(documents),
        "interrupted": True,
    }


def _last_time(documents: list[NamedDocument]) -> float:
    times = [doc["time"] for _, doc in documents if "time" in doc]
    # The latest of all, because the clock may have been set back during the run.
    return max(float(time) for entry in times for time in (entry if isinstance(entry, list) else [entry]))
