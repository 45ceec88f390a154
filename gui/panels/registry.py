"""The live panels of the window: every subclass of `Panel` in a module of this package, and those of other packages.

A new panel is one new module below `gui/panels/`, or an entry point of the group `trxas.panels` that names the class of
a panel or a module with some; nothing else needs to be edited.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Callable, Sequence
from functools import partial
from types import ModuleType

import gui.panels
from errors import PlugInError
from gui.docking.dock import Dock
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
        """Return the panels of a plug-in; raises PlugInError for what cannot be a panel and for a taken key."""
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


def panel_docks(context: PanelContext, prepare: Callable[[Panel], object] = lambda _: None) -> list[Dock]:
    """Return a dock for one panel of each class, in their order; raise ImportError as `panel_classes` does.

    Panels of techniques that the beamline does not have are left out.
    `prepare` is called with each panel when it is made. A panel of another package that cannot be made is logged and
    left out.
    """
    docks: list[Dock] = []
    for panel in (one for one in panel_classes() if not _is_foreign(one, context.techniques)):
        make = partial(_made, panel, context, prepare)
        try:
            # Whether a panel of another package can be made must be known before it has a dock.
            docks.append(_dock(panel, make if _is_own(panel) and not panel.made_at_once else make()))
        except Exception:
            # A defect of trxas must be seen; one of another package costs its own panel.
            if _is_own(panel):
                raise
            logger.exception("The panel %s of %s cannot be made. The window opens without it.", panel.key, panel)
    return docks


def _made(panel: type[Panel], context: PanelContext, prepare: Callable[[Panel], object]) -> Panel:
    made = panel.for_beamline(context)
    prepare(made)
    return made


def _dock(panel: type[Panel], widget: Panel | Callable[[], Panel]) -> Dock:
    return Dock(
        key=panel.key,
        title=panel.title,
        widget=widget,
        side=panel.side,
        group=panel.group,
        run_kinds=panel.run_kinds,
    )


def _is_own(panel: type[Panel]) -> bool:
    return panel.__module__.startswith(f"{gui.panels.__name__}.")


def _is_foreign(panel: type[Panel], techniques: Sequence[str]) -> bool:
    """Return whether a panel is of a technique, a folder of this package, that is not among `techniques`."""
    folder = panel.__module__.removeprefix(f"{gui.panels.__name__}.").partition(".")
    return bool(techniques) and _is_own(panel) and bool(folder[1]) and folder[0] not in techniques


def _panels_in(module: ModuleType) -> list[type[Panel]]:
    return [one for one in vars(module).values() if _is_panel(one) and one.__module__ == module.__name__]


def _is_panel(value: object) -> bool:
    # The base class and other abstract ones have no key.
    return isinstance(value, type) and issubclass(value, Panel) and hasattr(value, "key") and hasattr(value, "title")
