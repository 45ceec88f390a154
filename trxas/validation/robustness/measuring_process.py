"""The process that measures while things fail: it may be killed at any moment and restarted.

`python -m trxas.validation.robustness.measuring_process` with `--data`, `--address-list`, `--enough FILE` and
`--datasets N` measures one dataset after the other until FILE exists and at least N are complete, or until its standard
input is closed. It first completes what an earlier process left unfinished.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from bluesky.utils import FailedStatus

from errors import TrxasError
from processes.parent import end_with_parent
from storage import find_starts, load_dataset
from trxas.configuration import Configuration, load_configuration
from trxas.session.resume import is_complete, resume_run
from trxas.session.session import Plan, Session, open_session

PURPOSE = "chaos"
"""Value of `purpose` in the start documents of the runs."""

DELAYS_PS = (-400.0, -100.0, -30.0, 0.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 20000.0)
ENERGIES_EV = ((13_460.0, 13_468.0, 4.0), (13_470.0, 13_476.0, 1.0))
DWELL_S = 6.0
REPEATS = 6

CONNECTION_TIMEOUT_S = 60.0

I0_TOLERANCE = 0.01
"""Share of an exposure from which a dropout of the ion chamber is detected: the flux fluctuates by 0.3 %."""

FAILURES = (TrxasError, FailedStatus, TimeoutError)

PAUSE_S = 0.3
"""Wall time between two attempts while the beamline does not allow to measure."""


def main(arguments: list[str] | None = None) -> int:
    """Measure until there are enough datasets; every printed line is a sign of life. Return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--address-list")
    parser.add_argument("--enough", type=Path, required=True)
    parser.add_argument("--datasets", type=int, default=0)
    options = parser.parse_args(arguments)
    end_with_parent()
    configuration = load_configuration(address_list=options.address_list, data=options.data)
    with open_session(_for_chaos(configuration)) as session:
        session.run_engine.subscribe(_show)
        _say("session")
        _measure_all(session, options.enough, options.datasets)
    return 0


def _for_chaos(made: Configuration) -> Configuration:
    """Return the configuration with more time for a dead IOC, and a tight tolerance: the simulated flux is steady."""
    line = made.beamline
    epics = replace(line.epics, connection_timeout_s=CONNECTION_TIMEOUT_S)
    quality = replace(line.quality, i0_tolerance=I0_TOLERANCE)
    return replace(made, beamline=replace(line, epics=epics, quality=quality))


def _measure_all(session: Session, enough: Path, datasets: int) -> None:
    known = [start["uid"] for start in find_starts(session.store, purpose=PURPOSE, resumes=None)]
    for uid in known:
        _complete(session, uid)
    while not enough.exists() or len(known) < datasets:
        uid = _begin(session, _plan(session, len(known)))
        if uid:
            known.append(uid)
            _complete(session, uid)


def _plan(session: Session, number: int) -> Plan:
    """Return the plan of a spectrum or of a trace, in turns."""
    common: dict[str, Any] = {"dwell_s": DWELL_S, "repeats": REPEATS, "md": {"purpose": PURPOSE}, "sample": PURPOSE}
    plans = session.plans()
    if number % 2:
        return plans["energy_scan"]("Br K", delay_ps=100.0, regions_ev=ENERGIES_EV, allow_unreducible=True, **common)
    return plans["delay_scan"]("Br K", delays_ps=DELAYS_PS, **common)


def _begin(session: Session, plan: Plan) -> str:
    """Return the uid of the run that `plan` made, complete or not; "" if it made none."""
    before = {start["uid"] for start in find_starts(session.store, purpose=PURPOSE)}
    _attempt(session, lambda: session.measure(plan))
    made = [start["uid"] for start in find_starts(session.store, purpose=PURPOSE) if start["uid"] not in before]
    return made[0] if made else ""


def _complete(session: Session, uid: str) -> None:
    """Resume until the dataset has every exposure; the parent process decides how long that may take."""
    while not is_complete(load_dataset(session.store, uid)):
        _attempt(session, lambda: resume_run(session, uid, say=lambda _: None))
    _say(f"complete {uid}")


def _attempt(session: Session, measure: Callable[[], object]) -> None:
    try:
        measure()
    except FAILURES as error:
        _say(f"trouble {type(error).__name__}: {error}")
        time.sleep(PAUSE_S)
        _reset_safety(session)


def _reset_safety(session: Session) -> None:
    """Reset the safety as a person does after a check of the hutch, if the watchdog has closed the shutters."""
    try:
        if session.beamline.safety is not None and session.beamline.safety.state == "Tripped":
            _say(f"safety reset: {session.reset_safety()}")
    except FAILURES as error:
        _say(f"trouble {type(error).__name__}: {error}")


def _show(name: str, doc: Any) -> None:
    if name == "event":
        _say(f"event {doc['data'].get('quality', '')}")


def _say(text: str) -> None:
    print(" ".join(text.split()), flush=True)


if __name__ == "__main__":
    sys.exit(main())
