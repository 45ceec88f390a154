"""A plot of curves with errors: legend, crosshair, zoom history, export."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from qtpy.QtCore import QEvent, Signal
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from errors import TrxasError
from gui.plots.axis import Quantity
from gui.plots.canvas import Canvas
from gui.plots.crosshair import LARGEST_SHARE, Crosshair
from gui.plots.error_bar_curve import ErrorBarCurve
from gui.plots.export import ExportedCurve, write_picture, write_table
from gui.plots.legend_bar import LegendBar
from gui.plots.scales import LinearScale, Scale
from gui.plots.styles import CurveStyle
from gui.plots.view.history import View
from gui.plots.view.keeper import ViewKeeper
from gui.plots.view.ranges import Range, joint_range
from gui.theme import current_theme


class LinePlot(QWidget):
    """Curves over one abscissa. `set_curve` replaces them; the ranges follow the data until the user zooms.

    `x`, `y`: quantities on the axes; `x_scale`: scale of the abscissa, linear by default. `compact` is for small plots
    among others: the crosshair shows its text in a tool tip, and the abscissa has no label unless `named_x`.

    Signal `chosen(View | None)`: the user has chosen another view; None for all data.
    """

    chosen = Signal(object)

    def __init__(
        self, x: Quantity, y: Quantity, *, x_scale: Scale | None = None, compact: bool = False,
        named_x: bool = False, parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.x_quantity = x
        self.y_quantity = y
        self.remarks: Sequence[str] = ()
        self._scale: Scale = x_scale or LinearScale()
        self._curves: dict[str, ErrorBarCurve] = {}
        self.canvas = Canvas(x, y, x_scale, self)
        self.legend = LegendBar()
        self.views = ViewKeeper(self.canvas.box, self._bounds, self)
        self.crosshair = Crosshair(self.canvas, self._curves, self._x_text)
        # With its parent from the start: a widget without one that is made visible flashes up as its own window.
        self.readout = QLabel(" ", self)
        self.back = self._button("◀", "Back to the previous view", QKeySequence.StandardKey.Back)
        self.forward = self._button("▶", "Forward to the next view", QKeySequence.StandardKey.Forward)
        self.whole = self._button("Whole", "Show all data and follow them (double click)")
        self.save = self._button("Export…", "Write as PNG, SVG, or CSV with errors")
        self._connect()
        self._lay_out(compact=compact)
        self.canvas.bottom.named = named_x or not compact
        self.refresh_buttons()
        self.apply_theme()

    @property
    def curves(self) -> dict[str, ErrorBarCurve]:
        """Curves by name; their arrays have shape (points,), `x` in places along the axis."""
        return dict(self._curves)

    def set_curve(
        self, name: str, x: ArrayLike, y: ArrayLike, sigma: ArrayLike | None = None, *,
        style: CurveStyle, label: str | None = None,
    ) -> None:  # fmt: skip
        """Draw or replace the curve `name`; `x`, `y`, `sigma` have shape (points,) and the units of the axes.

        The arrays are not copied: do not change them afterwards. Call `show_all` after the last curve.
        """
        # A curve is kept and given new points, which costs a tenth of making one: its legend button, its visibility and
        # its error bars stay as the user has left them. Another style makes another curve, as an item cannot change its
        # place among the others.
        curve = self._curves.get(name)
        if curve is not None and curve.style != style:
            self.remove_curve(name)
            curve = None
        if curve is None:
            curve = self._add(name, label or name, style)
        elif label is not None and label != curve.label:
            curve.label = label
            self.legend.relabel(curve)
        curve.set_data(self._scale.to_axis(x), y, sigma)
        self._note_emptiness()

    def remove_curve(self, name: str) -> None:
        """Remove the curve `name`; a name without a curve raises nothing, since curves come and go with the data."""
        curve = self._curves.pop(name, None)
        if curve is not None:
            self.legend.remove(curve)
            self.canvas.box.removeItem(curve)
            self._note_emptiness()

    def retain(self, names: Collection[str]) -> None:
        """Remove all curves except `names`."""
        for name in [name for name in self._curves if name not in names]:
            self.remove_curve(name)

    def show_all(self) -> None:
        """Adapt the ranges to new data, unless the user has zoomed; 6 % of their span stay free at each side."""
        self.views.follow()

    def show_message(self, text: str) -> None:
        """Write `text` across the plot, for example why nothing is drawn."""
        self.canvas.show_message(text)

    def mark(self, word: str) -> None:
        """Dim the curves and write `word` over them; "" restores them."""
        self.canvas.mark(word)

    def export(self, path: Path) -> None:
        """Write the plot as .png, .svg or .csv (with errors).

        Raises InputError for any other suffix, StorageError if the file cannot be written.
        """
        if path.suffix.lower() == ".csv":
            write_table(path, self.x_quantity.column, self._columns(), self.remarks)
        else:
            write_picture(path, self.canvas)

    def follow_x(self, view: View | None) -> None:
        """Show the same part of the abscissa, in its unit, as a plot above or below; None for all data."""
        if view is None:
            self.views.choose(None)
            return
        # Two plots above each other share their abscissa, and each fits its ordinate to the points in it. Without
        # points there the ordinate of the other plot is as good as any.
        self.views.choose(View(view.x, self._bounds(view.x)[1] or view.y))

    def abscissa_near(self, place: float) -> float:
        """Return the abscissa, in its unit, of the measured point nearest to `place`, or else of `place` itself.

        `place` is along the drawn axis; points farther away than 5 % of it are ignored.
        """
        points = [curve.x for curve in self._curves.values() if curve.isVisible() and curve.style.marker]
        places = np.concatenate([*points, np.empty(0)])
        (left, right), _ = self.canvas.box.viewRange()
        if places.size:
            nearest = float(places[np.argmin(np.abs(places - place))])
            place = nearest if abs(nearest - place) <= LARGEST_SHARE * (right - left) else place
        return float(self._scale.from_axis(np.float64(place)))

    def refresh_buttons(self) -> None:
        """Enable the buttons that the history of views allows."""
        history = self.views.history
        self.back.setEnabled(history.can_go_back)
        self.forward.setEnabled(history.can_go_forward)
        self.whole.setEnabled(history.current is not None)

    def apply_theme(self) -> None:
        """Apply the colours and sizes of the theme, in points and pixels."""
        theme = current_theme()
        self.canvas.apply_theme(theme)
        self.legend.apply_theme(theme)
        self.crosshair.lines.apply_theme(theme)
        for curve in self._curves.values():
            curve.apply_theme(theme)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Follow a change of theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "readout"):
            self.apply_theme()

    def _add(self, name: str, label: str, style: CurveStyle) -> ErrorBarCurve:
        curve = self._curves[name] = ErrorBarCurve(label, style)
        curve.apply_theme(current_theme())
        # Points lie over lines: a fit must not hide its data.
        curve.setZValue(1.0 if style.marker else 0.0)
        curve.visibleChanged.connect(self.views.follow)
        self.canvas.box.addItem(curve, ignoreBounds=True)
        self.legend.add(curve)
        return curve

    def _bounds(self, within: Range | None) -> tuple[Range | None, Range | None]:
        shown = [curve for curve in self._curves.values() if curve.isVisible()]
        # If only curves are shown that leave the range to others, as after the others were hidden, they set it.
        scaling = [curve for curve in shown if curve.sets_range] or shown
        y = joint_range(curve.y_bounds(within) for curve in scaling)
        return joint_range(curve.x_bounds() for curve in shown), y

    def _note_emptiness(self) -> None:
        self.canvas.set_empty(empty=not any(curve.x.size for curve in self._curves.values()))

    def _columns(self) -> list[ExportedCurve]:
        shown = [(name, curve) for name, curve in self._curves.items() if curve.isVisible()]
        return [
            ExportedCurve(name=name, x=self._scale.from_axis(curve.x), y=curve.y, sigma=curve.sigma)
            for name, curve in shown
        ]

    def _x_text(self, place: float) -> str:
        return self.x_quantity.text(float(self._scale.from_axis(np.float64(place))))

    def _show_reading(self, text: str) -> None:
        self.readout.setText(text or " ")
        if self.readout.isHidden():
            self.canvas.setToolTip(text)

    def _connect(self) -> None:
        self.back.clicked.connect(self.views.back)
        self.forward.clicked.connect(self.views.forward)
        self.whole.clicked.connect(self.views.reset)
        self.save.clicked.connect(self._ask_export)
        self.views.chosen.connect(self._after_choice)
        self.crosshair.read.connect(self._show_reading)

    def _lay_out(self, *, compact: bool) -> None:
        self.readout.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.readout.setVisible(not compact)
        bar = QHBoxLayout()
        bar.addWidget(self.legend, 1)
        for button in (self.back, self.forward, self.whole, self.save):
            bar.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.setSpacing(2)
        layout.addLayout(bar)
        layout.addWidget(self.canvas, 1)
        if not compact:
            layout.addWidget(self.readout)

    def _button(self, text: str, tip: str, key: QKeySequence.StandardKey | None = None) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setToolTip(tip)
        button.setAutoRaise(True)
        if key is not None:
            button.setToolTip(f"{tip} ({QKeySequence(key).toString()} in the window)")
        return button

    def _after_choice(self, view: View | None) -> None:
        self.refresh_buttons()
        self.chosen.emit(view)

    def _ask_export(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self, "Export the plot", f"{self.y_quantity.column}.csv", "Table (*.csv);;Picture (*.png);;Drawing (*.svg)"
        )
        if name:
            try:
                self.export(Path(name))
            except TrxasError as error:
                self._show_reading(str(error))
