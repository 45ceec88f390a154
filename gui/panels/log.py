"""A log of the documents in words: runs, rejected exposures, problems with the source."""

from __future__ import annotations

from collections import deque

from qtpy.QtWidgets import QPlainTextEdit

from gui.live.frame import LiveFrame
from gui.live.news import FrameNews, News
from gui.panels.panel import Panel

LINES = 2000
"""Number of lines; older ones are dropped."""


class LogPanel(Panel):
    """One line per event, the latest at the bottom. The log also listens while it is hidden."""

    title = "Log"
    key = "log"
    position = 220
    side = "left"
    group = "log"
    made_at_once = True

    def __init__(self) -> None:
        super().__init__()
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setMaximumBlockCount(LINES)
        self.body.addWidget(self.text, 1)
        self._news = FrameNews()
        self._waiting: deque[str] = deque(maxlen=LINES)

    def listen(self, frame: LiveFrame) -> None:
        """Log the news in `frame`.

        Call it with every frame, also while the panel is hidden, or the log has gaps.
        """
        self.note(self._news(frame))

    def note(self, news: list[News]) -> None:
        """Add `news` with their local times; while the panel is hidden they wait, at most 2000 lines."""
        self._waiting.extend(one.line() for one in news)
        if self._waiting and self.isVisible():
            self._write()

    def draw(self, _frame: LiveFrame) -> None:
        """Write the lines that are waiting."""
        self._write()

    def _write(self) -> None:
        while self._waiting:
            self.text.appendPlainText(self._waiting.popleft())
