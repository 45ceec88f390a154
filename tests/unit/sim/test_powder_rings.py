"""If these fail, the simulated powder patterns are not those of CsPbBr3 on this detector."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from sim.physics.constants import HC_EV_ANGSTROM
from sim.physics.diffraction import (
    COLUMNS,
    DEAD,
    GAP,
    ROWS,
    STRUCTURES,
    Diffraction,
    Geometry,
    PowderScene,
    phase_pattern,
    powder_pattern,
    reflections,
)
from sim.physics.sample import Phases

PHASES = Phases()
DETECTOR = Diffraction(phases=PHASES, seed=1)
NAMES = ["orthorhombic", "tetragonal", "cubic"]


def scene(**changes: float) -> PowderScene:
    usual: dict[str, Any] = {"energy_ev": 12_900.0, "temperature_c": 25.0, "flux": 1.0, "powder_in_beam": True}
    return PowderScene(**(usual | changes))


def line_strength(phase: str, low: float, high: float) -> float:
    q, strength = reflections(phase)
    return float(strength[(q > low) & (q < high)].sum() / strength.max())


@pytest.mark.parametrize("phase", NAMES)
def test_every_lead_sits_in_an_octahedron_of_bromine(phase: str) -> None:
    """Pb-Br bonds of 2.9 to 3.0 angstrom, six of them (Stoumpos et al. 2013: 2.95 to 2.97)."""
    structure = STRUCTURES[phase]
    edges = np.array(structure.edges)
    elements = [atom[0] for atom in structure.atoms]
    assert [elements.count(name) for name in ("Cs", "Pb", "Br")] == [structure.formula_units * n for n in (1, 1, 3)]
    bromines = np.array([atom[1:] for atom in structure.atoms if atom[0] == "Br"])
    shifts = np.array(list(itertools.product((-1, 0, 1), repeat=3)))
    for lead in (np.array(atom[1:]) for atom in structure.atoms if atom[0] == "Pb"):
        distances = np.sort(np.linalg.norm((bromines[:, None] + shifts - lead) * edges, axis=-1).ravel())
        assert np.all((distances[:6] > 2.9) & (distances[:6] < 3.0))
        assert distances[6] > 4


def test_main_lines_lie_at_the_simple_cubic_places() -> None:
    """110 at 1.51, 111 at 1.85, 200 at 2.14, 211 at 2.62 1/angstrom, as in the paper's Fig. S8."""
    q, strength = reflections("cubic")
    for hkl_squared in (1, 2, 3, 4, 5, 6):
        place = 2 * np.pi * np.sqrt(hkl_squared) / 5.874
        assert strength[np.abs(q - place) < 1e-6].sum() > 0
    found = {round(float(line), 2) for line in q}
    assert {1.07, 1.51, 1.85, 2.14, 2.39, 2.62} <= found


def test_superlattice_lines_tell_the_phases_apart() -> None:
    """1.70: octahedra turned in phase, not cubic; 2.21: turned against each other, orthorhombic only."""
    assert line_strength("cubic", 1.6, 1.8) == 0
    assert line_strength("tetragonal", 1.69, 1.715) > 0.05
    assert line_strength("orthorhombic", 1.69, 1.715) > 0.05
    assert line_strength("tetragonal", 2.2, 2.24) == 0
    assert line_strength("orthorhombic", 2.2, 2.24) > 0.01


def test_phases_scatter_alike_in_all() -> None:
    """The same atoms: at a transition strength moves between lines and is not made or lost."""
    q = np.arange(0.5, 3.4, 0.002)
    totals = [(phase_pattern(phase, q, 100.0, PHASES) * q**2).sum() for phase in NAMES]
    assert max(totals) / min(totals) < 1.03


def test_coexisting_phases_mix_in_proportion() -> None:
    q = np.arange(1.3, 2.8, 0.01)
    parts = [phase_pattern(phase, q, 54.5, PHASES) for phase in ("orthorhombic", "tetragonal")]
    np.testing.assert_allclose(powder_pattern(q, 54.5, PHASES), np.mean(parts, axis=0))


def test_the_lattice_expands_within_a_phase() -> None:
    q = np.arange(2.0, 2.3, 1e-4)
    cold, hot = (q[phase_pattern("cubic", q, temperature_c, PHASES).argmax()] for temperature_c in (120.0, 160.0))
    assert cold / hot - 1 == pytest.approx(40 * 3.3e-5, abs=5e-5)


def test_lines_are_as_wide_as_ten_nanometres_make_them() -> None:
    """Scherrer: 0.9 x 2 pi / 100 angstrom = 0.057 1/angstrom, and a little from the pixels."""
    q = np.arange(2.0, 2.3, 1e-4)
    pattern = phase_pattern("cubic", q, 140.0, PHASES)
    assert np.ptp(q[pattern > pattern.max() / 2]) == pytest.approx(0.0571, abs=5e-4)


def test_the_detector_covers_what_the_paper_shows() -> None:
    two_theta, _ = Geometry().directions()
    q = 4 * np.pi / (HC_EV_ANGSTROM / 12_900) * np.sin(two_theta / 2)
    middle = q[ROWS // 2]
    assert q.shape == (ROWS, COLUMNS)
    assert q.size == 94_965
    assert middle.min() < 1.3
    assert middle.max() > 2.8


def test_the_graphite_ring_moves_with_the_energy_of_the_beam() -> None:
    """The pattern belongs to the monochromator's actual energy, not to a nominal one."""
    for energy_ev in (12_900.0, 13_450.0):
        bare = PowderScene(energy_ev=energy_ev, temperature_c=25.0, flux=1.0, powder_in_beam=True)
        two_theta, _ = DETECTOR.geometry.directions()
        q = 4 * np.pi / (HC_EV_ANGSTROM / energy_ev) * np.sin(two_theta / 2)
        row = DETECTOR.expected(bare)[ROWS // 2]
        near = np.abs(q[ROWS // 2] - 1.83) < 0.06
        assert q[ROWS // 2][near][row[near].argmax()] == pytest.approx(1.833, abs=0.006)


def test_gaps_and_faults_are_marked_or_hot() -> None:
    image = DETECTOR.image(scene(flux=0.0), 5.0, np.random.default_rng(3))
    dead, hot = DETECTOR.faulty
    assert image.dtype == np.int32
    assert (image[DETECTOR.gaps] == GAP).all()
    assert DETECTOR.gaps.sum() == 7 * ROWS + COLUMNS - 7
    assert (image[dead] == DEAD).all()
    assert image[hot].min() > 50_000
    rest = ~(DETECTOR.gaps | dead | hot)
    assert not image[rest].any()


def test_without_the_cell_there_are_no_rings() -> None:
    expected = DETECTOR.expected(scene(powder_in_beam=False))[ROWS // 2]
    assert np.all(np.diff(expected) < 0)
    assert DETECTOR.expected(scene())[ROWS // 2].max() > 5 * expected.max()
