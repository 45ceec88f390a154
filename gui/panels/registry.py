"""The live panels of the window: every subclass of `Panel` in a module of this package.

A new panel is one new module below `gui/panels/`; nothing else needs to be edited.
"""

from __future__ import annotations

import importlib
import pkgutil

import gui.panels
from gui.panels.context import PanelContext
from gui.panels.panel import Panel


def panel_classes() -> list[type[Panel]]:
    """Return the classes of all panels, sorted by their `position` and then by their `key`.

    Raises ImportError if a module of a panel cannot be imported.
    """
    found: list[type[Panel]] = []
    for info in pkgutil.walk_packages(gui.panels.__path__, f"{gui.panels.__name__}."):
        module = importlib.import_module(info.name)
        found += [one for one in vars(module).values() if _is_panel(one) and one.__module__ == info.name]
    return sorted(found, key=lambda panel: (panel.position, panel.key))


def make_panels(context: PanelContext) -> list[Panel]:
    """Return one panel of each class, in their order. Raises ImportError as `panel_classes` does."""
    return [panel.for_beamline(context) for panel in panel_classes()]


def _is_panel(value: object) -> bool:
    # The base class and other abstract ones have no key.
    return isinstance(value, type) and issubclass(value, Panel) and hasattr(value, "key")
