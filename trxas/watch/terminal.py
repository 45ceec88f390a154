"""The view in a terminal, for instance over ssh."""

from __future__ import annotations

import contextlib
import shutil
import time
from typing import TYPE_CHECKING

from trxas.watch.text_plot import text_plot

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console, RenderableType

    from trxas.watch.view import WatchView

UPDATE_S = 1.0
"""Interval between two drawings, s: enough for exposures of seconds, little for a slow line."""

COLOURS = {"good": "green", "warning": "yellow", "bad": "red", "unknown": "default"}

PLOT_SHARE = 0.45
SMALLEST_PLOT = 6
"""Share of the screen that the plot takes, and its lines on a small one."""

FOLLOWING = {"good", "warning"}
"""States in which the curve may be trusted; in any other it is dimmed."""

NIGHT_COLUMNS = ("scan", "time", "sample", "plan", "edge", "transient", "size", "state")
"""Columns of the table of the night that a terminal shows, unless they are empty."""

DISPENSABLE = ("plan", "edge", "transient", "time", "state")
"""Columns that a narrow terminal leaves out, in this order."""


def view_lines(view: WatchView, *, width: int, height: int) -> RenderableType:
    """Return the view for a screen of `width` x `height` characters, the most important at the top."""
    from rich.console import Group
    from rich.text import Text

    colour = COLOURS[view.severity]
    parts: list[RenderableType] = [
        Text("  ").join(
            [Text(f"{view.shape} {view.word}", f"bold {colour}"), *map(Text, filter(None, (view.reason, view.age)))]
        )
    ]
    parts += [Text(text, no_wrap=True, overflow="ellipsis") for text in (view.run, _progress(view, width)) if text]
    parts += [Text(line, style="dim") for line in view.forecast]
    plot_height = max(int(PLOT_SHARE * height), SMALLEST_PLOT)
    trusted = "" if view.severity in FOLLOWING or view.word == "ENDED" else "dim"
    if view.curve is not None:
        plot = text_plot(view.curve, width, plot_height)
        parts += [Text(line, style=trusted, no_wrap=True, overflow="crop") for line in plot]
    elif view.problem:
        parts.append(Text(view.problem, style="dim"))
    # What is left of the screen is shared by the table of the night and the log, the newest of each.
    left = max(height - plot_height - 12, 6)
    parts += [Text(line, no_wrap=True, overflow="ellipsis") for line in view.results[: left // 3]]
    parts += [_night(view, left // 3, width), Text("")]
    parts += [Text(line, style="dim", no_wrap=True, overflow="ellipsis") for line in view.log[-(left // 3) :]]
    return Group(*parts)


def _progress(view: WatchView, width: int) -> str:
    if view.fraction is None:
        return view.progress
    room = min(30, width // 3)
    filled = round(view.fraction * room)
    return f"{'━' * filled}{'─' * (room - filled)} {view.fraction:4.0%}  {view.progress}"


def _night(view: WatchView, runs: int, width: int) -> RenderableType:
    from rich.text import Text

    from trxas.terminal.tables import table

    if not view.night.rows:
        return Text(view.night.problem)
    rows = [dict(zip(view.night.titles, row, strict=True)) for row in view.night.rows[: max(runs, 1)]]
    shown = [title for title in NIGHT_COLUMNS if any(row[title] for row in rows)]
    for dispensable in DISPENSABLE:
        if (
            dispensable in shown
            and sum(max(len(row[title]) for row in [*rows, {title: title}]) + 2 for title in shown) > width
        ):
            shown.remove(dispensable)
    return table(shown, [[row[title] for title in shown] for row in rows], right=("scan",))


def follow(view: Callable[[], WatchView]) -> None:
    """Draw the view every second on the whole screen, until Ctrl-C; the screen is then as it was before."""
    from rich.live import Live

    console = _console(None)

    def drawn() -> RenderableType:
        size = shutil.get_terminal_size()
        return view_lines(view(), width=size.columns, height=size.lines)

    live = Live(drawn(), console=console, screen=True, auto_refresh=False, redirect_stdout=False)
    with contextlib.suppress(KeyboardInterrupt), live:
        while True:
            live.update(drawn(), refresh=True)
            time.sleep(UPDATE_S)


def print_view(view: WatchView, *, width: int = 100, height: int = 40) -> None:
    """Print the view once, for a pipe or a log: `width` x `height` characters."""
    _console(width).print(view_lines(view, width=width, height=height))


def _console(width: int | None) -> Console:
    """Return a console of `width` characters, None for that of the terminal."""
    from rich.console import Console

    from trxas.terminal.tables import is_fancy

    return Console(width=width, no_color=not is_fancy(), highlight=False)
