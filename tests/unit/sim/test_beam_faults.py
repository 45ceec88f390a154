"""If these fail, the simulated beamline hides nothing that calibrations and self-tests could find."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.errors import SimulationInputError
from sim.ioc.xas.equipment.monochromator import Seating, bragg_angle_deg
from sim.physics.beamline_state import BeamlineState
from sim.physics.excitation import Spot
from sim.physics.experiment import Experiment
from sim.physics.sample import DEFAULT_SAMPLE
from sim.physics.sample_file import load_sample

SAMPLE = load_sample()


def after(*energies_ev: float) -> float:
    seating = Seating(0.4)
    angles = [bragg_angle_deg(energy) for energy in energies_ev]
    for start, end in pairwise(angles):
        seating.moved(start, end)
    return seating.offset_ev


@pytest.mark.parametrize(
    ("energies_ev", "offset_ev"),
    [
        ((13_450, 13_000), 0.4),
        ((13_450, 12_940, 13_000), 0.0),
        ((13_000, 13_450), 0.0),
        ((13_450, 13_000, 13_450), 0.0),
        # A pass over one edge and the way back neither bring nor cure it.
        ((13_140, 13_000), 0.0),
        ((13_450, 13_000, 13_005, 13_009), 0.4),
    ],
)
def test_long_moves_down_leave_backlash_until_an_approach_from_below(
    energies_ev: tuple[float, ...], offset_ev: float
) -> None:
    assert after(*energies_ev) == offset_ev


def test_the_laser_excites_less_beside_its_middle() -> None:
    experiment = Experiment(sample=SAMPLE, seed=1)
    centred = experiment.excitation(BeamlineState())[0]
    for direction, fwhm_um in (("horizontal", 50.0), ("vertical", 45.0)):
        moved: dict[str, Any] = {f"laser_{direction}_um": fwhm_um / 2}
        beside = experiment.excitation(BeamlineState(**moved))[0]
        # Half the intensity: linear, but for what earlier pumps left, which the moving jet brings from elsewhere.
        assert beside / centred == pytest.approx(0.5, abs=0.03)


def test_a_centred_spot_is_what_it_was() -> None:
    ages = np.array([0.0, 767_000.0, 7_670_000.0])
    expected = np.exp(-4 * np.log(2) * (4.0 * ages * 1e-6 / 45.0) ** 2)
    np.testing.assert_allclose(Spot().overlap(ages), expected)


@pytest.mark.parametrize("key", ["coarse_sign", "fine_sign"])
def test_a_sign_is_plus_or_minus_one(tmp_path: Path, key: str) -> None:
    path = tmp_path / "sample.toml"
    path.write_text(DEFAULT_SAMPLE.read_text().replace("[beam]\n", f"[beam]\n{key} = 0.5\n"))
    with pytest.raises(SimulationInputError, match="must be 1 or -1"):
        load_sample(path)


def test_hidden_faults_may_be_left_out() -> None:
    beam = SAMPLE.beam
    assert (beam.coarse_sign, beam.fine_sign, beam.fine_jump_ps) == (1, 1, 0)
    assert (beam.laser_horizontal_um, beam.laser_vertical_um) == (0, 0)
