"""The description of one dock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qtpy.QtWidgets import QWidget

from gui.types import Side


@dataclass(frozen=True, kw_only=True)
class Dock:
    """A widget for the window, or the function that makes it when first seen. `key` names the dock in saved layouts.

    Docks of one `group` start in one place, as tabs, on one `side`. A widget that is a `Panel` gets frames; others
    update themselves. `run_kinds` names the kinds of runs for which the dock comes to the front.
    """

    key: str
    title: str
    widget: QWidget | Callable[[], QWidget]
    side: Side
    group: str
    run_kinds: tuple[str, ...] = ()
