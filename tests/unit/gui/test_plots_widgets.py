"""If these fail, a user cannot read, zoom, hide or export a plot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtWidgets import QApplication

from errors import InputError, StorageError
from gui.plots.axis import DELAY, ENERGY, Quantity
from gui.plots.image_plot import ImagePlot, log_levels
from gui.plots.line_plot import LinePlot
from gui.plots.scales import DelayScale
from gui.plots.styles import MARKERS, OFF, TRANSIENT, CurveStyle, series_style
from gui.plots.view.history import View
from gui.theme import DARK, LIGHT, apply_theme
from tests.support.waiting import WAIT_MS

ENERGIES = np.linspace(13_450.0, 13_570.0, 61)
VALUES = 0.02 * np.sin(ENERGIES / 7.0)
SIGMA = np.full(ENERGIES.size, 0.001)


@pytest.fixture
def plot(qtbot: QtBot) -> LinePlot:
    widget = LinePlot(ENERGY, Quantity(name="difference"))
    qtbot.addWidget(widget)
    widget.resize(700, 420)
    widget.set_curve("transient", ENERGIES, VALUES, SIGMA, style=TRANSIENT, label="pumped - unpumped")
    widget.set_curve("off", ENERGIES, VALUES / 2, SIGMA, style=OFF)
    widget.show_all()
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def test_a_curve_that_leaves_the_range_to_others_may_leave_the_plot(plot: LinePlot) -> None:
    """Lost: the spectrum of a lifetime that is known, a line beside those of two that are not."""
    plot.set_curve("huge", ENERGIES, 1000.0 * VALUES, SIGMA, style=series_style(3))
    plot.curves["huge"].sets_range = False
    plot.show_all()
    assert plot.canvas.box.viewRange()[1][1] < 0.1
    for name in ("transient", "off"):
        plot.remove_curve(name)
    plot.show_all()
    assert plot.canvas.box.viewRange()[1][1] > 10.0


def inked(plot: LinePlot, colour: str) -> int:
    """Pixels of about that colour."""
    image = plot.canvas.grab().toImage().convertToFormat(plot.canvas.grab().toImage().Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), dtype=np.uint8).reshape(image.height(), image.width(), 4)[..., 2::-1]
    wanted = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)])
    return int((np.abs(pixels.astype(int) - wanted).max(axis=2) < 12).sum())


def test_energies_stay_in_ev(plot: LinePlot) -> None:
    """If this fails, 13472 eV is shown as 13.472 (x1e3) or keV, and values are misread."""
    axis = plot.canvas.bottom
    low, high = axis.range
    strings = [text for _, values in axis.tickValues(low, high, 600) for text in axis.tickStrings(values, 1.0, 20.0)]
    assert "13480" in strings
    assert "(eV)" in axis.labelString()
    assert "keV" not in axis.labelString()


def test_a_plot_without_data_shows_no_numbers_and_reports_it(plot: LinePlot) -> None:
    """Ticks from 0 to 1 under nothing look like a measurement."""

    def numbers() -> list[float]:
        axes: tuple[Any, Any] = (plot.canvas.bottom, plot.canvas.left)
        return [value for axis in axes for _, values in axis.tickValues(*axis.range, 600) for value in values]

    def said() -> str:
        message = plot.canvas._message
        return str(message.text()) if not message.isHidden() else ""

    assert numbers()
    assert said() == ""
    plot.retain(())
    assert numbers() == []
    assert plot.canvas.left.grid_places(400.0) == []
    assert said() == "No data yet."
    plot.mark("DISCONNECTED")
    assert said() == "", "one word over another, in a low plot"
    plot.mark("")
    assert said() == "No data yet."
    plot.show_message("This run scans the delay.")
    assert said() == "This run scans the delay."
    plot.show_message("")
    plot.set_curve("trace", [1.0, 2.0], [0.0, 1.0], style=TRANSIENT)
    assert numbers()
    assert said() == ""


def test_the_crosshair_reads_value_and_error(plot: LinePlot) -> None:
    """If this fails, what people write into the logbook is not what was measured."""
    text = plot.crosshair.read_at(float(ENERGIES[20]) + 0.3, float(VALUES[20]))
    assert text.startswith(f"{ENERGIES[20]:.2f} eV")
    assert f"pumped - unpumped: {VALUES[20]:.4f} ± 0.0010" in text


def test_the_mouse_moves_the_crosshair(plot: LinePlot, qtbot: QtBot) -> None:
    scene = plot.canvas.box.mapViewToScene(QPointF(float(ENERGIES[30]), float(VALUES[30])))
    qtbot.mouseMove(plot.canvas.viewport(), plot.canvas.mapFromScene(scene))
    qtbot.waitUntil(lambda: f"{ENERGIES[30]:.2f} eV" in plot.readout.text(), timeout=WAIT_MS)


def test_far_from_every_point_nothing_is_read(plot: LinePlot) -> None:
    assert plot.crosshair.read_at(13_700.0, 0.0) == ""


def test_on_a_delay_axis_delays_are_read(qtbot: QtBot) -> None:
    plot = LinePlot(DELAY, Quantity(name="difference"), x_scale=DelayScale())
    qtbot.addWidget(plot)
    plot.set_curve("trace", [-100.0, 10_000.0], [0.0, 1.0], [0.1, 0.1], style=TRANSIENT)
    plot.show_all()
    place = float(DelayScale().to_axis(10_000.0))
    assert plot.crosshair.read_at(place, 1.0).startswith("10000.0 ps")


def test_zoom_is_remembered_and_the_whole_comes_back(plot: LinePlot, qtbot: QtBot) -> None:
    """If this fails, one zooms in and never finds the way back, or new data throw one out."""
    whole = plot.canvas.box.viewRange()
    near = View((13_465.0, 13_475.0), (-0.01, 0.01))
    plot.views.choose(near)
    plot.set_curve("transient", ENERGIES, 5 * VALUES, SIGMA, style=TRANSIENT)
    plot.show_all()
    assert plot.canvas.box.viewRange()[0] == pytest.approx(near.x)
    qtbot.mouseClick(plot.back, Qt.MouseButton.LeftButton)
    assert plot.canvas.box.viewRange()[0] == pytest.approx(whole[0])
    qtbot.mouseClick(plot.forward, Qt.MouseButton.LeftButton)
    assert plot.canvas.box.viewRange()[0] == pytest.approx(near.x)
    qtbot.mouseClick(plot.whole, Qt.MouseButton.LeftButton)
    assert plot.canvas.box.viewRange()[0] == pytest.approx(whole[0])


def test_dragging_a_rectangle_is_a_choice(plot: LinePlot, qtbot: QtBot) -> None:
    viewport = plot.canvas.viewport()
    corner = plot.canvas.mapFromScene(plot.canvas.box.mapViewToScene(QPointF(13_470.0, 0.01)))
    opposite = plot.canvas.mapFromScene(plot.canvas.box.mapViewToScene(QPointF(13_500.0, -0.01)))
    left = Qt.MouseButton.LeftButton
    qtbot.mousePress(viewport, left, pos=corner)
    qtbot.mouseMove(viewport, corner + QPoint(15, 15))
    qtbot.mouseMove(viewport, opposite)
    qtbot.mouseRelease(viewport, left, pos=opposite)
    qtbot.waitUntil(lambda: plot.views.history.current is not None, timeout=WAIT_MS)
    low, high = plot.canvas.box.viewRange()[0]
    assert (low, high) == (pytest.approx(13_470.0, abs=1.0), pytest.approx(13_500.0, abs=1.0))


def test_error_bars_are_switched_per_curve(plot: LinePlot) -> None:
    curve = plot.curves["transient"]
    with_bars = inked(plot, LIGHT.roles["transient"])
    plot.legend.button(curve).bars.setChecked(False)
    assert inked(plot, LIGHT.roles["transient"]) < with_bars
    assert not plot.curves["off"].bars_shown


def test_a_curve_is_hidden_by_its_button(plot: LinePlot, qtbot: QtBot) -> None:
    assert inked(plot, LIGHT.roles["off"]) > 50
    plot.legend.button(plot.curves["off"]).click()
    assert inked(plot, LIGHT.roles["off"]) == 0


@pytest.mark.parametrize("marker", MARKERS)
def test_every_marker_is_drawn(plot: LinePlot, marker: str) -> None:
    plot.retain(())
    plot.set_curve("run", ENERGIES, VALUES, style=CurveStyle(role="on", line="", marker=marker, bars=False))  # type: ignore[arg-type]
    plot.show_all()
    assert inked(plot, LIGHT.roles["on"]) > ENERGIES.size


def test_points_that_are_not_finite_leave_a_gap(plot: LinePlot) -> None:
    """If this fails, a point without a value ends the whole plot."""
    broken = VALUES.copy()
    broken[[0, 10, 11]] = np.nan
    for style in (OFF, TRANSIENT, series_style(2)):
        plot.set_curve("broken", ENERGIES, broken, SIGMA, style=style)
        plot.show_all()
        assert not plot.canvas.grab().isNull()


def test_what_is_not_live_is_marked(plot: LinePlot) -> None:
    bright = inked(plot, LIGHT.roles["transient"])
    plot.mark("STALE")
    assert inked(plot, LIGHT.roles["transient"]) < bright / 2
    plot.mark("")
    assert inked(plot, LIGHT.roles["transient"]) == bright


def test_a_table_is_what_is_shown(plot: LinePlot, tmp_path: Path) -> None:
    plot.remarks = ["run abc"]
    plot.export(tmp_path / "plot.csv")
    table = np.loadtxt(tmp_path / "plot.csv", delimiter=",", skiprows=2)
    assert (np.array([ENERGIES, VALUES, SIGMA, VALUES / 2, SIGMA]) == table.T).all()


def test_pictures_and_drawings_are_written(plot: LinePlot, tmp_path: Path) -> None:
    plot.export(tmp_path / "plot.png")
    plot.export(tmp_path / "plot.svg")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    drawing = (tmp_path / "plot.svg").read_text()
    assert "<svg" in drawing
    assert LIGHT.roles["transient"].lower() in drawing.lower()


def test_what_cannot_be_exported_reports_why(plot: LinePlot, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.png, \.svg or \.csv"):
        plot.export(tmp_path / "plot.pdf")
    for name in ("plot.png", "plot.svg"):
        with pytest.raises(StorageError, match="Choose another folder"):
            plot.export(tmp_path / "missing" / name)


def test_a_change_of_theme_recolours(plot: LinePlot, qapp: QApplication) -> None:
    apply_theme(qapp, DARK)
    assert inked(plot, DARK.roles["transient"]) > 50
    assert inked(plot, DARK.base) > 10_000


def test_images_are_logarithmic_and_hold_bad_pixels() -> None:
    image = np.array([[0.0, 9.0], [99.0, -1.0], [np.nan, 99.0]])
    levels = log_levels(image)
    assert levels[1, 0] == 255
    assert levels[0, 1] == int(255 * np.log(10) / np.log(100))
    assert levels[1, 1] == levels[2, 0] == levels[0, 0] == 0


def test_region_and_masks_are_pixels_of_the_image(qtbot: QtBot) -> None:
    plot = ImagePlot()
    qtbot.addWidget(plot)
    plot.show_image(np.ones((195, 487)))
    assert plot.region is None
    with qtbot.waitSignal(plot.region_changed):
        qtbot.mouseClick(plot.use_region, Qt.MouseButton.LeftButton)
    assert plot.region == (50, 100, 60, 120)
    plot.add_mask()
    assert plot.masked == ((50, 100, 60, 120),)
    plot.clear_masks()
    assert len(plot.masked) == 0
