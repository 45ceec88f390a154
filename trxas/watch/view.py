"""One view of what is measured, for the page and the terminal alike: plain data that JSON can hold."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from gui.live.words import progress_text, run_text
from gui.quantity_text import age_text, duration_text
from gui.status.liveness import document_age_s, judge
from reduction.goal_text import goal_text
from reduction.number_text import with_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gui.live.frame import LiveFrame
    from gui.types import Severity
    from reduction.run_kind import Headline, RunCurve
    from reduction.types import FloatArray

AXES = {
    "energy_ev": "energy (eV)",
    "delay_ps": "delay (ps)",
    "fluence_mj_cm2": "fluence (mJ/cm²)",
    "q_inv_angstrom": "Q (1/Å)",
}
"""Labels of axes by the event field; any other axis is shown by its field."""

DELAY = "delay_ps"
LINEAR_TO_PS = 100.0
"""Delay up to which its axis is linear: the scale of the instrument's response."""

ENOUGH_EXPOSURES = 5
"""Exposures before the remaining time is stated; the first ones include moves from far away."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The curve of a run: `x`, `y` and standard errors `sigma`, (points,), with labels that hold the units.

    A value that is not known, and every one of `sigma` for a reduction without errors, is None. With `linear_to`, in
    the unit of `x`, the axis is linear up to there and logarithmic beyond, on both sides of 0: asinh(x / linear_to).
    """

    x_label: str
    y_label: str
    x: tuple[float | None, ...] = ()
    y: tuple[float | None, ...] = ()
    sigma: tuple[float | None, ...] = ()
    linear_to: float | None = None


@dataclass(frozen=True, kw_only=True)
class NightView:
    """The table of the night as text: `titles` (columns,) and `rows` (runs, columns), newest run first."""

    titles: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class WatchView:
    """All that is shown at one moment.

    `word`, `shape`, `severity` and `reason` are the state of trust that the window shows, `age` that of the latest
    document. `run` names the run, `progress` states its exposures; `fraction` is the share done, 0 to 1, None if the
    number of exposures is not known. `forecast` and `results` are sentences and lines; `problem` is why there is no
    curve. `log` has the newest line last. `written` is the local time at which this was put together.
    """

    word: str
    shape: str
    severity: Severity
    reason: str
    age: str
    run: str
    progress: str
    fraction: float | None
    forecast: tuple[str, ...]
    curve: Curve | None
    results: tuple[str, ...]
    problem: str
    log: tuple[str, ...]
    night: NightView
    written: str

    def as_record(self) -> dict[str, Any]:
        """Return the view as plain data for JSON, without NaN."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Reduced:
    """A run as reduced so far: its curve and headline, None while there is none, result lines and the problem.

    `cost_s` is the processor time that it took, s.
    """

    curve: RunCurve | None = None
    headline: Headline | None = None
    lines: tuple[str, ...] = ()
    problem: str = ""
    cost_s: float = 0.0


def watch_view(
    frame: LiveFrame,
    reduced: Reduced | None,
    *,
    log: Sequence[str],
    night: NightView,
    now_s: float,
    time_s: float,
    written: str,
) -> WatchView:
    """Return the view of `frame` at `now_s`, `time.monotonic()`, and `time_s`, Unix time, both in s."""
    liveness = judge(frame, now_s)
    age_s = document_age_s(frame, now_s)
    # Built from the same frame and the same judgement as the window: the page can never look fresher than the window
    # would.
    planned = frame.run.exposures if frame.run else None
    reduced = reduced or Reduced()
    return WatchView(
        word=liveness.word,
        shape=liveness.shape,
        severity=liveness.severity,
        reason=liveness.reason,
        age="no document yet" if age_s is None else f"last document {age_text(age_s)} ago",
        run=run_text(frame.run) if frame.run else "",
        progress=progress_text(frame) if frame.run else "",
        fraction=min(frame.events / planned, 1.0) if planned else None,
        forecast=tuple(forecast_lines(frame, reduced.headline, time_s)),
        curve=None if reduced.curve is None else shown_curve(reduced.curve),
        results=reduced.lines,
        problem=reduced.problem,
        log=tuple(log),
        night=night,
        written=written,
    )


def forecast_lines(frame: LiveFrame, headline: Headline | None, time_s: float) -> list[str]:
    """Return sentences on the rest of an open run at `time_s`, Unix time, s: time left, and the error at its end.

    The remaining exposures are taken to last as long as those so far, and errors to fall with the square root of their
    number. A run that counts until a result is known has at most that time left. Empty for a run that has ended, or
    whose number of exposures is not known, and until all documents so far have arrived.
    """
    run = frame.run
    if run is None or not run.exposures or frame.exit_status is not None or frame.events < ENOUGH_EXPOSURES:
        return []
    # A view that was opened late has had a part of the documents so far, but all of the time.
    if frame.feed.lag_s is None:
        return []
    left = max(run.exposures - frame.events, 0)
    spent_s = max(time_s - run.time_s, 0.0)
    until = run.start.get("until")
    word = "at most" if until else "about"
    lines = [f"{word} {duration_text(spent_s / frame.events * left)} left, {duration_text(spent_s)} so far"]
    if until:
        lines.append(f"counts until {goal_text(until)}")
    elif headline is not None and headline.value.sigma > 0 and math.isfinite(headline.value.sigma):
        # Repeated exposures may exceed the planned number; the error is then not predicted to grow again.
        at_end = headline.value.sigma * math.sqrt(frame.events / max(run.exposures, frame.events))
        now = with_error(headline.value.value, headline.value.sigma, headline.unit)
        lines.append(f"{headline.quantity} {now}; at the end ± {at_end:.2g} {headline.unit}".rstrip())
    return lines


def shown_curve(curve: RunCurve) -> Curve:
    """Return a curve (points,) with labels for people, and None in place of every value that is not finite."""
    return Curve(
        x_label=AXES.get(curve.axis, curve.axis.replace("_", " ")),
        y_label=curve.quantity,
        x=_finite(curve.x),
        y=_finite(curve.y),
        linear_to=LINEAR_TO_PS if curve.axis == DELAY else None,
        sigma=(None,) * len(curve.x) if curve.sigma is None else _finite(curve.sigma),
    )


def _finite(values: FloatArray) -> tuple[float | None, ...]:
    return tuple(float(value) if math.isfinite(value) else None for value in values)
