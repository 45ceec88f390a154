"""Themes for light, dark and control room: palette, font size, and colours of curves and states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qtpy.QtCore import QCoreApplication
from qtpy.QtGui import QColor, QFont, QPalette

from gui.palette import BLUE, ROLES_ON_BLACK, ROLES_ON_WHITE, SERIES_ON_BLACK, SERIES_ON_WHITE
from gui.types import Severity

if TYPE_CHECKING:
    from qtpy.QtWidgets import QApplication


@dataclass(frozen=True, kw_only=True)
class Theme:
    """A theme of the window; colours as #rrggbb.

    `field`: borders of input fields. `roles`: colour of each kind of curve; `series`: colours of overlaid runs in their
    order; `good`, `warning`, `bad`, `unknown`: colours of states, which always have a word and a shape too. `scale`
    multiplies line widths and markers.
    """

    name: str
    window: str
    base: str
    text: str
    muted: str
    line: str
    field: str
    highlight: str
    roles: Mapping[str, str]
    series: tuple[str, ...]
    good: str
    warning: str
    bad: str
    unknown: str
    font_points: float
    scale: float = 1.0

    def state_colour(self, severity: Severity) -> str:
        """Return the colour of a state, #rrggbb."""
        return {"good": self.good, "warning": self.warning, "bad": self.bad}.get(severity, self.unknown)


LIGHT = Theme(
    name="light",
    window="#F2F2F0",
    base="#FFFFFF",
    text="#1A1A1A",
    muted="#5C5C5C",
    line="#DADADA",
    field="#9C9C9C",
    highlight=BLUE,
    roles=ROLES_ON_WHITE,
    series=SERIES_ON_WHITE,
    good="#00755A",
    warning="#A85A00",
    bad="#B3261E",
    unknown="#6A6A6A",
    font_points=10.0,
)
"""Dark on white: the default, and best for screenshots in a logbook."""

DARK = Theme(
    name="dark",
    window="#23272B",
    base="#17191C",
    text="#E8E8E8",
    muted="#A6A6A6",
    line="#3A3F44",
    field="#737A81",
    highlight="#2B7FB8",
    roles=ROLES_ON_BLACK,
    series=SERIES_ON_BLACK,
    good="#4FC9A0",
    warning="#F0A030",
    bad="#FF7A70",
    unknown="#A6A6A6",
    font_points=10.0,
)
"""Light on dark, for a dim hutch."""

CONTROL_ROOM = Theme(
    name="control room",
    window="#000000",
    base="#000000",
    text="#FFFFFF",
    muted="#CFCFCF",
    line="#3C3C3C",
    field="#8C8C8C",
    highlight="#2B7FB8",
    roles=ROLES_ON_BLACK,
    series=SERIES_ON_BLACK,
    good="#5FE0B5",
    warning="#FFB84D",
    bad="#FF8A80",
    unknown="#CFCFCF",
    font_points=17.0,
    scale=1.8,
)
"""Large on black, readable from 3 m: 17 points are 8 mm on a 24 inch screen at 96 dpi, about 7 arc minutes."""

THEMES = {theme.name: theme for theme in (LIGHT, DARK, CONTROL_ROOM)}

_APPLIED = "trxas_theme"


def current_theme() -> Theme:
    """Return the theme in use; widgets that paint themselves ask for it when their palette changes."""
    application = QCoreApplication.instance()
    return LIGHT if application is None else THEMES.get(str(application.property(_APPLIED)), LIGHT)


def apply_theme(application: QApplication, theme: Theme) -> None:
    """Change the theme of the whole application; the current theme is not applied again, because that takes time."""
    if application.property(_APPLIED) == theme.name:
        return
    # In this order: widgets that paint themselves ask `current_theme` as soon as Qt notifies them of a new palette, so
    # the name must be there before. The style sheet comes last, because it overrides fonts and palette of the widgets
    # that it names; but widgets that exist before the first style sheet keep the font that they have when it is set, so
    # the first one is set twice.
    application.setProperty(_APPLIED, theme.name)
    application.setStyle("Fusion")
    if not application.styleSheet():
        application.setStyleSheet(_style_sheet(theme))
    font = QFont(application.font())
    font.setPointSizeF(theme.font_points)
    application.setFont(font)
    application.setPalette(palette_of(theme))
    application.setStyleSheet(_style_sheet(theme))


def palette_of(theme: Theme) -> QPalette:
    """Return Qt's palette of `theme`."""
    role = QPalette.ColorRole
    palette = QPalette()
    colours = {
        role.Window: theme.window,
        role.Base: theme.base,
        role.AlternateBase: theme.window,
        role.Button: theme.window,
        role.ToolTipBase: theme.base,
        role.WindowText: theme.text,
        role.Text: theme.text,
        role.ButtonText: theme.text,
        role.ToolTipText: theme.text,
        role.PlaceholderText: theme.muted,
        role.Highlight: theme.highlight,
        role.HighlightedText: "#FFFFFF",
        role.Link: theme.highlight,
        role.Mid: theme.line,
    }
    for key, colour in colours.items():
        palette.setColor(key, QColor(colour))
    for key in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, key, QColor(theme.muted))
    return palette


def _style_sheet(theme: Theme) -> str:
    return (
        f"QToolTip {{ color: {theme.text}; background: {theme.base}; border: 1px solid {theme.muted}; }}"
        f"#dock_title {{ background: {theme.line}; }}"
        f"QLineEdit, QPlainTextEdit {{ border: 1px solid {theme.field}; border-radius: 2px; }}"
        f"QLineEdit:focus {{ border-color: {theme.highlight}; }}"
        "QLineEdit { padding: 2px; }"
        "QAbstractSpinBox QLineEdit, QComboBox QLineEdit { border: none; padding: 0px; }"
        "QToolButton { padding: 1px 4px; }"
        # Qt draws the box in a darker shade of the window, but black has none. Points are not allowed here.
        f"QCheckBox::indicator {{ width: {round(theme.font_points)}px; height: {round(theme.font_points)}px;"
        f" border: 1px solid {theme.field}; background: {theme.base}; }}"
        f"QCheckBox::indicator:checked {{ background: {theme.highlight}; }}"
    )
