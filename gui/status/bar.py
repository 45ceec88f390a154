"""The line at the bottom of the window: state, age, missed documents, lag, source."""

from __future__ import annotations

from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from gui.live.frame import LiveFrame
from gui.plots.number_text import age_text
from gui.status.liveness import LAG_S, Honesty, document_age_s
from gui.theme import current_theme


class HonestyBar(QWidget):
    """Labels `state`, `age`, `missed`, `lag` and `source`; what is wrong is in bold."""

    def __init__(self) -> None:
        super().__init__()
        self.state, self.age, self.missed, self.lag, self.source = (QLabel("") for _ in range(5))
        self.source.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 0, 6, 0)
        layout.setSpacing(18)
        for label in (self.state, self.age, self.missed, self.lag):
            layout.addWidget(label)
        layout.addWidget(self.source, 1)

    def show_frame(self, frame: LiveFrame, honesty: Honesty, now_s: float) -> None:
        """Say how live the frame is."""
        feed, age_s = frame.feed, document_age_s(frame, now_s)
        reason = f": {honesty.reason}" if honesty.reason else ""
        _say(self.state, f"{honesty.shape} {honesty.word}{reason}", honesty.severity)
        _say(self.age, "no document yet" if age_s is None else f"last document {age_text(age_s)} ago")
        _say(self.missed, f"▲ {feed.missed} missed" if feed.missed else "none missed", "bad" if feed.missed else "")
        late = feed.lag_s is not None and feed.lag_s > LAG_S
        _say(self.lag, "" if feed.lag_s is None else f"lag {age_text(feed.lag_s)}", "warning" if late else "")
        # What is wrong with the source stands in the state already if it is the reason for it.
        remark = "" if feed.remark == honesty.reason else feed.remark
        _say(self.source, f"{feed.source}  {remark}".strip(), "warning" if remark else "")


def _say(label: QLabel, text: str, severity: str = "") -> None:
    style = f"font-weight: bold; color: {current_theme().state_colour(severity)};" if severity else ""
    if label.text() != text:
        label.setText(text)
        label.setToolTip(text)
    if label.styleSheet() != style:
        label.setStyleSheet(style)
