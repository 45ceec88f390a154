"""The live panels of the window: every subclass of `Panel` in a module of this package, and those of other packages.

A new panel is one new module below `gui/panels/`, or an entry point of the group `trxas.panels` that names the class of
a panel or a module with some; nothing else needs to be edited.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
from types import ModuleType

import gui.panels
from errors import PlugInError
from gui.panels.context import PanelContext
from gui.panels.panel import Panel
from plugins.entry_points import PlugIn, PlugInGroup, load_plug_ins

logger = logging.getLogger("trxas.plugins")


def panel_classes() -> list[type[Panel]]:
    """Return the classes of all panels, sorted by their `position` and then by their `key`.

    Raises ImportError if a module of trxas cannot be imported. A panel of another package that cannot be used is logged
    and left out.
    """
    found: list[type[Panel]] = []
    for info in pkgutil.walk_packages(gui.panels.__path__, f"{gui.panels.__name__}."):
        found += _panels_in(importlib.import_module(info.name))
    # Keys name the docks in saved layouts, so two panels with one key would restore each other's place.
    keys = {panel.key for panel in found}

    def panels_of(plug_in: PlugIn) -> list[type[Panel]]:
        brought = plug_in.load()
        panels = _panels_in(brought) if isinstance(brought, ModuleType) else [brought]
        for panel in panels:
            if not _is_panel(panel):
                raise PlugInError(
                    f"{panel!r} is not a gui.panels.panel.Panel with a title and a key. Name such a class"
                )
            if panel.key in keys:
                raise PlugInError(f"there is a panel with the key {panel.key!r} already. Give it another key")
            keys.add(panel.key)
        return panels

    found += load_plug_ins(PlugInGroup.PANELS, panels_of, lambda panel: panel.key)
    return sorted(found, key=lambda panel: (panel.position, panel.key))


def make_panels(context: PanelContext) -> list[Panel]:
    """Return one panel of each class, in their order; raise ImportError as `panel_classes` does.

    A panel of another package that cannot be made is logged and left out.
    """
    panels: list[Panel] = []
    for panel in panel_classes():
        try:
            panels.append(panel.for_beamline(context))
        except Exception:
            # A defect of trxas must be seen; one of another package costs its own panel.
            if panel.__module__.startswith(f"{gui.panels.__name__}."):
                raise
            logger.exception("The panel %s of %s cannot be made. The window opens without it.", panel.key, panel)
    return panels


def _panels_in(module: ModuleType) -> list[type[Panel]]:
    return [one for one in vars(module).values() if _is_panel(one) and one.__module__ == module.__name__]


def _is_panel(value: object) -> bool:
    # The base class and other abstract ones have no key.
    return isinstance(value, type) and issubclass(value, Panel) and hasattr(value, "key") and hasattr(value, "title")
