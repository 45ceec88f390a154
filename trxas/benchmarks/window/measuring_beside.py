"""A session and its simulated beamline that measure while the window is timed: the hutch has one computer for all."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from processes.child import Child, ChildProgram
from processes.parent import end_with_parent

DWELL_S = 0.05
"""Dwell, s: 20 exposures/s, as many as the events of a quick scan."""

POINTS = 400
START_TIMEOUT_S = 120.0
MEASURING = "measuring"


@contextmanager
def session_that_measures() -> Iterator[None]:
    """Run a session that measures without end on a simulated beamline, in processes of their own.

    Raises ChildError with its last output if it does not begin.
    """
    program = ChildProgram(
        name="session beside the window",
        command=[sys.executable, "-m", __name__],
        ready=re.compile(MEASURING),
        start_timeout_s=START_TIMEOUT_S,
    )
    with Child(program) as child:
        child.wait_ready()
        yield


def main() -> None:
    """Measure delay scans, stored, until the parent ends this process."""
    import plans
    from trxas.configuration import load_configuration
    from trxas.session.session import open_session
    from trxas.simulation import simulated_beamline

    end_with_parent()
    delays = np.linspace(-500, 500, POINTS).tolist()
    with tempfile.TemporaryDirectory() as folder, simulated_beamline() as address_list:
        configuration = load_configuration(address_list=address_list, data=Path(folder))
        with open_session(configuration) as session:
            # Opened before the window is timed, as in any session that has measured before.
            session.store.catalogue  # noqa: B018
            print(MEASURING, flush=True)
            while True:
                session.measure(plans.delay_scan(session.beamline, "Br K", delays_ps=delays, dwell_s=DWELL_S))


if __name__ == "__main__":
    main()
