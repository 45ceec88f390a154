"""If these fail, a panel shows other numbers than the reduction gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLineEdit

from gui.live.left_out import LeftOutRun
from gui.live.run_state import RunState
from gui.panels.xas.choices import Choices, left_out_text, parse_scans
from gui.panels.xas.kinetics import fit_remark, fit_rows
from gui.window import MainWindow
from reduction.accumulator import accumulate, joined
from reduction.detector_view import seen_by
from reduction.number_text import with_error
from reduction.values import Value
from reduction.xas.boxcar_energy import boxcar_spectrum
from reduction.xas.excited_state import excited_state_spectrum
from reduction.xas.fluence import fluence_scan
from reduction.xas.fluence_fit import fit_fluence
from reduction.xas.gate_rates import gate_rates
from reduction.xas.grouping import NullPair, null_gates, null_test, scan_transients, scatter_ratio
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.spc_energy import spc_spectrum
from reduction.xas.spc_time import spc_trace
from tests.support import live_runs
from tests.support.beam_time import Document
from tests.support.detector_runs import delay_documents
from tests.support.fixtures.panels import complete, put, shown
from tests.support.hybrid_runs import hybrid_run
from tests.support.waiting import WAIT_MS


def same(curve: object, x: object, y: object, sigma: object) -> bool:
    parts = (curve.x, curve.y, curve.sigma)  # type: ignore[attr-defined]
    return all(np.array_equal(part, wanted) for part, wanted in zip(parts, (x, y, sigma), strict=True))  # type: ignore[arg-type]


@pytest.mark.parametrize(("mode", "reduce"), [("boxcar", boxcar_spectrum), ("spc", spc_spectrum)])
def test_spectra_are_those_of_the_reduction(
    window: MainWindow, energy_run: list[Document], qtbot: QtBot, mode: str, reduce: Callable[..., object]
) -> None:
    panel: Any = window.docks["spectra"].widget()
    panel.choices.mode, panel.choices.reference = mode, "unpumped probe"
    shown(window, "spectra", energy_run, qtbot)
    wanted = reduce(accumulate(energy_run))
    assert same(panel.transient.curves["transient"], wanted.energy_ev, wanted.transient, wanted.sigma)  # type: ignore[attr-defined]
    assert same(panel.static.curves["off"], wanted.energy_ev, wanted.off, wanted.off_sigma)  # type: ignore[attr-defined]
    assert same(panel.static.curves["on"], wanted.energy_ev, wanted.on, wanted.on_sigma)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("noise", "mode"), [(3000.0, "spc"), (0.0, "boxcar")])
def test_spectra_open_on_the_detection_with_more_information(
    window: MainWindow, energy_run: list[Document], qtbot: QtBot, noise: float, mode: str
) -> None:
    """Lost: the better half of the photons, unless somebody finds the box; a choice of the user must stay."""
    rng = np.random.default_rng(1)

    def noisier(data: dict[str, Any]) -> dict[str, Any]:
        sigma = noise * np.sqrt(data["boxcar_variance"])
        drawn = data["boxcar_mean"] + sigma * rng.standard_normal(sigma.shape)
        return {**data, "boxcar_mean": drawn, "boxcar_variance": data["boxcar_variance"] + sigma**2}

    run = [(name, {**doc, "data": noisier(doc["data"])}) if name == "event" else (name, doc)
           for name, doc in energy_run]  # fmt: skip
    panel: Any = shown(window, "spectra", run, qtbot)
    assert panel.choices.mode == mode
    rows = [panel.sizes.item(row, 0).text() for row in range(panel.sizes.rowCount())]
    assert ("by the boxcar" if mode == "spc" else "by photon counting") in rows
    other = "boxcar" if mode == "spc" else "spc"
    panel.choices.mode = other
    shown(window, "spectra", another(run), qtbot)
    assert panel.choices.mode == other


def another(documents: list[Document]) -> list[Document]:
    """The same run under another uid."""
    name, start = documents[0]
    names = [("descriptor", {**doc, "run_start": "another"}) if name == "descriptor" else (name, doc)
             for name, doc in documents[1:-1]]  # fmt: skip
    return [(name, {**start, "uid": "another"}), *names, ("stop", {**documents[-1][1], "run_start": "another"})]


def type_scans(choices: Choices, text: str) -> None:
    """Choose scans as a user does, in the box that appears for them."""
    choices.scope = None
    entry = choices.findChild(QLineEdit)
    assert entry is not None
    entry.setText(text)
    entry.editingFinished.emit()


def test_probe_reference_and_scans_can_be_chosen(window: MainWindow, energy_run: list[Document], qtbot: QtBot) -> None:
    panel = shown(window, "spectra", energy_run, qtbot)
    choices = panel.choices  # type: ignore[attr-defined]
    choices.mode, choices.probe, choices.reference = "boxcar", 1, "laser shutter"
    type_scans(choices, "1, 3")
    events = window.worker.frame.events
    qtbot.waitUntil(lambda: complete(window, panel, events), timeout=WAIT_MS)
    window.refresh()
    run = accumulate(energy_run)
    wanted = boxcar_spectrum(joined([run], [np.array([True, False, True])]), 1, "laser shutter")
    assert same(panel.transient.curves["transient"], wanted.energy_ev, wanted.transient, wanted.sigma)  # type: ignore[attr-defined]


def test_a_frame_is_shown_when_it_is_there(window: MainWindow, energy_run: list[Document], qtbot: QtBot) -> None:
    """Lost: every event waits for the next look of the window, half of its interval on average."""
    window._timer.stop()
    put(window, energy_run)
    qtbot.waitUntil(lambda: window._frame is not None and window._frame.exit_status is not None, timeout=WAIT_MS)


def test_scans_that_do_not_exist_are_refused_in_words(
    window: MainWindow, energy_run: list[Document], qtbot: QtBot
) -> None:
    panel = shown(window, "spectra", energy_run, qtbot)
    type_scans(panel.choices, "9")  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: complete(window, panel, window.worker.frame.events), timeout=WAIT_MS)
    window.refresh()
    assert "scans 1 to 3" in panel.transient.canvas._message.text()  # type: ignore[attr-defined]
    assert panel.transient.curves == {}  # type: ignore[attr-defined]


def test_scan_lists_are_read() -> None:
    assert parse_scans("1-3, 5") == (0, 1, 2, 4)
    assert parse_scans("") == ()
    assert parse_scans("0, -, x") == ()


def test_the_mean_of_a_series_names_the_runs_it_lacks(
    window: MainWindow, another_energy_run: Callable[..., list[Document]], energy_run: list[Document], qtbot: QtBot
) -> None:
    """Lost: runs that were calibrated differently are missing in the mean, and the window does not say so."""
    documents = another_energy_run("shifted")
    start = {**documents[0][1], "energy_calibration_offset_ev": 3.0, "scan_id": 7}
    put(window, [("start", start), *documents[1:]])
    panel = shown(window, "spectra", energy_run, qtbot)
    choices: Choices = panel.choices  # type: ignore[attr-defined]
    assert choices.left_out.isHidden()
    choices.scope = "series"
    window.refresh()
    assert "calibrated differently: scan 7 (energy calibration differs by +3 eV)" in choices.left_out.text()
    assert not choices.left_out.isHidden()
    many = [LeftOutRun(uid=str(number), scan_id=number, reason="time zero differs by +1 ps") for number in range(5)]
    assert left_out_text(many).endswith("scan 2 (time zero differs by +1 ps), and 2 more")


def test_parameters_that_the_data_do_not_determine_are_marked() -> None:
    """Lost: tau1 = 200 +- 1500 ps, read from the window as a result."""
    run = accumulate(live_runs.delay_run())
    fit = fit_kinetics(gate_rates(run), run.metadata.timing)
    second, share = fit.tau2_ps, fit.fraction2
    vague = replace(fit, lifetimes_ps=(Value(200.0, 1500.0), second), fractions=(Value(1.0, 27.0), share))
    assert not any(isinstance(cell, tuple) for row in fit_rows(fit) for cell in row)
    assert fit_remark(fit) == ""
    marked = {row[0]: row[1] for row in fit_rows(vague) if isinstance(row[1], tuple)}
    assert set(marked) == {"τ1", "share of τ1"}
    assert marked["τ1"] == ("▲ 200 ± 1500 ps, NOT DETERMINED", "warning")
    assert "do not determine τ1 and share of τ1:" in fit_remark(vague)
    assert "Measure longer" in fit_remark(vague)


def test_zooming_one_spectrum_zooms_the_other(window: MainWindow, energy_run: list[Document], qtbot: QtBot) -> None:
    panel = shown(window, "spectra", energy_run, qtbot)
    from gui.plots.view.history import View

    panel.transient.views.choose(View((13_465.0, 13_480.0), (-1.0, 1.0)))  # type: ignore[attr-defined]
    assert panel.static.canvas.box.viewRange()[0] == pytest.approx([13_465.0, 13_480.0])  # type: ignore[attr-defined]
    qtbot.mouseClick(panel.static.whole, Qt.MouseButton.LeftButton)  # type: ignore[attr-defined]
    assert panel.transient.canvas.box.viewRange()[0][1] > 13_560.0  # type: ignore[attr-defined]


def test_fluence_dependence_is_that_of_the_reduction(
    window: MainWindow, fluence_run: list[Document], qtbot: QtBot
) -> None:
    panel = shown(window, "fluence", fluence_run, qtbot)
    scan = fluence_scan(accumulate(fluence_run))
    assert same(panel.plot.curves["transient"], scan.fluence_mj_cm2, scan.transient, scan.sigma)  # type: ignore[attr-defined]
    line = panel.plot.curves["line"]  # type: ignore[attr-defined]
    assert np.array_equal(line.y, fit_fluence(scan).line(line.x))


def test_the_excited_state_follows_the_slider(window: MainWindow, energy_run: list[Document], qtbot: QtBot) -> None:
    panel = shown(window, "excited", energy_run, qtbot)
    panel.slider.setValue(350)  # type: ignore[attr-defined]
    assert panel.fraction == pytest.approx(0.35)  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: complete(window, panel, window.worker.frame.events), timeout=WAIT_MS)
    window.refresh()
    wanted = excited_state_spectrum(boxcar_spectrum(accumulate(energy_run)), 0.35)
    assert same(panel.plot.curves["excited"], wanted.energy_ev, wanted.value, wanted.sigma)  # type: ignore[attr-defined]


def test_checks_show_scatter_and_null_tests(window: MainWindow, energy_run: list[Document], qtbot: QtBot) -> None:
    panel = shown(window, "checks", energy_run, qtbot)
    run = accumulate(energy_run)
    ratio, null = scatter_ratio(*scan_transients(run, "spc")), null_test(run)
    unpumped = null_test(run, "spc", *null_gates(NullPair.UNPUMPED, run.metadata.timing))
    assert unpumped.tail is not None
    assert with_error(ratio.ratio, ratio.sigma) in panel.ratio.text()  # type: ignore[attr-defined]
    assert panel.verdict.text().startswith("● PHOTON-LIMITED")  # type: ignore[attr-defined]
    tail = with_error(100 * unpumped.tail.value, 100 * unpumped.tail.sigma)
    assert panel.table.text(0, 0).endswith(f"minus {tail} % of the transient")  # type: ignore[attr-defined]
    assert panel.table.text(1, 1) == f"{null.chi_square:.1f} / {null.degrees_of_freedom}"  # type: ignore[attr-defined]


def test_bunches_show_counts_and_ask_to_attenuate(
    window: MainWindow, another_energy_run: Callable[..., list[Document]], qtbot: QtBot
) -> None:
    """If this fails, nobody learns that the detector saturates."""
    documents = another_energy_run("bright", scans=1, photons_per_pulse=2.0)
    panel = shown(window, "bunches", documents, qtbot)
    latest = [doc["data"] for name, doc in documents if name == "event"][-1]
    assert panel.table.text(0, 1).replace(" ", "") == str(latest["spc_counts"][0][0])  # type: ignore[attr-defined]
    assert "ATTENUATE" in panel.word.text()  # type: ignore[attr-defined]


def test_a_run_of_another_scheme_offers_its_own_gates(window: MainWindow, qtbot: QtBot) -> None:
    """Lost: a gate that cannot be chosen, or a choice of gates that the run does not have."""
    run = hybrid_run(4)
    panel: Any = shown(window, "kinetics", run, qtbot)
    box = panel.choices._probes
    assert [box.itemText(index) for index in range(box.count())] == [
        "Probe 0, pumped", "Probe 1, before the next pump", "Probe 2, before the next pump",
    ]  # fmt: skip
    wanted = spc_trace(accumulate(run))
    curve = panel.trace.curves["transient"]
    assert same(curve, curve.x, wanted.transient, wanted.sigma)  # x is on the scale of the plot


def test_a_chosen_gate_that_a_run_lacks_gives_way_to_the_pumped_one(qtbot: QtBot) -> None:
    choices = Choices(["probe"])
    qtbot.addWidget(choices)
    choices.probe = 3
    with qtbot.waitSignal(choices.changed):
        choices.offer_gates_of(hybrid_run(1)[0][1])
    assert choices.probe == 0
    choices.offer_gates_of({})
    assert choices.probe == 0


def test_spectra_are_by_all_pulses_again_after_a_kind_of_run_that_has_two(qtbot: QtBot) -> None:
    """Lost: a third of the information of every spectrum that is selected after a trace."""
    choices = Choices(["reference", "all gates"])
    qtbot.addWidget(choices)
    seen = []
    for parts in (["reference"], ["reference", "all gates"]):
        choices.offer_parts(parts)
        seen.append(choices.reference)
    assert seen == ["unpumped probe", "all gates"]
    choices.reference = "laser shutter"
    for parts in (["reference"], ["probe"], ["reference", "all gates"]):
        choices.offer_parts(parts)
        assert choices.reference == "laser shutter", "what a user has chosen holds"


def test_a_run_without_a_boxcar_shows_its_counts(window: MainWindow, energy_run: list[Document], qtbot: QtBot) -> None:
    """Lost: an empty panel, until somebody finds the box with the detection mode."""
    panel: Any = window.docks["checks"].widget()
    panel.choices.mode = "boxcar"
    shown(window, "checks", hybrid_run(2), qtbot)
    assert panel.choices.mode == "spc"
    shown(window, "checks", energy_run, qtbot)
    assert panel.choices.mode == "boxcar", "the choice of a user holds wherever a run has it"


def test_bunches_show_every_photodiode(window: MainWindow, qtbot: QtBot) -> None:
    """Lost: a broken diode among four."""
    run = hybrid_run(4)
    panel: Any = shown(window, "bunches", run, qtbot)
    assert {f"apd_{number}" for number in (1, 2, 3, 4)} <= panel.plot.curves.keys()
    latest = [doc["data"] for name, doc in run if name == "event"][-1]
    assert panel.table.text(0, 4).replace(" ", "") == str(latest["spc_counts"][3][0])
    assert panel.table.rowCount() == 3


def test_trends_follow_every_exposure(window: MainWindow, energy_run: list[Document], qtbot: QtBot) -> None:
    panel = shown(window, "trends", energy_run, qtbot)
    events = [doc["data"] for name, doc in energy_run if name == "event"]
    i0 = next(plot for plot in panel.plots() if plot.y_quantity.name == "I0")
    assert np.array_equal(i0.curves["trend"].y, [data["i0"] / data["exposure_s"] for data in events])
    assert i0.curves["trend"].x[0] == 1.0


def test_images_are_shown_and_integrated(window: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    image = np.random.default_rng(3).poisson(20.0, (1, 195, 487))
    with h5py.File(tmp_path / "image.h5", "w") as file:
        file["/entry/data/data"] = image
    documents: list[Document] = [
        ("start", {"uid": "powder", "time": 0.0, "plan_name": "count", "scan_id": 4}),
        ("descriptor", {"uid": "d", "run_start": "powder", "name": "primary"}),
        ("resource", {"uid": "r", "root": str(tmp_path), "resource_path": "image.h5", "spec": "AD_HDF5",
                      "resource_kwargs": {"frame_per_point": 1}, "run_start": "powder"}),
        ("datum", {"datum_id": "r/0", "resource": "r", "datum_kwargs": {"point_number": 0}}),
        ("event", {"descriptor": "d", "seq_num": 1, "time": 1.0, "data": {"pilatus_image": "r/0", "quality": ""}}),
    ]  # fmt: skip
    panel = shown(window, "pilatus", documents, qtbot)
    assert np.array_equal(panel.image._image, image[0])  # type: ignore[attr-defined]
    assert panel.pattern.curves["pattern"].y.mean() == pytest.approx(20.0, rel=0.1)  # type: ignore[attr-defined]


@pytest.mark.parametrize("key", ["kinetics", "fluence"])
def test_panels_say_in_words_that_a_run_is_not_theirs(
    window: MainWindow, energy_run: list[Document], qtbot: QtBot, key: str
) -> None:
    panel = shown(window, key, energy_run, qtbot)
    message = next(iter(panel.plots())).canvas._message.text()
    assert message.startswith("This run scans the energy; this panel shows scans of the")
    assert "_" not in message


def test_the_first_pass_is_shown_before_it_can_be_normalised(
    window: MainWindow, energy_run: list[Document], qtbot: QtBot
) -> None:
    """Lost: the first minutes of a scan, which showed nothing until it had passed the whole edge."""
    windows = accumulate(energy_run).metadata.windows
    start = windows.post_edge_ev[0]
    begun = [
        (name, doc)
        for name, doc in energy_run
        if name in ("start", "descriptor")
        or (name == "event" and doc["data"]["scan_index"] == 0 and doc["data"]["energy_ev"] < start)
    ]
    panel: Any = shown(window, "spectra", begun, qtbot)
    curve = panel.transient.curves["transient"]
    off = panel.static.curves["off"]
    assert curve.x.max() < start
    assert off.y.max() == pytest.approx(1.0)
    assert "not normalised yet" in curve.label
    assert panel.transient.canvas.left.quantity.unit == "highest = 1"
    assert panel.sizes.rowCount() == 0
    # Where both gates see the same, as below the edge, the difference is that of the counts.
    below = curve.x < windows.pre_edge_ev[1]
    assert np.all(np.abs(curve.y[below]) < 6 * curve.sigma[below])
    shown(window, "spectra", energy_run, qtbot)
    assert panel.transient.canvas.left.quantity.unit == "edge = 1"
    assert "scan" in panel.transient.curves["transient"].label


def test_another_run_takes_the_old_numbers_away(
    window: MainWindow, energy_run: list[Document], delay_run: list[Document], qtbot: QtBot
) -> None:
    """If this fails, the spectrum of the run before stands under the name of this one."""
    panel = shown(window, "spectra", energy_run, qtbot)
    assert panel.transient.curves  # type: ignore[attr-defined]
    shown(window, "spectra", delay_run[:3], qtbot)
    assert panel.transient.curves == {}  # type: ignore[attr-defined]
    assert "delay scan" in panel.heading.run.text()


def test_tables_name_the_run_they_belong_to(
    window: MainWindow, energy_run: list[Document], qtbot: QtBot, tmp_path: Path
) -> None:
    panel = shown(window, "spectra", energy_run, qtbot)
    panel.transient.export(tmp_path / "spectrum.csv")  # type: ignore[attr-defined]
    lines = (tmp_path / "spectrum.csv").read_text().splitlines()
    assert lines[0] == "# run energy-run"
    assert "CsPbBr3" in lines[1]
    assert lines[3] == "energy_ev,transient,transient_sigma"


def test_panels_offer_every_gated_detector_and_ask_for_the_chosen_one(window: MainWindow) -> None:
    """Lost: the kinetics of a drift detector, until the run is over and somebody reduces it by hand."""
    run = delay_documents()
    panel: Any = window.docks["kinetics"].widget()
    panel.choices.offer_gates_of(run[0][1])
    box = panel.choices._modes
    assert [box.itemText(index) for index in range(box.count())] == ["Photon counting", "drift", "far"]
    assert "first that counts" in box.toolTip()
    # Gates of all bunches see no transient, so `total` is not offered.
    panel.choices.detector = "drift"
    assert {request.detector for request in panel.requests()} == {"drift"}
    state = RunState()
    for name, doc in run:
        state(name, doc)
    trace = panel.requests()[0].compute(state)
    np.testing.assert_array_equal(trace.transient, spc_trace(seen_by(accumulate(run), "drift")).transient)
    bunches: Any = window.docks["bunches"].widget()
    bunches.choices.offer_gates_of(run[0][1])
    bunches.choices.detector = "far"
    counts = bunches.request().compute(state).counts
    np.testing.assert_array_equal(counts, next(doc["data"]["far_counts"] for _, doc in run[-2:-1]))


def test_a_detector_that_a_run_lacks_gives_way_to_the_first(qtbot: QtBot) -> None:
    choices = Choices(["mode"])
    qtbot.addWidget(choices)
    choices.offer_gates_of(delay_documents()[0][1])
    choices.detector = "far"
    assert (choices.mode, choices.detector) == ("spc", "far")
    with qtbot.waitSignal(choices.changed):
        choices.offer_gates_of(hybrid_run(1)[0][1])
    assert (choices.mode, choices.detector) == ("spc", "")
