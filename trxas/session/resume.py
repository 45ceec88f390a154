"""Resuming an interrupted run: only the missing exposures are measured, and both runs are read as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import plans
from errors import InputError
from plans.types import AnyPlan
from storage import RunKey, Store, good_exposures, load_dataset
from storage.documents import NamedDocument
from trxas.session.session import Session


def resume_run(session: Session, key: RunKey = -1, *, say: Callable[[str], None] = print) -> str:
    """Measure the missing exposures of a run in a new run that `resumes` it; return the uid of the new run.

    `key`: uid or its beginning, scan id, or -1 for the latest run; for a chain of resumed runs, any of its runs may be
    given. The chain is one dataset: `show`, `reduce` and `storage.load_dataset` read it as one run. Raises InputError,
    before anything has moved, if the run is still being measured, is complete, or cannot be resumed; later, what the
    plan of the run raises.
    """
    return session.measure(resume_plan(session, key, say=say))


def resume_plan(session: Session, key: RunKey, *, say: Callable[[str], None] = print) -> AnyPlan:
    """Return the plan that measures the missing exposures of a run; raise InputError as `resume_run` does."""
    # The whole chain of resumed runs is read as one dataset. What is missing is counted over all of them, so that any
    # run of the chain can be named, and a resumed run that was interrupted itself can be resumed.
    documents = load_dataset(session.store, key)
    start = documents[0][1]
    if documents[-1][0] != "stop":
        raise InputError(f"Run {start['uid']} is still being measured by another process. Wait until it has ended.")
    if start.get("until") and is_complete(documents):
        raise InputError(f"Run {start['uid']} has reached its result: there is nothing to resume.")
    done = set(good_exposures(documents))
    intended = start.get("num_points", "?")
    say(f"run {start['uid'][:8]} has {len(done)} of {intended} exposures; measuring the missing ones")
    return plans.resume_scan(session.beamline, start, done)


def is_complete(documents: Sequence[NamedDocument]) -> bool:
    """Return whether a dataset, as `load_dataset` returns it, has every intended exposure with good quality.

    Raises IndexError without documents.
    """
    start = documents[0][1]
    name, stop = documents[-1]
    if start.get("until") and name == "stop" and stop["exit_status"] == "success":
        return True
    intended = start.get("num_points")
    return intended is not None and len(set(good_exposures(documents))) >= int(intended)


def unfinished_runs(store: Store) -> list[str]:
    """Return the uids of runs that recovery had to close and that have not been completed since.

    Raises StorageError if one of them cannot be read.
    """
    return [uid for uid in store.recovery.closed if not is_complete(load_dataset(store, uid))]


def resume_function(session: Session) -> Callable[[RunKey], str]:
    """Return `resume_run` for the prompt, without its first argument."""

    def resume_run_here(key: RunKey = -1) -> str:
        """Measure what an interrupted run lacks. `key`: uid or its beginning, scan id, or -1 for the last run."""
        return resume_run(session, key)

    resume_run_here.__name__ = resume_run_here.__qualname__ = "resume_run"
    return resume_run_here
