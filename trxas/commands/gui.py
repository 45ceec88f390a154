"""`trxas gui`: the window."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from errors import ConfigurationError, StorageError
from trxas.configuration_options import BeamlineOptions

if TYPE_CHECKING:
    from qtpy.QtWidgets import QApplication

    from gui.window import MainWindow
    from reduction.powder.diffraction import DetectorGeometry
    from trxas.configuration import Configuration, StorageSettings


@dataclass(frozen=True, kw_only=True)
class GuiOptions(BeamlineOptions):
    """Options of `trxas gui`."""

    layout: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File in which the layout and the theme are saved.")
    ] = None


def run(options: GuiOptions) -> int:
    """Open the window: live transients, stored runs, control.

    Shows what the session or the queue of the data folder measures. It may be opened, closed or killed at any time.
    """
    require_screen()
    require_libraries()
    configuration = options.configuration()
    # The splash screen first: all other imports take seconds.
    from gui.splash import Splash, bare_application, settings_path

    # The order of the start: what cannot work is refused before the slow imports; then the small application and its
    # splash screen; then all slow imports in a thread, while the screen is painted; only then the window, which needs
    # them.
    application = bare_application(options.layout or settings_path())
    reading = functools.partial(read_libraries, configuration.storage)
    splash = Splash(f"trxas\n\nOpening the window on {configuration.storage.root} …", reading)
    splash.wait()
    window = open_window(options, configuration)
    splash.finish(window)
    return _run(application, window, f"Window on {configuration.storage.root}. Close it, or press Ctrl-C here.")


def open_window(options: GuiOptions, configuration: Configuration) -> MainWindow:
    """Return the window of `trxas gui`, not shown yet; raises ConfigurationError if the address list is wrong."""
    from gui.application import make_window
    from gui.panels.context import PanelContext
    from gui.status.monitors import ChannelAccessStatus
    from trxas.channel_access import environment as channel_access
    from trxas.watch.sources import live_feed
    from trxas.window.docks import BrowserAndControlDocks, control_system
    from trxas.window.status_items import status_items

    channel_access.prepare(configuration.beamline.epics)
    items = status_items(configuration)
    source = ChannelAccessStatus(items, control_system(configuration, options.address_list))
    feed = live_feed(configuration.storage.root.resolve())
    parts = BrowserAndControlDocks(configuration, feed)
    return make_window(
        feed,
        beamline=PanelContext(
            items=items,
            source=source,
            geometry=_geometry(configuration),
            techniques=configuration.beamline.techniques,
        ),
        more_docks=parts.docks,
        settings=options.layout,
        closing=[parts.close],
        find_decay=parts.find_decay,
        move=parts.move,
    )


def _run(application: QApplication, window: MainWindow, greeting: str) -> int:
    from qtpy.QtCore import QTimer

    from gui.application import run_window

    # Printed from within the event loop: by then, signals close the window.
    QTimer.singleShot(0, lambda: print(greeting, flush=True))
    return run_window(application, window)


def require_libraries() -> None:
    """Raise ConfigurationError if the system lacks the libraries of Qt; desktops have them, servers often do not."""
    try:
        importlib.import_module("qtpy.QtWidgets")
    except ImportError as error:
        from gui.screen import X11_PACKAGES

        raise ConfigurationError(
            f"Qt cannot be loaded: {error}. On Debian: apt install libegl1 libgl1 libxkbcommon0 libdbus-1-3 "
            f"libfontconfig1 libglib2.0-0 fonts-dejavu-core, and for X11 {X11_PACKAGES}."
        ) from error


def read_libraries(storage: StorageSettings) -> None:
    """Import the slow libraries, off the GUI thread, in the order in which they are needed.

    So is the catalogue if there are runs that have no journal: beside an open window its import would block the window
    for 0.2 to 0.5 s again and again, as loading a library keeps all other threads waiting.
    """
    import gui.application  # noqa: F401
    import trxas.window.docks
    import trxas.window.status_items
    from reduction.scipy_parts import import_scipy_parts

    import_scipy_parts()
    stores = trxas.window.docks.CurrentStore(storage)
    # A folder that cannot be read is reported by the list of runs, in the window.
    with contextlib.suppress(StorageError):
        if stores.needs_catalogue():
            importlib.import_module("storage.catalogue")
    stores.close()


def _geometry(configuration: Configuration) -> DetectorGeometry | None:
    from reduction.powder.diffraction import DetectorGeometry

    detector = configuration.beamline.pilatus
    if detector is None:
        return None
    # Configured to the near edge, reduced from the centre.
    horizontal_m = detector.offset_horizontal_m + detector.columns * detector.pixel_m / 2.0
    offset_m = (horizontal_m, detector.offset_vertical_m)
    return DetectorGeometry(
        distance_m=detector.distance_m,
        offset_m=offset_m,
        pixel_m=detector.pixel_m,
        shape=(detector.rows, detector.columns),
    )


def require_screen() -> None:
    """Raise ConfigurationError where no window can be opened; Qt itself would abort the process."""
    if sys.platform == "linux" and not any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    ):
        raise ConfigurationError(
            "There is no screen: neither DISPLAY nor WAYLAND_DISPLAY is set. Start the window on a machine with a "
            "screen, over `ssh -X`, or with QT_QPA_PLATFORM=offscreen for a test."
        )
