"""The replay of a stored run in the live panels, and the way back to live data."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QComboBox, QGridLayout, QPushButton, QSlider, QWidget

from gui.live.feed import Feed
from gui.live.replay_feed import ReplayFeed
from gui.live.worker import LiveWorker
from gui.message_line import MessageLine
from gui.quantity_text import duration_text
from reduction.types import NamedDocument

SPEEDS = (1, 2, 5, 10, 20, 50, 100)
STEPS = 1000
"""Positions of the slider."""

REFRESH_MS = 200


class ReplayBar(QWidget):
    """Bar that switches `worker` between the feed `live` and a replay, with play, pause, speed and position.

    A line of text always states which of the two the panels show.
    """

    def __init__(self, worker: LiveWorker, live: Feed, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._live = live
        self._feed: ReplayFeed | None = None
        self._name = ""
        self.state = MessageLine(self, object_name="replay state")
        self.play = QPushButton("Pause", self)
        self.play.setToolTip("Pause or continue the replay.")
        self.speed = QComboBox(self)
        self.speed.setObjectName("speed")
        for speed in SPEEDS:
            self.speed.addItem(f"{speed} times", float(speed))
        self.speed.setCurrentIndex(SPEEDS.index(10))
        self.speed.setToolTip("Speed of the replay: seconds of the run per second.")
        self.place = QSlider(Qt.Orientation.Horizontal, self)
        self.place.setRange(0, STEPS)
        self.place.setToolTip("Position of the replay in the run.")
        self.back = QPushButton("Back to live", self)
        self.back.setToolTip("Show the current measurement.")
        self._lay_out()
        self.play.clicked.connect(self._play_or_pause)
        self.speed.currentIndexChanged.connect(self._set_speed)
        self.place.sliderReleased.connect(self._seek)
        self.place.actionTriggered.connect(self._seek_by_key)
        self.back.clicked.connect(self.show_live)
        self._timer = QTimer(self, interval=REFRESH_MS)
        self._timer.timeout.connect(self._refresh)
        self._refresh()

    @property
    def feed(self) -> ReplayFeed | None:
        """The replay, None while the panels are live."""
        return self._feed

    def replay(self, documents: Sequence[NamedDocument], name: str) -> None:
        """Replay a run from its start at the chosen speed, 1 to 100 times as fast as it was measured.

        `name` appears in the line of text. The worker switches to the replay in its own thread, within 30 ms.
        """
        # The worker forgets the live run when it is given the replay, and begins with the current run again when it is
        # given the live feed: the relay sends that run from its start. Nothing of the one is ever shown as the other.
        self._feed = ReplayFeed(documents, speed=float(self.speed.currentData()))
        self._name = name
        self._worker.use(self._feed)
        self._timer.start()
        self._refresh()

    def show_live(self) -> None:
        """End the replay and show the current measurement; the worker switches within 30 ms."""
        if self._feed is not None:
            self._feed = None
            self._worker.use(self._live)
        self._timer.stop()
        self._refresh()

    def _play_or_pause(self) -> None:
        feed = self._feed
        if feed is None:
            return
        if feed.paused or _at_end(feed):
            feed.play()
        else:
            feed.pause()
        self._refresh()

    def _set_speed(self, _index: int) -> None:
        if self._feed is not None:
            self._feed.speed = float(self.speed.currentData())
            self._refresh()

    def _seek(self) -> None:
        if self._feed is not None:
            self._feed.seek(self.place.value() / STEPS * self._feed.duration_s)
            self._refresh()

    def _seek_by_key(self, _action: int) -> None:
        # A click beside the handle or an arrow key moves the slider only after this signal.
        if not self.place.isSliderDown():
            QTimer.singleShot(0, self._seek)

    def _refresh(self) -> None:
        feed = self._feed
        for widget in (self.play, self.speed, self.place, self.back):
            widget.setVisible(feed is not None)
        if feed is None:
            self.state.show_message("● The panels show the current measurement.")
            return
        position_s = feed.position_s
        ended = _at_end(feed)
        word = "ended" if ended else "paused" if feed.paused else f"{feed.speed:g} times as fast"
        self.state.show_message(
            f"▶ REPLAY of {self._name}: {duration_text(position_s)} of {duration_text(feed.duration_s)}, {word}",
            "warning",
        )
        self.play.setText("Again" if ended else "Play" if feed.paused else "Pause")
        if not self.place.isSliderDown():
            self.place.setValue(math.floor(STEPS * position_s / feed.duration_s) if feed.duration_s else STEPS)

    def _lay_out(self) -> None:
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.state, 0, 0, 1, 4)
        for column, widget in enumerate((self.play, self.speed, self.place, self.back)):
            layout.addWidget(widget, 1, column)
        layout.setColumnStretch(2, 1)


def _at_end(feed: ReplayFeed) -> bool:
    return not feed.paused and feed.position_s >= feed.duration_s
