"""If these fail, a newcomer's first command does not measure, or measures wrongly."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reduction.number_text import with_error
from sim.physics.sample_file import load_sample
from sim.physics.tplm.diffusion import diffusivity_cm2_s
from sim.physics.tplm.sample import DEFAULT_TPLM_SAMPLE, film_path, load_film
from sim.physics.tplm.setting import Setting
from storage import list_runs, load_run, open_store
from tests.support.waiting import WAIT_S


def test_demo_measures_what_the_sample_is(trxas: Any, tmp_path: Path, data: Path) -> None:
    """The fitted values against the truth that only the simulation was given.

    Seven normal pulls: one beyond 4 in a right analysis once in 2000 (and this seed is fixed).
    """
    said = trxas("demo", "--no-window", "--json", "demo.json", "--seed", "5")
    assert re.search(r"tau1_ps +\d+.* ± ", said.stdout)
    assert "energy_scan Br K" in said.stderr
    result = json.loads((tmp_path / "demo.json").read_text())
    assert (tmp_path / "demo-output" / "demo.png").stat().st_size > 20_000
    sample = load_sample()
    kinetics = sample.kinetics
    truth = {
        "tau1_ps": kinetics.tau1_ps,
        "tau2_ps": kinetics.tau2_ps,
        "fraction1": kinetics.fraction1,
        "fraction2": kinetics.fraction2,
        "offset": 1 - kinetics.fraction1 - kinetics.fraction2,
        "t0_ps": sample.beam.time_zero_ps,
        "offset_rate_per_ns": 1 / kinetics.offset_lifetime_ns,
    }
    for name, value in truth.items():
        fitted = result["kinetics"][name]
        assert abs(fitted["value"] - value) < 4 * fitted["sigma"], f"{name}: {fitted}, truth {value}"
    assert 10 < result["kinetics"]["tau1_ps"]["sigma"] < 40
    assert 100 < result["kinetics"]["tau2_ps"]["sigma"] < 600
    assert -0.03 < result["transient"]["size"]["value"] < -0.015
    assert len(result["transient"]["energy_ev"]) == len(result["transient"]["sigma"]) > 60

    with open_store(data) as store:
        assert {run.status for run in list_runs(store)} == {"complete"}
        found = {header.start["plan_name"] for header in store.db(purpose="demo")}
        assert found == {"energy_scan", "delay_scan"}
    shown = trxas("runs", "show", result["runs"]["delay_scan"][:8]).stdout
    # The stored run reduces to the same numbers as the demo just did.
    assert with_error(**result["kinetics"]["tau1_ps"]) in shown
    assert with_error(**result["kinetics"]["offset"]) in shown


@pytest.mark.long
def test_demo_of_the_microscope_measures_what_the_film_is(trxas: Any, tmp_path: Path) -> None:
    """Lost: the first command for everybody with a microscope.

    Two normal pulls: one beyond 4 in a right analysis once in 8000 (and this seed is fixed).
    """
    said = trxas("demo", "tplm", "--no-window", "--json", "demo.json", "--seed", "5")
    assert re.search(r"diffusivity +0\.\d+ ± ", said.stdout)
    assert (tmp_path / "demo-output" / "demo-tplm.png").stat().st_size > 20_000
    film = load_film(film_path(DEFAULT_TPLM_SAMPLE.stem))
    for found in json.loads((tmp_path / "demo.json").read_text())["maps"]:
        measured = found["diffusivity_cm2_s"]
        setting = Setting(power_nw=found["power_nw"], repetition_rate_mhz=2.5)
        assert abs(measured["value"] - diffusivity_cm2_s(film, setting)) < 4 * measured["sigma"], found


@pytest.mark.long
def test_a_killed_demo_loses_nothing_that_was_emitted(trxas: Any, tmp_path: Path, data: Path) -> None:
    command = [sys.executable, "-m", "trxas.commands.main", "demo", "--no-window", "--speed", "2000"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, "TRXAS_DATA": str(data)},
        stderr=subprocess.PIPE,
        text=True,
        # The progress bar overwrites its line with carriage returns; universal newlines make each a line.
    )
    assert process.stderr is not None
    shown = (re.search(r"(\d+)/711", line) for line in process.stderr)
    assert any(match and int(match.group(1)) >= 40 for match in shown)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=WAIT_S)

    listed = trxas("runs", "list").stdout
    assert "interrupted" in listed
    with open_store(data) as store:
        (run,) = list_runs(store)
        documents = load_run(store, run.uid)
        table = store.db[run.uid].table()
    points = [doc["data"]["point_index"] for name, doc in documents if name == "event"]
    assert len(points) >= 40
    assert points == [index % 79 for index in range(len(points))]
    assert len(table) == len(points)
    assert "exposures" in trxas("runs", "show", "-1").stdout
