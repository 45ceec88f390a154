"""NeXpy's main window with one file: `python -m tests.support.in_nexpy FILE HOME` prints what it draws, as JSON."""

from __future__ import annotations

import argparse
import json
import os
import sys


def main(path: str, home: str) -> None:
    """Open a file, plot its default data, and end the process with what is drawn as the last line of output."""
    os.environ |= {"QT_QPA_PLATFORM": "offscreen", "QT_API": "pyside6", "HOME": home}
    from nexpy.gui.consoleapp import NXConsoleApp

    app = NXConsoleApp()
    app.initialize(argparse.Namespace(filenames=[path], restore=False, faulthandler=False))
    (name,) = app.window.tree
    data = app.window.tree[name].plottable_data
    data.plot()
    found = {
        "data": data.nxpath,
        "y": data.nxsignal.nxvalue.tolist(),
        "errors": data.nxerrors.nxvalue.tolist(),
        "x_label": app.window.plotview.ax.get_xlabel(),
    }
    # NeXpy has standard output written into its own log.
    os.write(1, f"\n{json.dumps(found)}\n".encode())
    # Its consoles and threads would take long to end, and nothing is left to save.
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
