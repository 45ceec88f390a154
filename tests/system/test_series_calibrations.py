"""If this fails, an energy axis or an ion chamber that drifts during a scan is measured, but not corrected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reduction.xas.results import SpectrumResults
from storage import load_dataset
from tests.support.patient import patient
from trxas.configuration import load_configuration
from trxas.prompt.stored_runs import stored_run_functions
from trxas.session.calibrations import calibration_file
from trxas.session.session import open_session

MACRO = "series:"
REGIONS_EV = [(13_450, 13_460, 5), (13_464, 13_480, 1), (13_530, 13_570, 20)]
DRIFT = """
[[faults]]
kind = "EnergyDrift"
at_s = 0
duration_s = inf
ev_per_h = 0.02
"""
"""In an hour of beam; a session at 5000 times real time spends several of them on waits and moves."""


@pytest.mark.long
def test_a_scan_with_calibrations_in_between_is_corrected_by_itself(start_ioc: Any, tmp_path: Path) -> None:
    """Two passes, with foils and gates before, between and after them, over Channel Access and through the store."""
    faults = tmp_path / "faults.toml"
    faults.write_text(DRIFT, encoding="utf-8")
    options = ("--macro", MACRO, "--speed", "5000", "--seed", "11", "--faults", str(faults))
    with start_ioc("-m", "sim", *options):
        configuration = patient(load_configuration(prefix=MACRO, data=tmp_path / "data"))
        with open_session(configuration) as session:
            scan = session.plans()["energy_scan"](
                "Br K", delay_ps=100.0, regions_ev=REGIONS_EV, dwell_s=60.0, repeats=2, foil=1, gates=1, gates_s=600.0
            )
            uids = session.measure_all(scan)
            starts = [load_dataset(session.store, uid)[0][1] for uid in uids]
            plans = [start["plan_name"] for start in starts]
            first, second = (number for number, name in enumerate(plans) if name == "energy_scan")
            _, _, reduce = stored_run_functions(session.store)
            results = reduce(uids[second])
            plain = load_dataset(session.store, uids[second])[0][1]
        offsets = calibration_file(configuration).read()["gate_calibration"].value["chambers"]
    calibrating = ["foil_scan", "dark_exposures", "blocked_exposures"]
    assert plans[:first] == calibrating
    assert plans[first + 1 : second] == calibrating
    assert plans[second + 1 :] == ["dark_exposures", "blocked_exposures", "foil_scan"]
    assert isinstance(results, SpectrumResults)
    assert results.energy is not None
    assert results.energy.end.value > results.energy.begin.value > 3 * results.energy.begin.sigma
    assert results.spectra[0].energy_sigma_ev > 0
    assert "energy_course" not in plain, "a stored run changed"
    # The amplifier's offset of 300 counts/s, with the error of the exposures.
    assert offsets["i0"]["offset_per_s"] == pytest.approx(300.0, abs=max(5 * offsets["i0"]["error_per_s"], 0.1))
    assert np.isfinite(results.spectra[0].sigma).all()
