"""The process that measures while things fail: it may be killed at any moment and restarted.

`python -m trxas.validation.robustness.measuring_process` with `--config`, `--data`, `--address-list`, `--enough FILE`
and `--datasets N` measures one dataset after the other until FILE exists and at least N are complete, or until its
standard input is closed. It first completes what an earlier process left unfinished. `measure_at_prompt` does the same
in a session of IPython, `queue_process` in the queue server's session.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from bluesky.utils import FailedStatus

from errors import TrxasError
from processes.parent import end_with_parent
from storage import find_starts, load_dataset
from storage.runs import RunSource
from trxas.configuration import load_configuration
from trxas.session.resume import is_complete, resume_run
from trxas.session.session import Session, open_session
from trxas.validation.robustness.measured_plans import planned

PURPOSE = "chaos"
"""Value of `purpose` in the start documents of the runs."""

FAILURES = (TrxasError, FailedStatus, TimeoutError)

PAUSE_S = 0.3
"""Wall time between two attempts while the beamline does not allow to measure."""


class Measurer(Protocol):
    """Members of a session that the loop needs, in this or another process. Everything raises one of FAILURES."""

    @property
    def store(self) -> RunSource:
        """The data folder of the session."""

    def measure(self, plan: str, arguments: Mapping[str, Any]) -> object:
        """Run a plan, and return when it has ended; raises one of FAILURES if it did not succeed."""

    def resume(self, uid: str) -> object:
        """Measure what the dataset of a run lacks; raises one of FAILURES."""

    def reset_safety(self) -> str:
        """Reset the watchdog if it has tripped; return its state then, "" if there was nothing to reset."""


class SessionMeasurer:
    """A session in this process."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def store(self) -> RunSource:
        """The data folder of the session."""
        return self._session.store

    def measure(self, plan: str, arguments: Mapping[str, Any]) -> None:
        """Run a plan of the session; raises one of FAILURES."""
        self._session.measure(self._session.plans()[plan](**arguments))

    def resume(self, uid: str) -> None:
        """Measure what the dataset of a run lacks; raises one of FAILURES."""
        resume_run(self._session, uid, say=lambda _: None)

    def reset_safety(self) -> str:
        """Reset the watchdog as a person does after a check of the hutch."""
        safety = self._session.beamline.safety
        return self._session.reset_safety() if safety is not None and safety.state == "Tripped" else ""


def main(arguments: list[str] | None = None) -> int:
    """Measure until there are enough datasets; every printed line is a sign of life. Return the exit code."""
    options = parsed(arguments)
    end_with_parent()
    configuration = load_configuration(options.config, address_list=options.address_list, data=options.data)
    with open_session(configuration) as session:
        measure_at_prompt(session, options.enough, options.datasets)
    return 0


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """Return the options of a measuring process; raises SystemExit, with a message, for a wrong command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--address-list")
    parser.add_argument("--enough", type=Path, required=True)
    parser.add_argument("--datasets", type=int, default=0)
    return parser.parse_args(arguments)


def measure_at_prompt(session: Session, enough: Path | str, datasets: int) -> None:
    """Measure in an open session until there are enough datasets; raises the same errors as `measure_all`."""
    session.run_engine.subscribe(report_event)
    report("session")
    measure_all(SessionMeasurer(session), Path(enough), datasets)


def measure_all(measurer: Measurer, enough: Path, datasets: int) -> None:
    """Complete what is unfinished, then measure until the file `enough` exists and there are `datasets`.

    One of FAILURES is reported, and the attempt repeated after 0.3 s; everything else is raised.
    """
    # Everything is read from the store: this process may have been killed at any moment, and knows nothing of its
    # earlier lives. Runs that resume others are left out, as they belong to the dataset of the first.
    known = [start["uid"] for start in find_starts(measurer.store, purpose=PURPOSE, resumes=None)]
    for uid in known:
        _complete(measurer, uid)
    while not enough.exists() or len(known) < datasets:
        uid = _begin(measurer, len(known))
        if uid:
            known.append(uid)
            _complete(measurer, uid)


def _begin(measurer: Measurer, number: int) -> str:
    """Return the uid of the run made for a dataset, complete or not; "" if no run was made."""
    # A run counts by its start document, not by the return of the plan: a plan that fails after its start has made a
    # run, which must be completed; one that fails before has made none.
    before = {start["uid"] for start in find_starts(measurer.store, purpose=PURPOSE)}
    _attempt(measurer, lambda: measurer.measure(*planned(number, PURPOSE)))
    made = [start["uid"] for start in find_starts(measurer.store, purpose=PURPOSE) if start["uid"] not in before]
    return made[0] if made else ""


def _complete(measurer: Measurer, uid: str) -> None:
    """Resume until the dataset has every exposure; the parent process decides how long that may take."""
    while not is_complete(load_dataset(measurer.store, uid)):
        _attempt(measurer, lambda: measurer.resume(uid))
    report(f"complete {uid}")


def _attempt(measurer: Measurer, measure: Callable[[], object]) -> None:
    try:
        measure()
    except FAILURES as error:
        report(f"trouble {type(error).__name__}: {error}")
        time.sleep(PAUSE_S)
        _reset_safety(measurer)


def _reset_safety(measurer: Measurer) -> None:
    try:
        if state := measurer.reset_safety():
            report(f"safety reset: {state}")
    except FAILURES as error:
        report(f"trouble {type(error).__name__}: {error}")


def report_event(name: str, doc: Any) -> None:
    """Print a line for every exposure and every change of a suspension."""
    if name == "event":
        report(f"event {doc['data'].get('quality', '')}")


def report(text: str) -> None:
    """Print one line; on a terminal it begins with a line end, as a progress bar leaves its line open."""
    line = " ".join(text.split()) + os.linesep
    sys.stdout.write(os.linesep + line if sys.stdout.isatty() else line)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
