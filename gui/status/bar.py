"""The status bar of the window: state, age, missed documents, lag, source."""

from __future__ import annotations

from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from gui.live.frame import LiveFrame
from gui.quantity_text import age_text
from gui.status.liveness import LAG_S, Liveness, document_age_s
from gui.theme import current_theme
from gui.types import Severity


class LivenessBar(QWidget):
    """Labels `state`, `age`, `missed`, `lag` and `source`; problems are in bold."""

    def __init__(self) -> None:
        super().__init__()
        self.state = QLabel("")
        self.age = QLabel("")
        self.missed = QLabel("")
        self.lag = QLabel("")
        self.source = QLabel("")
        self.source.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 0, 6, 0)
        layout.setSpacing(18)
        for label in (self.state, self.age, self.missed, self.lag):
            layout.addWidget(label)
        layout.addWidget(self.source, 1)

    def show_frame(self, frame: LiveFrame, liveness: Liveness, now_s: float) -> None:
        """Show whether `frame` is live at `now_s`, `time.monotonic()`, s, with age and lag of the documents."""
        feed = frame.feed
        age_s = document_age_s(frame, now_s)
        reason = f": {liveness.reason}" if liveness.reason else ""
        _set_text(self.state, f"{liveness.shape} {liveness.word}{reason}", liveness.severity)
        _set_text(self.age, "no document yet" if age_s is None else f"last document {age_text(age_s)} ago")
        _set_text(
            self.missed, f"▲ {feed.missed} missed" if feed.missed else "none missed", "bad" if feed.missed else None
        )
        late = feed.lag_s is not None and feed.lag_s > LAG_S
        _set_text(self.lag, "" if feed.lag_s is None else f"lag {age_text(feed.lag_s)}", "warning" if late else None)
        # A problem of the source is not repeated if the state already gives it as its reason.
        remark = "" if feed.remark == liveness.reason else feed.remark
        _set_text(self.source, f"{feed.source}  {remark}".strip(), "warning" if remark else None)


def _set_text(label: QLabel, text: str, severity: Severity | None = None) -> None:
    style = f"font-weight: bold; color: {current_theme().state_colour(severity)};" if severity else ""
    if label.text() != text:
        label.setText(text)
        label.setToolTip(text)
    if label.styleSheet() != style:
        label.setStyleSheet(style)
