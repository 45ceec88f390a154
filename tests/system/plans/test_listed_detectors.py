"""If these fail, a beamline whose detectors are a list of plain records measures nothing, or something else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bluesky import RunEngine

import plans
from devices.assembly import build_beamline
from devices.beamline import Beamline
from reduction.kinds import reduce_run
from reduction.xas.results import SpectrumResults
from tests.support.detector_files import ABSENT, ALL_BUNCHES, DIODES, FURTHER, I0, list_file
from tests.support.fault_bench import FaultBench
from tests.support.waiting import WAIT_S
from trxas.channel_access import environment as channel_access
from trxas.configuration import load_configuration

MACRO = "listed:"
GATES_DIFFER = 2e-3
"""What gains and zeros of two gates may add to a transient, relative to the unpumped signal."""

REGIONS_EV = [(13_450.0, 13_466.0, 4.0), (13_468.0, 13_564.0, 8.0)]


@pytest.fixture(scope="module")
def beamline(start_ioc: Any) -> Iterator[None]:
    with start_ioc("-m", "sim", "--macro", MACRO, "--speed", "20000", "--seed", "7"):
        yield


def connected(file: Path) -> Beamline:
    configuration = load_configuration(file, prefix=MACRO).beamline
    channel_access.prepare(configuration.epics)
    line = build_beamline(configuration)
    line.connect(timeout_s=WAIT_S)
    return line


def scanned(line: Beamline, repeats: int = 2) -> list[tuple[str, dict[str, Any]]]:
    documents: list[tuple[str, dict[str, Any]]] = []
    scan = plans.energy_scan(
        line, "Br K", regions_ev=REGIONS_EV, delay_ps=100.0, dwell_s=200.0, repeats=repeats, sample="CsPbBr3"
    )
    RunEngine({})(scan, lambda name, doc: documents.append((name, doc)))
    return documents


def test_every_listed_detector_is_measured_and_reduced(
    beamline: None, tmp_path: Path, put: Any, get: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Lost: drift detectors, boxcar means and stock devices; and with one that is off, all others."""
    line = connected(list_file(tmp_path, I0 + DIODES + FURTHER + ABSENT))
    documents = scanned(line)
    start = documents[0][1]
    names = ["chamber", "diodes", "behind", "boxcar_3s", "boxcar_6s", "drift", "total", "stock"]
    assert list(start["detectors"]) == names
    assert start["detectors"]["diodes"]["weights"] == [1.0, 0.5]
    assert "dead does not answer and is excluded from this run" in caplog.text
    events = [doc["data"] for name, doc in documents if name == "event"]
    assert [event["marks"] for event in events] == [""] * len(events)
    last = events[-1]
    assert last["drift_counts"][1][0] == get(f"{MACRO}7idd:xmap:E2:Gate0")
    assert last["boxcar_6s_mean"][0][1] == pytest.approx(-get(f"{MACRO}7idb:userCalc13"))
    assert last["stock_channels_chan9"] == last["total_counts"][0][1] == get(f"{MACRO}amofg1a:scaler1.S9")
    found = reduce_run(documents)
    assert isinstance(found, SpectrumResults), found.table()
    by_name = {spectrum.metadata.detector or "diodes": spectrum for spectrum in found.spectra}
    assert list(by_name) == ["diodes", "boxcar_6s", "drift", "total"], found.table()
    assert "behind" in found.absorptions
    # All of them have seen one sample: their transients agree within their errors and what their gates differ by.
    first = by_name["diodes"]
    for name in ("total", "drift", "boxcar_6s"):
        other = by_name[name]
        sigma = np.hypot(other.sigma, first.sigma)
        pulls = (other.transient - first.transient) / np.hypot(sigma, GATES_DIFFER * np.abs(other.off))
        assert float(np.sqrt(np.mean(pulls**2))) < 2.0, (name, pulls)
    strike(line, FaultBench(MACRO, get, put))


def strike(line: Beamline, bench: FaultBench) -> None:
    """Calc records that are not processed any more are not values of the next points, and cost nothing else."""
    with bench.struck("FrameStale", Detector="boxcar"):
        documents = scanned(line, repeats=1)
    events = [doc["data"] for name, doc in documents if name == "event"]
    assert {event["marks"] for event in events} == {"boxcar_3s_missing,boxcar_6s_missing"}
    assert not any(np.any(event["boxcar_6s_mean"]) for event in events)
    assert all(event["quality"] == "" for event in events)
    found = reduce_run(documents)
    assert isinstance(found, SpectrumResults), found.table()
    assert [spectrum.metadata.detector for spectrum in found.spectra] == ["", "drift", "total"]
    assert any("Cannot be reduced (boxcar_6s)" in remark for remark in found.remarks)


def test_a_drift_detector_of_all_bunches_is_recorded_without_a_transient(beamline: None, tmp_path: Path) -> None:
    """Lost: a detector without gates, or the trust in its transient of 0."""
    documents = scanned(connected(list_file(tmp_path, I0 + DIODES + ALL_BUNCHES)), repeats=1)
    assert documents[0][1]["detectors"]["everything"]["gated"] is False
    events = [doc["data"] for name, doc in documents if name == "event"]
    assert {np.shape(event["everything_counts"]) for event in events} == {(1, 1)}
    assert all(event["everything_counts"][0][0] > 0 and event["marks"] == "" for event in events)
    found = reduce_run(documents)
    assert isinstance(found, SpectrumResults), found.table()
    assert [spectrum.metadata.detector for spectrum in found.spectra] == [""]
    (signal,) = found.ungated
    assert signal.signal[-1] > 3 * signal.signal[0]
    assert "counts all bunches, no transient" in found.table()
    assert "counts all bunches, pumped or not" in reduce_run(documents, detector="everything").table()
