"""If these fail, a command gives a traceback, or no answer, where a person needs one."""

from __future__ import annotations

import inspect
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import plans
from errors import ConfigurationError, StorageError
from tests.support.waiting import WAIT_S
from trxas.configuration import DEFAULT_CONFIGURATION, StorageSettings, load_configuration
from trxas.session.session import bind, with_free_space


def test_doctor_says_which_pvs_are_alive(start_ioc: Any, trxas: Any) -> None:
    with start_ioc("-m", "sim", "--macro", "doc:", "--speed", "100") as ioc:
        done = trxas("doctor", "--prefix", "doc:", "--address-list", f"127.0.0.1:{ioc.port}")
        assert "doc:7ida:BraggEAO" in done.stdout
        assert "0 disconnected, 0 out of range" in done.stdout


def test_doctor_says_what_is_out_of_range(start_ioc: Any, trxas: Any) -> None:
    import epics

    with start_ioc("-m", "sim", "--macro", "sick:", "--speed", "100") as ioc:
        flow = epics.PV("sick:7idd:jet:FlowSet")
        assert flow.wait_for_connection(WAIT_S)
        flow.put(5.0, wait=True, timeout=WAIT_S)
        done = trxas("doctor", "--prefix", "sick:", "--address-list", f"127.0.0.1:{ioc.port}", check=False)
    assert done.returncode == 1
    line = next(line for line in done.stdout.splitlines() if line.startswith("sick:7idd:jet:FlowAI"))
    assert "out of range" in line


def test_doctor_says_that_nobody_answers(trxas: Any) -> None:
    done = trxas("doctor", "--prefix", "nobody:", check=False)
    assert done.returncode == 1
    assert "0 alive" in done.stdout
    assert "nobody:7ida:BraggEAO" in done.stdout


def test_no_runs_is_no_error(trxas: Any) -> None:
    assert "No runs in" in trxas("runs", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("runs", "show", "12345"), "12345"),
        (("doctor", "--config", "nowhere.toml"), "No configuration file nowhere.toml"),
    ],
)
def test_a_request_that_cannot_be_met_gets_one_message(refused: Any, arguments: tuple, message: str) -> None:
    assert message in refused(*arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("sim", "--sample", "nowhere.toml"), "Cannot read sample file nowhere.toml"),
        (("sim", "--speed", "0"), "above 0"),
        (("sim", "--seed", "-1"), "from 0 on"),
        (("sim", "--port", "99999"), "0 to 65535"),
    ],
)
def test_a_wrong_command_gets_one_message_and_no_traceback(trxas: Any, arguments: tuple, message: str) -> None:
    done = trxas(*arguments, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_sim_says_ready_once_and_stops_cleanly_on_ctrl_c(ca_ports: Any, ca_repeater: None) -> None:
    with ca_ports.claimed() as port:
        command = [sys.executable, "-m", "trxas.commands.main", "sim", "--macro", "fg:", "--port", str(port)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert f"EPICS_CA_ADDR_LIST=127.0.0.1:{port}" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=WAIT_S)
    assert (process.returncode, rest, errors) == (0, "", "")


def test_ipython_session_runs_the_readme_example(trxas: Any, data: Path) -> None:
    """RE, devices, plans, db, live table, progress, figure: what the README promises."""
    code = (
        'RE(energy_scan("Br K", delay_ps=100, dwell_s=6, sample="CsPbBr3"));'
        "print(delay.position, energy.limits, db[-1].start['sample']);"
        "runs(); show(-1); print(len(reduce(-1).spectra), 'spectra')"
    )
    said = trxas("ipython", "--sim", "--speed", "5000", "-c", code).stdout
    assert "transient, boxcar" in said
    assert "2 spectra" in said
    assert "(12800.0, 13700.0) CsPbBr3" in said
    assert len(list((data / "figures").glob("*.png"))) == 1


def test_plans_complete_without_the_beamline_argument() -> None:
    bound = bind(plans.energy_scan, None)  # type: ignore[arg-type]  # only the signature is looked at
    assert list(inspect.signature(bound).parameters)[:2] == ["edge", "delay_ps"]
    assert "Scan the energy" in (bound.__doc__ or "")
    assert inspect.isgeneratorfunction(bound)


def test_a_full_disk_refuses_the_plan_before_its_first_message(tmp_path: Path) -> None:
    storage = StorageSettings(directory=str(tmp_path), minimum_free_mb=10**9)
    sent: list[str] = []

    def plan():  # type: ignore[no-untyped-def]
        sent.append("first message")
        yield

    with pytest.raises(StorageError, match=str(tmp_path)):
        list(with_free_space(plan(), storage=storage))
    assert sent == []


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("low_ev = 12800.0", "", r"\[energy\] low_ev is missing. Allowed: from 1000 up to 200000 eV"),
        ("low_ev = 12800.0", "low_ev = 12800.0\nhigh_kev = 3.0", "high_kev is an unknown key. Did you mean high_ev"),
        ("low_ev = 12800.0", 'low_ev = "12800"', r"\[energy\] low_ev = '12800' eV: must be a number, from 1000"),
        ("low_ev = 12800.0", "low_ev = nan", "must be finite"),
        ("low_ev = 12800.0", "low_ev = 13900.0", r"\[energy\] low_ev = 13900 eV: must be below high_ev = 13700 eV"),
        ("coarse_sign = 1", "coarse_sign = 2", r"\[delay\] coarse_sign = 2: must be from -1 up to 1"),
        ("coarse_sign = 1", "coarse_sign = 0", r"\[delay\] coarse_sign = 0: must be 1 or -1"),
        ("coarse_step_ps = 1000.0", "coarse_step_ps = 0.0", "coarse_step_ps = 0.0 ps: must be above 0"),
        ("maximum_mj_cm2 = 14.0", "maximum_mj_cm2 = 12.0", "must not exceed maximum_mj_cm2 = 12 mJ/cm2"),
        ("boxcar_polarity = -1", "boxcar_polarity = 0", "boxcar_polarity = 0: must be 1 or -1"),
        ("unpumped_probe = 4", "unpumped_probe = 7", "within 0 to 4"),
        ("required_divider = 5", "required_divider = 4", "required_divider = 4: must equal exposure.probes = 5"),
        ("[energy]", "[energies]", r"\[energies\] is unknown. Did you mean energy"),
        ("[energy]", "[energy", "Cannot read configuration file"),
        ("minimum_free_mb", "minimum_free_gb", r"\[storage\] minimum_free_gb .* Did you mean minimum_free_mb"),
    ],
)
def test_a_wrong_configuration_names_the_file_and_the_key(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    text = DEFAULT_CONFIGURATION.read_text()
    assert before in text
    path = tmp_path / "beamline.toml"
    path.write_text(text.replace(before, after, 1))
    with pytest.raises(ConfigurationError, match=message):
        load_configuration(path)


def test_only_address_and_prefix_differ_between_simulated_and_real(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EPICS_CA_ADDR_LIST")
    real = load_configuration().beamline
    simulated = load_configuration(address_list="127.0.0.1:9999", prefix="sim:").beamline
    assert simulated.epics.address_list == "127.0.0.1:9999"
    assert (simulated.energy, simulated.delay, simulated.exposure) == (real.energy, real.delay, real.exposure)
