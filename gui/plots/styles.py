"""Styles of curves. Colour goes with line style or marker, so that none of them carries a meaning alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QPen

from gui.theme import Theme

Marker = Literal["", "circle", "square", "diamond", "triangle", "cross", "plus"]
Line = Literal["", "solid", "dashed", "dotted"]

MARKERS: tuple[Marker, ...] = ("circle", "square", "diamond", "triangle", "cross", "plus")

_PEN_STYLES = {"solid": Qt.PenStyle.SolidLine, "dashed": Qt.PenStyle.DashLine, "dotted": Qt.PenStyle.DotLine}

DASHES: dict[str, tuple[float, float]] = {"dashed": (4.0, 2.0), "dotted": (1.0, 2.0)}
"""Lengths of a dash and of the space behind it, in widths of the line, as those of Qt's pens."""


@dataclass(frozen=True, kw_only=True)
class CurveStyle:
    """The style of a curve. `role`: a key of `Theme.roles`, or "series 0", "series 1", ... for overlaid runs.

    `width_px` and `marker_px` are for a theme of scale 1. `bars`: whether error bars are drawn at first.
    """

    role: str
    line: Line = "solid"
    marker: Marker = ""
    width_px: float = 1.5
    marker_px: float = 6.0
    bars: bool = True

    def colour(self, theme: Theme) -> QColor:
        """Return the colour of the curve in `theme`. Raises KeyError for a role that the theme lacks."""
        if self.role.startswith("series "):
            return QColor(theme.series[int(self.role.split()[1]) % len(theme.series)])
        return QColor(theme.roles[self.role])

    def pen(self, theme: Theme) -> QPen:
        """Return the pen for the line in `theme`, as wide as `width_px` times its scale, pixels."""
        pen = QPen(self.colour(theme), self.width_px * theme.scale)
        pen.setStyle(_PEN_STYLES.get(self.line, Qt.PenStyle.SolidLine))
        return pen


OFF = CurveStyle(role="off", bars=False)
ON = CurveStyle(role="on", line="dashed", bars=False)
TRANSIENT = CurveStyle(role="transient", line="", marker="circle")
FIT = CurveStyle(role="fit", width_px=2.0)


def series_style(index: int, *, line: Line = "", bars: bool = True) -> CurveStyle:
    """Return the style of run number `index` of several, counted from 0.

    Colours and markers repeat with different periods, so that 12 runs can be distinguished.
    """
    return CurveStyle(role=f"series {index}", line=line, marker=MARKERS[index % len(MARKERS)], bars=bars)
