"""An axis with a name and a fixed unit: eV never turns into keV, nor ps into ns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pyqtgraph as pg

from gui.plots.scales import CellScale, LinearScale, Scale
from gui.theme import Theme
from gui.unit_endings import unit_of, without_unit


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A quantity on an axis: its `name` for people, `unit` ("" for a ratio), and `column`, its name in exported tables.

    `number_format`: format of its values in the crosshair.
    """

    name: str
    unit: str = ""
    column: str = "value"
    number_format: str = "{:.6g}"

    @property
    def label(self) -> str:
        """Name with unit: "energy (eV)"; the name alone for a ratio."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    def text(self, value: float) -> str:
        """Return `value`, in the unit of the axis, with that unit: "13470.00 eV"."""
        return f"{self.number_format.format(value)} {self.unit}".rstrip()

    def rounded(self, value: float) -> float:
        """Return `value`, in the unit of the axis, with the digits that `text` shows."""
        return float(self.number_format.format(value))


LONG = 1e6
"""Numbers from here on are written with a power of ten; more digits would overlap with the label."""

TICK_EM = 3.6
"""Room for a tick with its number, in em of the theme's font."""

LETTER_EM = 0.65
"""Width of a digit of a tick, in em of the theme's font."""

ENERGY = Quantity(name="energy", unit="eV", column="energy_ev", number_format="{:.2f}")
DELAY = Quantity(name="delay", unit="ps", column="delay_ps", number_format="{:.1f}")
FLUENCE = Quantity(name="fluence", unit="mJ/cm²", column="fluence_mj_cm2", number_format="{:.3f}")
Q = Quantity(name="scattering vector Q", unit="1/Å", column="q_inv_angstrom", number_format="{:.4f}")
TIME = Quantity(name="time since the start", unit="s", column="time_s", number_format="{:.1f}")

AXES = {quantity.column: quantity for quantity in (ENERGY, DELAY, FLUENCE, Q)}
"""Abscissas of curves, by the event field (or column) that they show."""


def axis_of(column: str) -> Quantity:
    """Return the abscissa of an event field; that of a technique of its own has the words and unit of its name."""
    if column in AXES:
        return AXES[column]
    return Quantity(name=without_unit(column).replace("_", " ") or column, unit=unit_of(column), column=column)


class UnitAxis(pg.AxisItem):
    """The axis of a `Quantity` on a `Scale`; ticks are plain numbers in its unit. `named`: whether the label is shown.

    The axis of a plot without data is `empty` and has no ticks, which would be arbitrary numbers.
    """

    def __init__(self, orientation: str, quantity: Quantity, scale: Scale | None = None) -> None:
        super().__init__(orientation)
        self.quantity = quantity
        self._map = scale or LinearScale()
        self._tick_px = 50.0
        self._step = 1.0
        self.named = True
        self.empty = True
        self.enableAutoSIPrefix(enable=False)
        self.setLabel(quantity.label)
        # The width follows the theme's font, not the tick strings: a plot must not shift sideways with its numbers.
        self.setStyle(autoExpandTextSpace=False, autoReduceTextSpace=False, tickLength=-5)

    def show_quantity(self, quantity: Quantity, scale: Scale) -> None:
        """Show another quantity on another scale, in its own unit, as of another run."""
        self.quantity = quantity
        self._map = scale
        self.labelText = quantity.label
        self.picture = None
        self.resizeEvent()
        self.update()

    def apply_theme(self, theme: Theme, point_px: float) -> None:
        """Apply the colours of `theme` and sizes from its font; a point of the font is `point_px` pixels."""
        em = theme.font_points * point_px
        self.setPen(pg.mkPen(theme.muted))
        self.setTextPen(pg.mkPen(theme.text))
        self.setLabel(self.quantity.label, **{"color": theme.text, "font-size": f"{theme.font_points:g}pt"})
        self.showLabel(show=self.named)
        font = pg.QtGui.QFont()
        font.setPointSizeF(0.9 * theme.font_points)
        self.setTickFont(font)
        self._tick_px = TICK_EM * em
        if self.orientation in ("left", "right"):
            self.setWidth(int(6.6 * em))
            self.setStyle(tickTextWidth=int(4.6 * em))
        else:
            self.setHeight(int((3.0 if self.named else 1.7) * em))
        self.resizeEvent()

    def set_empty(self, *, empty: bool) -> None:
        """Show no ticks if `empty`."""
        if empty != self.empty:
            self.empty = empty
            self.picture = None
            self.update()

    def resizeEvent(self, event: object = None) -> None:  # noqa: N802
        """Shorten the label to its unit, or omit it, if the axis is too short for it, in pixels."""
        # pyqtgraph calls this in its constructor too, before this class has its attributes, hence `hasattr`. The label
        # is rotated: its width is compared with the height of the axis. The texts are tried from the longest to none.
        if self.orientation == "left" and self.label is not None and hasattr(self, "named"):
            quantity = self.quantity
            for text in (quantity.label, quantity.unit or quantity.name, ""):
                self.labelText = text
                self.label.setHtml(self.labelString())
                if self.label.boundingRect().width() <= self.size().height():
                    break
        super().resizeEvent(event)

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, Sequence[float]]]:  # noqa: N802
        """Return ticks as (spacing, places) for `size` pixels: those of the scale that have room, or pyqtgraph's.

        On a linear scale they are those of pyqtgraph without the finest level.
        """
        if self.empty:
            return []
        # Called by pyqtgraph with each change of the view, before `tickStrings`, and by the grid. `_step`, the finest
        # spacing that is shown, decides there how many decimals the numbers need. A scale with ticks of its own gives
        # them in the order of their importance, and the first ones that have room are kept.
        special = self._map.ticks(low, high)
        if special:
            places = [float(place) for place in self._map.to_axis(special)]
            if isinstance(self._map, CellScale):
                return [(1.0, self._every_nth(places, (high - low) / max(size, 1.0)))]
            return [(1.0, _with_room(places, (high - low) * self._tick_px / max(size, 1.0)))]
        found: list[tuple[float, Sequence[float]]] = super().tickValues(low, high, size)
        levels = [(step, values) for step, values in found if len(values)][:2]
        self._step = min((step for step, _ in levels), default=1.0)
        return levels

    def _every_nth(self, cells: Sequence[float], cells_per_px: float) -> list[float]:
        """Return the places of cells whose labels have room, at equal distances."""
        em_px = self._tick_px / TICK_EM
        if self.orientation in ("left", "right"):
            room_px = 1.8 * em_px
        else:
            room_px = (LETTER_EM * max(map(len, self.tickStrings(cells, 1.0, 1.0))) + 0.6) * em_px
        step = max(1, math.ceil(room_px * cells_per_px))
        return [place for place in cells if round(place) % step == 0]

    def tickStrings(self, values: Sequence[float], _scale: float, _spacing: float) -> list[str]:  # noqa: N802
        """Return `values`, of shape (ticks,), as plain numbers, all with the decimals that the finest spacing needs."""
        if isinstance(self._map, CellScale):
            return [f"{value:.7g}" for value in self._map.from_axis(values)]
        if self._map.ticks(*self.range):
            return [_short(float(value)) for value in self._map.from_axis(values)]
        if self._step < 1e-5:
            return [f"{value:.3g}" for value in values]
        largest = max(map(abs, values), default=0.0)
        if largest >= LONG:
            digits = max(0, math.floor(math.log10(largest)) - math.floor(math.log10(self._step) + 1e-9))
            return [_power(value, digits) for value in values]
        places = max(0, -math.floor(math.log10(self._step) + 1e-9))
        return [f"{value:.{places}f}" for value in values]

    def grid_places(self, size_px: float) -> list[float]:
        """Return the places of grid lines, which are the coarsest ticks, for an axis of `size_px` pixels."""
        low, high = self.range
        levels = self.tickValues(low, high, size_px)
        return [float(place) for place in levels[0][1]] if levels else []


def _with_room(places: Sequence[float], distance: float) -> list[float]:
    """Return the places that are at least `distance` from all earlier ones, which are more important."""
    kept: list[float] = []
    for place in places:
        if all(abs(place - other) >= distance for other in kept):
            kept.append(place)
    return sorted(kept)


def _short(value: float) -> str:
    """Return a delay for a logarithmic axis, where 20000 would overlap with its neighbours."""
    return f"{value:.0f}" if abs(value) < 9_999 else _power(value, 0)


def _power(value: float, digits: int) -> str:
    return f"{value:.{digits}e}".replace("e+0", "e").replace("e+", "e")
