"""Draw docs/images/growing.gif: the window while a transient grows, from the documents of a stored run.

The panel is that of the window, and takes the documents as it would from the relay, in a fraction of the time. The
picture in the README shows the run that the first two measure, one in another terminal:

    .venv/bin/trxas sim --macro fg: --speed 2000 --seed 4      # and EPICS_CA_ADDR_LIST as it prints it
    .venv/bin/trxas measure energy_scan "edge=Br K" delay_ps=100 dwell_s=0.4 repeats=30 --prefix fg: --data /tmp/growing
    QT_QPA_PLATFORM=offscreen .venv/bin/python docs/pictures/growing_window.py /tmp/growing -1
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from qtpy.QtCore import QBuffer
from qtpy.QtWidgets import QApplication, QWidget

from gui.application import make_window
from gui.live.feed import QueueFeed
from gui.panels.panel import Panel
from gui.panels.xas.spectra import SpectraPanel
from gui.window import MainWindow
from storage import load_run, open_store

PICTURE = Path(__file__).parents[1] / "images" / "growing.gif"

WINDOW = (900, 620)
"""Size of the window, pixels; the picture has that of its panel."""

FRAME_MS = 350
LAST_FRAME_MS = 4000
FRAMES = 22
COLOURS = 128
PATIENCE_S = 60.0


def main(data: str, run: str) -> None:
    """Write the picture of the run `run`, a uid, scan id or -1, of the data folder `data`."""
    application = QApplication([])
    with open_store(data, recover_runs=False) as store:
        documents = load_run(store, int(run) if run.lstrip("-").isdecimal() else run)
    feed = QueueFeed("session at 7ID-D")
    with tempfile.TemporaryDirectory() as folder:
        window = make_window(feed, settings=Path(folder) / "window.ini")
        window.resize(*WINDOW)
        window.show()
        window.show_panel("spectra")
        for name, dock in window.docks.items():
            dock.setVisible(name == "spectra")
        frames: list[Image.Image] = []
        panel = window.docks["spectra"].widget()
        assert isinstance(panel, SpectraPanel)
        panel.choices.mode = "spc"
        events = [place for place, (name, _) in enumerate(documents) if name == "event"]
        fed = 0
        for shown in shares(len(events)):
            upto = events[shown - 1] + 1
            for name, doc in documents[fed:upto]:
                feed.put(name, doc)
            fed = upto
            wait_until_drawn(application, window, shown)
            frames.append(grabbed(panel))
        window.close()
    # One palette for all frames, that of the last one, which has all curves: a background must not change its colour.
    palette = frames[-1].quantize(COLOURS, Image.Quantize.FASTOCTREE)
    frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    durations = [FRAME_MS] * (len(frames) - 1) + [LAST_FRAME_MS]
    frames[0].save(PICTURE, save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=True)
    sys.stdout.write(f"{PICTURE}: {len(frames)} frames, {PICTURE.stat().st_size / 1e3:.0f} kB\n")


def shares(events: int) -> list[int]:
    """Return how many of the events each frame shows: growing steps, as the error falls with the root of the number."""
    return sorted({max(1, round(events * ((number + 1) / FRAMES) ** 2)) for number in range(FRAMES)})


def wait_until_drawn(application: QApplication, window: MainWindow, events: int) -> None:
    """Let the window work until its panel shows the answers from all events so far."""
    panel = window.docks["spectra"].widget()
    assert isinstance(panel, Panel)
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        application.processEvents()
        frame = window.worker.frame
        answers = [frame.answer(request) for request in panel.requests()]
        if frame.events == events and all(answer is not None and answer.events == events for answer in answers):
            break
        time.sleep(0.02)
    window.refresh()
    for _ in range(5):
        application.processEvents()


def grabbed(panel: QWidget) -> Image.Image:
    """Return what the panel shows."""
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.ReadWrite)
    panel.grab().save(buffer, "PNG")
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        file.write(bytes(buffer.data().data()))
        file.flush()
        return Image.open(file.name).convert("RGB")


if __name__ == "__main__":
    main(*sys.argv[1:])
