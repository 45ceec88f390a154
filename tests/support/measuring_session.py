"""A session in its own process, for tests that end its plan badly.

`python -m tests.support.measuring_session MACRO CONFIGURATION DATA PLAN` obeys lines on its standard input and answers
each with a line: "measure" runs the plan with exposures of two seconds at 200 times the beam time, "fail" does the same
but its first event cannot be stored, "abort" aborts a paused plan.
"""

from __future__ import annotations

import sys
from typing import Any

from bluesky.utils import RunEngineInterrupted

from tests.support.patient import patient
from tests.support.quick_plans import QUICK
from tests.support.waiting import WAIT_S
from trxas.configuration import load_configuration
from trxas.session.session import Session, open_session

LONG = {"dwell_s": 400.0, "image_dwell_s": 400.0, "readings": 20}


def measure(session: Session, name: str) -> str:
    """Run the plan with the X-ray shutter open from before; returns how that ended."""
    session.beamline.xray_shutter.set("open").wait(timeout=WAIT_S)
    arguments = {key: LONG.get(key, value) for key, value in QUICK[name].items()}
    try:
        session.run_engine(session.plans()[name](**arguments))
    except RunEngineInterrupted:
        return str(session.run_engine.state)
    except OSError as error:
        return f"failed: {error}"
    return "done"


def fail(session: Session, name: str) -> str:
    """The same with a disk that is full at the first event."""
    is_full = True

    def refuse(kind: str, doc: Any) -> None:
        if is_full and kind == "event":
            raise OSError("disk full")

    session.run_engine.record_with(refuse)
    try:
        return measure(session, name)
    finally:
        is_full = False


def abort(session: Session, name: str) -> str:
    """End what is paused."""
    session.run_engine.abort()  # type: ignore[no-untyped-call]  # bluesky's
    return str(session.run_engine.state)


def say(line: str) -> None:
    """Tell the test."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(macro: str, configuration: str, data: str, name: str) -> None:
    """Carry out orders until standard input ends."""
    orders = {"measure": measure, "fail": fail, "abort": abort}
    with open_session(patient(load_configuration(configuration, prefix=macro, data=data))) as session:
        session.run_engine.subscribe(lambda kind, doc: say("measuring"), "start")
        say("ready")
        for line in sys.stdin:
            say(f"answer: {orders[line.strip()](session, name)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
