"""A beam time in a few lines, independent of the simulated beamline: documents with known truth."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.beam_time import BeamTime, br_signal, br_static, energy_points


@pytest.fixture
def br_beam_time() -> type[BeamTime]:
    """`BeamTime`, for tests that choose everything themselves."""
    return BeamTime


@pytest.fixture
def br_energy_scan() -> Any:
    """Build the beam time of a Br energy scan; keywords as `BeamTime`."""

    def build(**settings: Any) -> BeamTime:
        energy = energy_points()
        return BeamTime(**{"points": energy, "static": br_static(energy), "signal": br_signal(energy)} | settings)

    return build
