"""`trxas gui`: the window."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

from errors import ConfigurationError
from trxas.commands.options import Subparsers, add_configuration_options, configuration_from
from trxas.configuration import Configuration


def add_parser(subparsers: Subparsers) -> None:
    """Add `trxas gui`."""
    parser = subparsers.add_parser("gui", help="open the window: live transients, stored runs, control")
    add_configuration_options(parser)
    parser.add_argument("--layout", type=Path, help="file that remembers layout and look")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Open the window on whoever serves the data folder, and keep it until it is closed."""
    require_screen()
    configuration = configuration_from(options)
    from gui.application import make_application, make_window, run_window
    from reduction.diffraction import DetectorGeometry
    from trxas import channel_access
    from trxas.serve.state_file import read_state
    from trxas.window_items import status_items
    from trxas.window_parts import WindowParts, live_feed

    state = read_state(configuration.storage.root.resolve())
    if state is not None and options.address_list is None:
        configuration = _with_addresses(configuration, state.epics)
    channel_access.prepare(configuration.beamline.epics)
    application = make_application()
    feed = live_feed(configuration)
    parts = WindowParts(configuration, feed, state)
    geometry = None
    if (detector := configuration.beamline.pilatus) is not None:
        geometry = DetectorGeometry(
            detector.distance_m,
            # Configured to the near edge, reduced from the centre.
            (detector.offset_horizontal_m + detector.columns * detector.pixel_m / 2.0, detector.offset_vertical_m),
            detector.pixel_m,
            (detector.rows, detector.columns),
        )
    window = make_window(
        feed,
        items=status_items(configuration),
        geometry=geometry,
        more_docks=parts.docks,
        settings=options.layout,
        closing=[parts.close, channel_access.silence],
    )
    print(f"Window on {configuration.storage.root}. Close it, or press Ctrl-C here.", flush=True)
    return run_window(application, window)


def require_screen() -> None:
    """Raise ConfigurationError where a window cannot be opened; Qt would abort."""
    if sys.platform == "linux" and not any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    ):
        raise ConfigurationError(
            "There is no screen: neither DISPLAY nor WAYLAND_DISPLAY is set. Start the window where there is one, with "
            "`ssh -X` from afar, or with QT_QPA_PLATFORM=offscreen for a test."
        )


def _with_addresses(configuration: Configuration, address_list: str) -> Configuration:
    epics = replace(configuration.beamline.epics, address_list=address_list)
    return replace(configuration, beamline=replace(configuration.beamline, epics=epics))
