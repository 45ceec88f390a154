"""The description of one dock."""

from __future__ import annotations

from dataclasses import dataclass

from qtpy.QtWidgets import QWidget

from gui.types import Side


@dataclass(frozen=True, kw_only=True)
class Dock:
    """A widget for the window. `key` names it in saved layouts; `side` is where it starts.

    Docks of one `group` start in one place, as tabs. A widget that is a `Panel` gets frames; others update themselves.
    """

    key: str
    title: str
    widget: QWidget
    side: Side
    group: str
