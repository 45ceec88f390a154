"""If these fail, a user at the microscope sees another map than the one that is reduced, or stops it too early."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtWidgets import QComboBox

from errors import ReductionError
from gui.browser.comparison import difference
from gui.browser.overlay import DrawnRun, Overlay
from gui.browser.run_curves import CurveChoice, choices_of
from gui.live.feed import QueueFeed
from gui.live.run_state import RunState
from gui.live.worker import LiveWorker
from gui.panels.panel import Panel
from gui.panels.tplm.counting import CountingPanel, counting_rows
from gui.panels.tplm.diffusion import DiffusionPanel
from gui.panels.tplm.photon_map import PhotonMapPanel
from gui.panels.tplm.power import PowerPanel
from gui.panels.tplm.spectra import SpectraPanel, spectrum_rows
from gui.plots.styles import series_style
from gui.requests.tplm.counting import CountingRequest
from gui.requests.tplm.maps import LiveMapRequest, PhotonMapRequest
from gui.requests.tplm.series import MapSeriesRequest
from reduction.kinds import curve_of, reduce_run
from reduction.tplm.results import MapResults
from reduction.tplm.spectrum_results import SpectrumResults
from sim.physics.tplm.sample import load_film
from sim.physics.tplm.setting import Setting
from tests.support.live_runs import delay_run, energy_run
from tests.support.tplm.runs import map_documents
from tests.support.tplm.spectra import spectrum_documents
from tests.support.types import Documents
from tests.support.waiting import WAIT_MS

FILM = load_film()


@pytest.fixture(scope="module")
def one_map() -> Documents:
    """A bright map at 40 MHz, whose histograms are short."""
    return map_documents(FILM, Setting(power_nw=20.0, repetition_rate_mhz=40.0), np.random.default_rng(6))


@pytest.fixture
def shown(qtbot: QtBot) -> Iterator[Callable[..., Any]]:
    """Shows documents in a panel, and returns it when all is answered."""
    workers = []

    def show(panel: Panel, documents: Documents) -> Panel:
        feed = QueueFeed("test")
        worker = LiveWorker(feed)
        workers.append(worker)
        qtbot.addWidget(panel)
        worker.want(panel, panel.requests())
        worker.start()
        for name, doc in documents:
            feed.put(name, doc)
        events = sum(name == "event" for name, _ in documents)

        def answered() -> bool:
            answers = [worker.frame.answer(request) for request in panel.requests()]
            return all(answer is not None and answer.events == events for answer in answers)

        qtbot.waitUntil(answered, timeout=WAIT_MS)
        panel.show_frame(worker.frame)
        return panel

    yield show
    for worker in workers:
        worker.stop()


def state_of(documents: Documents) -> RunState:
    state = RunState()
    for name, doc in documents:
        state(name, doc)
    return state


def test_the_map_grows_row_by_row_and_shows_its_gaussian(shown: Callable[..., Any], one_map: Documents) -> None:
    panel = shown(PhotonMapPanel(), one_map[:14])
    assert panel.chosen.text() == "profile at 0.11 ns", "not at a delay before the pulse"
    values = panel.map.values
    assert values.shape[0] == 31, "a row for every planned place"
    assert np.isfinite(values).all(axis=1).sum() == 12
    panel.normalised.setChecked(True)
    top = np.nanmax(panel.map.values, axis=0)
    assert top == pytest.approx(1.0)
    panel.delay.setValue(12)
    assert panel.chosen.text() == "profile at 0.31 ns"
    assert set(panel.profile.curves) == {"profile", "gaussian"}
    measured, curve = panel.profile.curves["profile"], panel.profile.curves["gaussian"]
    top = measured.y.max()
    assert curve.y.max() == pytest.approx(top, rel=0.05)
    assert panel.map.text_at(1, 0).endswith("not measured yet")
    assert panel.map.text_at(0, 20).endswith("of the brightest place")


def test_diffusion_is_that_of_the_reduction(shown: Callable[..., Any], one_map: Documents) -> None:
    panel = shown(DiffusionPanel(), one_map)
    results = reduce_run(one_map)
    assert isinstance(results, MapResults)
    points = panel.displacement.curves["points"]
    assert results.widths is not None
    np.testing.assert_allclose(points.sigma, results.widths.sigma_nm2)
    assert set(panel.displacement.curves) == {"points", "map", "line"}
    assert set(panel.decay.curves) == {"light", "tail", "lifetime"}
    texts = [panel.table.text(row, 0) for row in range(panel.table.rowCount())]
    assert "diffusivity" in texts
    assert "error at the end of the map" not in texts, "the map is complete"


def test_the_error_at_the_end_is_forecast(one_map: Documents) -> None:
    """Lost: a user continues although the error is reached, or stops too early."""
    half = LiveMapRequest().compute(state_of(one_map[:20]))
    end = LiveMapRequest().compute(state_of(one_map))
    assert end.expected is None
    assert half.expected == pytest.approx(end.results.diffusivity_cm2_s.sigma, rel=0.1)
    assert half.results.diffusivity_cm2_s.sigma > 1.1 * end.results.diffusivity_cm2_s.sigma
    assert (half.measured, half.planned) == (18, 35)


def test_a_series_shows_relaxation_and_attribution(shown: Callable[..., Any]) -> None:
    rng = np.random.default_rng(9)
    documents: Documents = []
    for number, (power, rate) in enumerate(((1.0, 40.0), (5.0, 40.0), (5.0, 20.0), (10.0, 40.0), (25.0, 40.0))):
        setting = Setting(power_nw=power, repetition_rate_mhz=rate)
        one = map_documents(FILM, setting, rng, series="night", uid=f"map {number}")
        documents += one
    last = documents[-38:]
    state = state_of(documents)
    series = MapSeriesRequest().compute(state)
    assert len(series.maps) == 5
    assert series.laws is not None
    assert series.laws.exponential.tau_us.value == pytest.approx(6.0, abs=1.5)
    assert series.attribution is not None
    assert series.attribution.is_power_alone
    panel = shown(PowerPanel(), last)
    assert set(panel.power.curves) == {"maps"}
    panel.show_answer(series)
    assert set(panel.power.curves) == {"maps", "law"}
    rows = {panel.table.text(row, 0): panel.table.text(row, 1) for row in range(panel.table.rowCount())}
    assert "b (0: power alone)" in rows
    assert rows["D depends on"] == "the power alone"


def test_counting_warns_of_full_channels_and_pile_up(shown: Callable[..., Any], one_map: Documents) -> None:
    panel = shown(CountingPanel(), one_map)
    assert panel.rate.curves["exposures"].y.size == 35
    found = CountingRequest().compute(state_of(one_map))
    assert found.pile_up_percent.max() < 1
    assert "20 nW, 40 MHz" in [panel.table.text(row, 1) for row in range(panel.table.rowCount())]
    full = counting_rows(type(found)(**(vars(found) | {"highest": np.array([65_535.0])})))
    assert "MEASURE SHORTER" in full[1][1][0]


def test_the_profile_lies_on_its_fit_although_the_image_drifts(shown: Callable[..., Any], one_map: Documents) -> None:
    panel = shown(PhotonMapPanel(), one_map)
    panel.delay.setValue(30)
    profile = panel.profile.curves["profile"]
    fit = panel.profile.curves["gaussian"]
    rest = (profile.y - np.interp(profile.x, fit.x, fit.y)) / profile.sigma
    assert (rest**2).mean() < 2.5


def test_the_browser_draws_maps_and_their_difference(qtbot: QtBot, one_map: Documents) -> None:
    """Lost: a stored map that cannot be looked at, because its axis is not one of X-ray absorption."""
    curve = curve_of(one_map)
    overlay = Overlay()
    qtbot.addWidget(overlay)
    runs = [DrawnRun(uid=uid, label=uid, style=series_style(n), curve=curve) for n, uid in enumerate(("one", "two"))]
    overlay.show_runs(runs)
    assert overlay.plot is not None
    assert set(overlay.plot.curves) == {"one", "two"}
    assert overlay.plot.x_quantity.label == "delay (ns)"
    moved = difference(curve, replace(curve, x=curve.x + 0.002))
    assert moved.x.size == curve.x.size
    assert moved.y == pytest.approx(0.0)
    with pytest.raises(ReductionError, match=r"within 0\.01"):
        difference(curve, replace(curve, x=curve.x + 0.03))


def test_other_runs_are_refused_in_words(energy_run: Documents) -> None:
    state = state_of(energy_run)
    for request in (PhotonMapRequest(), LiveMapRequest(), MapSeriesRequest(), CountingRequest()):
        with pytest.raises(ReductionError, match="panel cannot show"):
            request.compute(state)


def test_spectra_show_their_shape_and_mark_a_shift_with_the_power(shown: Callable[..., Any]) -> None:
    """Lost: that excitons interact, which shows in the spectra first."""
    settings = [Setting(power_nw=power, repetition_rate_mhz=2.5) for power in (0.5, 2.0, 20.0)]
    panel = shown(SpectraPanel(), spectrum_documents(FILM, settings, np.random.default_rng(3)))
    assert panel.light.curves["yield"].y == pytest.approx([1, 1, 1], abs=0.05)
    assert set(panel.shape.curves) == {"first", "latest"}
    assert 0.9 < np.max(panel.shape.curves["latest"].y) < 1.1
    shifting = replace(FILM, spectrum=replace(FILM.spectrum, shift_mev_decade=3.0))
    found = reduce_run(spectrum_documents(shifting, settings, np.random.default_rng(3)))
    assert isinstance(found, SpectrumResults)
    marked = [str(row) for row in spectrum_rows(found) if "SHIFTS" in str(row)]
    assert len(marked) == 1


def test_list_of_runs_offers_a_map_no_probe_and_no_reference(one_map: Documents, qtbot: QtBot) -> None:
    spectrum, map_start = energy_run()[0][1], one_map[0][1]
    overlay = Overlay()
    qtbot.addWidget(overlay)
    overlay.part.setCurrentText("Pumped")
    boxes: dict[str, Any] = {
        name: overlay.findChild(QComboBox, name) for name in ("part", "mode", "probe", "reference")
    }
    overlay.offer(choices_of([map_start]))
    assert [name for name, box in boxes.items() if not box.isHidden()] == []
    assert overlay.choice == CurveChoice(), "what is hidden must not decide"
    overlay.offer(choices_of([delay_run()[0][1]]))
    assert [name for name, box in boxes.items() if not box.isHidden()] == ["part", "probe", "reference"]
    overlay.offer(choices_of([map_start, spectrum]))
    assert [name for name, box in boxes.items() if not box.isHidden()] == list(boxes)
    assert boxes["mode"].findText("Boxcar") >= 0
