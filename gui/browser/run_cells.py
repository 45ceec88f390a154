"""Texts and pictures of the cells of the list of runs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from uuid import UUID

from qtpy.QtCore import QPointF
from qtpy.QtGui import QColor, QIcon, QPainter, QPen, QPixmap

from gui.browser.search import ListedRun
from gui.plots.legend_bar import style_icon
from gui.plots.styles import CurveStyle
from gui.theme import current_theme
from gui.types import Severity

NIGHT_S = 16 * 3600.0
"""Age up to which a run began "at 23:15", without a date, s."""

SPARKLINE_SIZE = (80, 18)
"""Width and height of a drawn transient, pixels."""

STATUS_SIGNS: Mapping[str, tuple[str, Severity]] = {
    "complete": ("✓", "good"),
    "running": ("▶", "good"),
    "stopped": ("■", "warning"),
    "interrupted": ("▲", "warning"),
    "abort": ("■", "bad"),
    "fail": ("✕", "bad"),
}
"""Shape and severity of each status of a run."""

STATUS_WORDS = {"abort": "aborted", "fail": "failed"}


def status_text(run: ListedRun) -> str:
    """Return shape and word for the status of a run."""
    status = run.summary.status
    return f"{STATUS_SIGNS[status][0]} {STATUS_WORDS.get(status, status)}"


def run_label(run: ListedRun) -> str:
    """Return the name of a run in a legend: "12 CsPbBr3 Br K"."""
    summary = run.summary
    name = summary.uid[:8] if summary.scan_id is None else str(summary.scan_id)
    return " ".join(part for part in (name, summary.sample, summary.edge) if part)


def marker_icon(style: CurveStyle) -> QIcon:
    """Return the marker of a curve on the background of the plot, which is visible on a selected row too."""
    theme = current_theme()
    icon = style_icon(style, theme)
    size = icon.availableSizes()[0]
    pixmap = QPixmap(size)
    pixmap.fill(QColor(theme.base))
    painter = QPainter(pixmap)
    painter.drawPixmap(0, 0, icon.pixmap(size))
    painter.end()
    marker = QIcon(pixmap)
    # Qt would tint the icon of a selected row, and the colour of the marker would no longer be that of the curve.
    marker.addPixmap(pixmap, QIcon.Mode.Selected)
    return marker


def _time_text(time_s: float) -> str:
    then = time.localtime(time_s)
    now = time.localtime()
    # A night goes on after midnight: its hours need no date.
    if then[:3] == now[:3] or 0 <= time.time() - time_s < NIGHT_S:
        return time.strftime("%H:%M", then)
    return time.strftime("%b %d %H:%M" if then.tm_year == now.tm_year else "%Y-%m-%d", then)


def sparkline(values: Sequence[float]) -> QPixmap | None:
    """Return a curve as a small drawing with a line at zero, or None without a curve."""
    if len(values) < 2:
        return None
    theme = current_theme()
    width, height = SPARKLINE_SIZE
    low = min(values)
    span = (max(values) - low) or 1.0
    step = (width - 2) / (len(values) - 1)

    def place(index: float, value: float) -> QPointF:
        return QPointF(1 + index * step, 2 + (height - 4) * (1 - (value - low) / span))

    pixmap = QPixmap(width, height)
    pixmap.fill(QColor(theme.base))
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if low < 0.0 < low + span:
        painter.setPen(QPen(QColor(theme.roles["neutral"]), 0.7))
        painter.drawLine(place(0, 0.0), place(len(values) - 1, 0.0))
    painter.setPen(QPen(QColor(theme.roles["transient"]), 1.4))
    painter.drawPolyline([place(index, value) for index, value in enumerate(values)])
    painter.end()
    return pixmap


def cells_of(run: ListedRun) -> dict[str, str]:
    """Return the cells that the summary and the start document of a run give, by their titles."""
    summary = run.summary
    intended = "?" if summary.points_intended is None else summary.points_intended
    return {
        "": "",
        "Scan": "" if summary.scan_id is None else str(summary.scan_id),
        "Status": status_text(run),
        "Sample": summary.sample,
        "Edge": summary.edge,
        "Plan": summary.plan_name.replace("_", " "),
        "Began": _time_text(summary.time_s),
        "Points": f"{summary.points_done}/{intended}",
        "Series": _series_text(str(run.start.get("series", ""))),
    }


def _series_text(series: str) -> str:
    # A series that nobody has named is a random identifier, as wide as three other columns.
    try:
        return str(UUID(series))[:8]
    except ValueError:
        return series


def tool_tip(run: ListedRun) -> str:
    """Return the uid, the date and the reason of a run, for the tool tip of every cell."""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run.summary.time_s))
    return f"{run.summary.uid}\n{when}\n{run.summary.reason}".strip()
