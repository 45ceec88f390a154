"""Fixtures of `reduction`."""

from tests.support.fixtures.reduction import br_beam_time, br_energy_scan

__all__ = ["br_beam_time", "br_energy_scan"]
