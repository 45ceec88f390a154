"""Going on with a run that was interrupted: only what it lacks is measured, and both are read as one run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import plans
from errors import InputError
from storage import Store, good_exposures, load_dataset
from trxas.session.session import Session

RunKey = str | int
Documents = Sequence[tuple[str, dict[str, Any]]]


def resume_run(session: Session, key: RunKey = -1, *, say: Callable[[str], None] = print) -> str:
    """Measure what a run and those that resumed it lack, in a new run that `resumes` the first; returns its uid.

    `key`: uid or its beginning, scan id, or -1 for the latest, of any run of the chain. The chain is then one dataset:
    `show`, `reduce` and `storage.load_dataset` read it as one run. Raises InputError, before anything has moved, if the
    run is still being measured, lacks nothing, or cannot be gone on with; else as the run's own plan does.
    """
    documents = load_dataset(session.store, key)
    start = documents[0][1]
    if documents[-1][0] != "stop":
        raise InputError(f"Run {start['uid']} is still being measured by another process. Wait until it has ended.")
    done = set(good_exposures(documents))
    say(f"run {start['uid'][:8]} has {len(done)} of {start.get('num_points', '?')} exposures; measuring the others")
    return session.measure(plans.resume_scan(session.beamline, start, done))


def is_complete(documents: Documents) -> bool:
    """Whether a dataset, as `load_dataset` gives it, has every exposure that was meant, with good quality."""
    intended = documents[0][1].get("num_points")
    return intended is not None and len(set(good_exposures(documents))) >= int(intended)


def unfinished_runs(store: Store) -> list[str]:
    """Uids of the runs that recovery had to close and that nothing has completed since, as hints for `resume_run`."""
    return [uid for uid in store.recovery.closed if not is_complete(load_dataset(store, uid))]


def resume_function(session: Session) -> Callable[[RunKey], str]:
    """`resume_run` for the prompt: without its first argument."""

    def resume_run_here(key: RunKey = -1) -> str:
        """Measure what an interrupted run lacks. `key`: uid or its beginning, scan id, or -1 for the last run."""
        return resume_run(session, key)

    resume_run_here.__name__ = resume_run_here.__qualname__ = "resume_run"
    return resume_run_here
