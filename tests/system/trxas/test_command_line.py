"""If these fail, a command gives a traceback, or no answer, where a person needs one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import COMMAND_S, WAIT_S, until


@pytest.fixture(scope="module")
def reached(start_ioc: Any) -> Iterator[tuple[str, ...]]:
    """Options of a command that reach a simulated beamline, the same for all tests of this module."""
    with start_ioc("-m", "sim", "--macro", "doc:", "--speed", "500") as ioc:
        yield ("--prefix", "doc:", "--address-list", f"127.0.0.1:{ioc.port}")


def test_doctor_reports_which_pvs_are_alive(reached: tuple[str, ...], trxas: Any) -> None:
    done = trxas("doctor", *reached)
    assert "doc:7ida:BraggEAO" in done.stdout
    assert "0 disconnected, 0 out of range" in done.stdout


class Measured:
    """`trxas measure` as a process, and what it says."""

    def __init__(self, data: Path, folder: Path, *arguments: str) -> None:
        self.said = folder / "said"
        self.answer = folder / "answer"
        command = [sys.executable, "-m", "trxas.commands.main", "measure", "energy_scan", "edge=Br K", "delay_ps=100"]
        with self.said.open("w") as said, self.answer.open("w") as answer:
            self.process = subprocess.Popen(
                [*command, *arguments], stdout=answer, stderr=said, env={**os.environ, "TRXAS_DATA": str(data)}
            )

    def wait_for_exposures(self) -> None:
        until(lambda: self.both().count(" good") > 2 or self.process.poll() is not None, self.both)

    def both(self) -> str:
        return self.answer.read_text() + self.said.read_text()


@pytest.mark.last_of_module  # it shuts the shutters, which the doctor would report
def test_a_measurement_that_is_told_to_end_closes_its_run(reached: tuple[str, ...], data: Path, tmp_path: Path) -> None:
    """Lost: what was measured when a batch system or a lost connection ends it, and which run that is."""
    measured = Measured(data, tmp_path, "dwell_s=100", "repeats=50", "--json", *reached)
    measured.wait_for_exposures()
    measured.process.terminate()
    assert measured.process.wait(WAIT_S) == 128 + signal.SIGTERM, measured.both()
    (run,) = json.loads(measured.answer.read_text())
    assert run["stop"]["exit_status"] == "abort"
    assert 2 < run["exposures"]["by_quality"][""] < run["exposures"]["intended"]
    assert "Traceback" not in measured.said.read_text()


@pytest.mark.last_of_module  # as above
@pytest.mark.long
def test_a_measurement_has_exit_codes_of_its_own(
    reached: tuple[str, ...], trxas: Any, data: Path, tmp_path: Path
) -> None:
    done = trxas("measure", "energy_scan", "edge=Br K", "delay_ps=100", "dwell_s=1", *reached)
    assert "79 of 79" in done.stdout
    assert "transient, spc" in done.stdout
    refused = trxas("measure", "energy_scan", "edge=Br K", "delay_ps=1e9", *reached, check=False)
    assert refused.returncode == 2
    assert "ps" in refused.stderr
    interrupted = Measured(data, tmp_path, "dwell_s=20", "repeats=50", *reached)
    interrupted.wait_for_exposures()
    interrupted.process.send_signal(signal.SIGINT)
    assert interrupted.process.wait(WAIT_S) == 130
    assert "abort" in interrupted.answer.read_text()
    killed = Measured(data, tmp_path, "dwell_s=20", "repeats=50", *reached)
    killed.wait_for_exposures()
    killed.process.kill()
    assert killed.process.wait(WAIT_S) == -signal.SIGKILL
    # The next command closes the run of the dead process.
    statuses = [run["status"] for run in json.loads(trxas("runs", "list", "--json", "--quick").stdout)]
    assert "running" not in statuses
    assert len(statuses) == 3


def test_doctor_reports_values_out_of_range(start_ioc: Any, trxas: Any) -> None:
    import epics

    with start_ioc("-m", "sim", "--macro", "sick:", "--speed", "100") as ioc:
        flow = epics.PV("sick:7idd:jet:FlowSet")
        assert flow.wait_for_connection(WAIT_S)
        flow.put(5.0, wait=True, timeout=WAIT_S)
        done = trxas("doctor", "--prefix", "sick:", "--address-list", f"127.0.0.1:{ioc.port}", check=False)
    assert done.returncode == 1
    line = next(line for line in done.stdout.splitlines() if line.startswith("sick:7idd:jet:FlowAI"))
    assert "out of range" in line


def test_doctor_reports_that_no_pv_answers(trxas: Any) -> None:
    done = trxas("doctor", "--prefix", "nobody:", check=False)
    assert done.returncode == 1
    assert "0 alive" in done.stdout
    assert "nobody:7ida:BraggEAO" in done.stdout


def test_no_runs_is_no_error(trxas: Any) -> None:
    assert "No runs in" in trxas("runs", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("sim", "--sample", "nowhere.toml"), "There is no sample 'nowhere.toml'"),
        (("demo", "--sample", "nowhere"), "give one of cspbbr3, fe_bpy3, or the path of a sample file"),
        (("sim", "--seed", "-1"), "at least 0"),
        # These behave like one above.
        pytest.param(("serve", "--sim", "--sample", "nowhere"), "give one of cspbbr3", marks=pytest.mark.long),
        pytest.param(("ipython", "--sim", "--sample", "nowhere"), "give one of cspbbr3", marks=pytest.mark.long),
        pytest.param(("sim", "--speed", "0"), "above 0", marks=pytest.mark.long),
        pytest.param(("sim", "--port", "99999"), "0 to 65535", marks=pytest.mark.long),
    ],
)
def test_a_wrong_command_gets_one_message_and_no_traceback(
    trxas: Any, arguments: tuple[Any, ...], message: str
) -> None:
    done = trxas(*arguments, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_sim_reports_ready_once_and_stops_cleanly_on_ctrl_c(ca_ports: Any, ca_repeater: None) -> None:
    with ca_ports.claimed() as port:
        command = [sys.executable, "-m", "trxas.commands.main", "sim", "--macro", "fg:", "--port", str(port)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert f"EPICS_CA_ADDR_LIST=127.0.0.1:{port}" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=WAIT_S)
    assert (process.returncode, rest, errors) == (0, "", "")


@pytest.mark.long
def test_ipython_session_runs_the_readme_example(trxas: Any, data: Path) -> None:
    """RE, devices, plans, db, live table, progress, figure: what the README promises, from a script of one line."""
    code = (
        'RE(energy_scan("Br K", delay_ps=100, dwell_s=6, sample="CsPbBr3"));'
        "print(delay.position, energy.limits, db[-1].start['sample']);"
        "runs(); show(-1); print(len(reduce(-1).spectra), 'spectra')"
    )
    said = trxas("ipython", "--sim", "--speed", "5000", "-c", code).stdout
    assert "transient, boxcar" in said
    assert "2 spectra" in said
    assert "(4000.0, 20000.0) CsPbBr3" in said
    assert len(list((data / "figures").glob("*.png"))) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("runs", "show", "12345"), "12345"),
        (("doctor", "--config", "nowhere.toml"), "No configuration file nowhere.toml"),
    ],
)
def test_a_request_that_cannot_be_met_gets_one_message(refused: Any, arguments: tuple[Any, ...], message: str) -> None:
    assert message in refused(*arguments)


def test_the_shell_completes_commands_and_options() -> None:
    """As bash asks, after `trxas --install-completion`."""

    def completed(words: str) -> set[str]:
        asked = {"_TRXAS_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        program = str(Path(sys.executable).with_name("trxas"))
        done = subprocess.run([program], env={**os.environ, **asked}, capture_output=True, text=True, timeout=COMMAND_S)
        return set(done.stdout.split())

    assert completed("trxas al") == {"alerts"}
    assert "--together" in completed("trxas import --")
