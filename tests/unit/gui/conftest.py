"""Fixtures of `gui`."""

from tests.support.fixtures.browser import browser, live, runs, store, worker
from tests.support.fixtures.gui import another_energy_run, delay_run, energy_run, fluence_run, nothing_left
from tests.support.fixtures.panels import feed, window

__all__ = [
    "another_energy_run",
    "browser",
    "delay_run",
    "energy_run",
    "feed",
    "fluence_run",
    "live",
    "nothing_left",
    "runs",
    "store",
    "window",
    "worker",
]
