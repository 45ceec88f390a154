"""If these fail, `trxas chaos` calls a night clean that is not, or cannot be repeated."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from processes.process_table import family
from tests.support.waiting import until

PARENT = """
import sys
from pathlib import Path
from trxas.validation.robustness.measuring_child import ChildMeasurement, MeasuringChild
folder = Path(sys.argv[1])
measurement = ChildMeasurement(data=folder, address_list="127.0.0.1:1", enough=folder / "enough", datasets=1)
target = MeasuringChild(measurement, folder / "log")
target.start()
print("started", flush=True)
sys.stdin.read()
"""


def test_a_killed_chaos_takes_its_session_with_it(tmp_path: Path) -> None:
    """Lost: the beamline, held by a session that nobody knows of."""
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "started\n"
        (session,) = family(parent.pid) - {parent.pid}
        parent.kill()
    # By itself it gives the beamline up after a minute only.
    until(lambda: not Path(f"/proc/{session}").exists(), "the end of the session", timeout_s=45.0)
