"""Fixtures of `gui`."""

from tests.support.fixtures.gui import another_energy_run, delay_run, energy_run, fluence_run, nothing_left

__all__ = ["another_energy_run", "delay_run", "energy_run", "fluence_run", "nothing_left"]
