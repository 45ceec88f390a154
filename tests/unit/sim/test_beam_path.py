"""If these fail, the flux, I0 or the foils of the simulation do not follow the energy."""

from __future__ import annotations

import numpy as np
import pytest

from sim.physics import beam_path
from sim.physics.beamline_state import BeamlineState
from sim.physics.experiment import Experiment
from sim.physics.sample import Jet, sample_path
from sim.physics.sample_file import load_sample

FE_EV = 7112.0


@pytest.mark.parametrize("energy_ev", [12_500.0, 13_039.0, 13_472.0, 14_000.0])
def test_the_edges_of_the_paper_are_measured_as_ever(energy_ev: float) -> None:
    """All factors are exactly 1 there, so that the paper's statistics stay what they were."""
    assert beam_path.flux(energy_ev) == 1.0
    assert beam_path.chamber_response(energy_ev) == 1.0
    assert beam_path.jet_transmission(Jet(), energy_ev) == 1.0


def test_factors_have_no_step_where_the_nominal_range_ends() -> None:
    for end_ev, beyond_ev in ((12_500.0, 12_499.0), (14_000.0, 14_001.0)):
        for factor in (beam_path.flux, beam_path.chamber_response):
            assert factor(beyond_ev) == pytest.approx(factor(end_ev), rel=1e-3)


def test_soft_x_rays_are_absorbed_more() -> None:
    """An ion chamber shows more counts per photon at low energy, while air and jet let fewer photons through."""
    assert beam_path.chamber_response(FE_EV) > 2.0
    assert beam_path.flux(4_000.0) < 0.1 < 0.5 < beam_path.flux(FE_EV) < 1.0
    water = Jet(solvent="H2O", density_g_cm3=1.0, thickness_um=140.0)
    assert beam_path.jet_transmission(water, FE_EV) < 0.9


@pytest.mark.parametrize(
    ("element", "edge_ev"), [("Fe", 7112.0), ("Ti", 4966.0), ("Cu", 8979.0), ("Pt", 11564.0), ("Pb", 13040.6)]
)
def test_a_foil_of_any_element_is_steepest_where_real_ones_are(element: str, edge_ev: float) -> None:
    energies = np.arange(edge_ev - 30, edge_ev + 30, 0.5)
    absorption = -np.log([beam_path.foil_transmission(element, energy) for energy in energies])
    assert energies[np.gradient(absorption).argmax()] == pytest.approx(edge_ev, abs=0.6)
    assert np.exp(-absorption[-1]) == pytest.approx(np.exp(-1), rel=0.2), "about one absorption length"


def test_without_a_foil_everything_passes() -> None:
    assert beam_path.foil_transmission("", FE_EV) == 1.0


def test_i0_and_fluorescence_follow_the_energy() -> None:
    """Ten seconds at the Fe edge: I0 as the factors say, within five standard errors of its counts."""
    experiment = Experiment(sample=load_sample(sample_path("fe_bpy3")), seed=1)
    counts = experiment.expose(BeamlineState(energy_ev=7130.0, foil="Fe"), 10.0)
    expected = 1e7 * beam_path.flux(7130.0) * beam_path.chamber_response(7130.0)
    # The flux itself fluctuates by 0.3 %.
    assert counts.delivered == pytest.approx(expected, rel=0.02)
    assert counts.counts.sum() > 0
    assert counts.foil < counts.i0
