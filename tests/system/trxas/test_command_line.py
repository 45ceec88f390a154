"""If these fail, a command gives a traceback, or no answer, where a person needs one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import COMMAND_S, WAIT_S


def test_doctor_reports_which_pvs_are_alive(start_ioc: Any, trxas: Any) -> None:
    with start_ioc("-m", "sim", "--macro", "doc:", "--speed", "100") as ioc:
        done = trxas("doctor", "--prefix", "doc:", "--address-list", f"127.0.0.1:{ioc.port}")
        assert "doc:7ida:BraggEAO" in done.stdout
        assert "0 disconnected, 0 out of range" in done.stdout


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
        (("serve", "--sim", "--sample", "nowhere"), "give one of cspbbr3, fe_bpy3, or the path of a sample file"),
        (("ipython", "--sim", "--sample", "nowhere"), "give one of cspbbr3, fe_bpy3, or the path of a sample file"),
        (("sim", "--speed", "0"), "above 0"),
        (("sim", "--seed", "-1"), "at least 0"),
        (("sim", "--port", "99999"), "0 to 65535"),
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
