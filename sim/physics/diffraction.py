"""Powder patterns of CsPbBr3, and their images on a flat detector beside the beam."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, field

import numpy as np
import xraydb
from numpy.typing import ArrayLike

from sim.physics.constants import HC_EV_ANGSTROM
from sim.physics.sample import Phases
from sim.physics.thermal import phase_fractions
from sim.types import BoolArray, FloatArray, Image

Atom = tuple[str, float, float, float]
"""An element and its place in the unit cell, fractions of the edges."""

ROWS = 195
"""Rows of the Pilatus 100k (paper, SI 1: 94 965 pixels)."""

COLUMNS = 487
"""Columns of the Pilatus 100k."""

CHIP_ROWS = 97
"""Rows of one readout chip; between chips lies one line of pixels that the simulated detector does not read."""

CHIP_COLUMNS = 60
"""Columns of one readout chip."""

GAP = -1
"""Value of a pixel between chips, as Pilatus images mark it."""

DEAD = -2
"""Value of a dead pixel, as Pilatus images mark it."""

HOT_COUNTS_PER_S = 2e4

Q_MAX = 3.6
"""Largest momentum transfer that is computed, 1/angstrom: beyond the detector's corner at 13.6 keV."""

GRAPHITE_Q = 1.83
"""Momentum transfer of the line of the graphite sheets, 1/angstrom (paper, SI 8)."""

GRAPHITE_FWHM = 0.035
"""Full width of that line, 1/angstrom (chosen)."""

DEBYE_WALLER_A2 = 3.0
"""Mean B factor, square angstrom (chosen; halide perovskites have 2 to 6)."""

INSTRUMENT_FWHM = 0.008
"""Width of a sharp line, 1/angstrom: two pixels (chosen)."""

SCHERRER = 0.9


@dataclass(frozen=True, kw_only=True)
class Structure:
    """A unit cell: edges in angstrom at `measured_c`, and its atoms as rows of (element, x, y, z)."""

    edges: tuple[float, float, float]
    measured_c: float
    atoms: tuple[Atom, ...]
    formula_units: int


def _pnma() -> tuple[Atom, ...]:
    """Return the positions of Pnma CsPbBr3, expanded by the eight operations of the group (Int. Tables A, no. 62)."""
    sites = {("Cs", 0.030, 0.25, 0.992), ("Pb", 0.0, 0.0, 0.5), ("Br", 0.495, 0.25, 0.048), ("Br", 0.294, 0.025, 0.706)}
    atoms: set[Atom] = set()
    for element, x, y, z in sites:
        for sign in (1, -1):
            for image in ((x, y, z), (0.5 - x, -y, 0.5 + z), (-x, 0.5 + y, -z), (0.5 + x, 0.5 - y, 0.5 - z)):
                inside = [round(sign * value % 1, 6) % 1 for value in image]
                atoms.add((element, inside[0], inside[1], inside[2]))
    return tuple(sorted(atoms))


STRUCTURES = {
    # Lattices: Stoumpos et al. 2013 (Pnma, room temperature), Hirotsu et al. 1974 (tetragonal, cubic); positions and
    # tilts to two digits, which is enough for rough intensities.
    "orthorhombic": Structure(edges=(8.244, 11.735, 8.198), measured_c=25.0, atoms=_pnma(), formula_units=4),
    "tetragonal": Structure(
        edges=(8.259, 8.259, 5.897),
        measured_c=95.0,
        atoms=(
            ("Pb", 0.0, 0.0, 0.0), ("Pb", 0.5, 0.5, 0.0), ("Cs", 0.0, 0.5, 0.5), ("Cs", 0.5, 0.0, 0.5),
            ("Br", 0.0, 0.0, 0.5), ("Br", 0.5, 0.5, 0.5), ("Br", 0.21, 0.71, 0.0), ("Br", 0.79, 0.29, 0.0),
            ("Br", 0.29, 0.21, 0.0), ("Br", 0.71, 0.79, 0.0),
        ),
        formula_units=2,
    ),
    "cubic": Structure(
        edges=(5.874, 5.874, 5.874),
        measured_c=140.0,
        atoms=(
            ("Cs", 0.0, 0.0, 0.0), ("Pb", 0.5, 0.5, 0.5), ("Br", 0.5, 0.5, 0.0), ("Br", 0.5, 0.0, 0.5),
            ("Br", 0.0, 0.5, 0.5),
        ),
        formula_units=1,
    ),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """The true position of the detector, whose plane is perpendicular to the beam.

    `distance_m` sample to plane; `offset_m` from the direct beam to the detector's near edge (horizontal) and to its
    middle row (vertical). The paper's 4.53 cm is taken as the distance to the near edge: only then does the long
    side of the detector cover the 1.3 to 2.8 1/angstrom shown. The sample is shifted by `sample_shift_m` (chosen) from
    the noted distance, which a calibration on graphite has to find.
    """

    distance_m: float = 0.2410
    offset_m: tuple[float, float] = (0.0453, 0.0)
    pixel_m: float = 172e-6
    sample_shift_m: float = 0.0003

    def directions(self) -> tuple[FloatArray, FloatArray]:
        """Return 2 theta and the azimuth from the horizontal of every pixel, rad; each (ROWS, COLUMNS)."""
        x = self.offset_m[0] + (np.arange(COLUMNS) + 0.5) * self.pixel_m
        y = self.offset_m[1] + (np.arange(ROWS) + 0.5 - ROWS / 2) * self.pixel_m
        across, up = np.meshgrid(x, y)
        two_theta = np.arctan2(np.hypot(across, up), self.distance_m + self.sample_shift_m)
        return two_theta, np.arctan2(up, across)


@dataclass(frozen=True, kw_only=True)
class PowderScene:
    """Scene before the detector; `flux` is relative to the nominal one, 0 with the shutter closed."""

    energy_ev: float
    temperature_c: float
    flux: float
    powder_in_beam: bool


@dataclass(frozen=True, kw_only=True)
class Brightness:
    """Counts per second and pixel at nominal flux, on axis (chosen): smooth background, graphite line, powder.

    `powder` multiplies the pattern of one formula unit in electrons squared x angstrom x 1e-3.
    """

    background: float = 25.0
    graphite: float = 250.0
    powder: float = 6.0


@functools.cache
def reflections(phase: str) -> tuple[FloatArray, FloatArray]:
    """Return momentum transfers at the measured lattice, 1/angstrom, and strengths of all lines of `phase`.

    Strength is 2 pi^2 |F|^2 / (V Z Q^2), the weight of a line in the scattering per formula unit and solid angle
    (Warren, X-ray Diffraction, ch. 4); form factors from xraydb.
    """
    # |F|^2 is summed over all indices within the sphere Q < Q_MAX, not over families with multiplicities: equivalent
    # indices then add up by themselves, whatever the symmetry. A cell of volume V with Z formula units scatters into a
    # powder ring with |F|^2 / (V Z Q^2) per formula unit. The Debye-Waller factor exp(-B s^2) applies to the amplitude,
    # with s = sin(theta) / lambda = Q / 4 pi, hence the 2 B for the intensity.
    structure = STRUCTURES[phase]
    edges = np.asarray(structure.edges)
    limits = [int(Q_MAX * edge / (2 * np.pi)) for edge in edges]
    indices = np.array(list(itertools.product(*(range(-limit, limit + 1) for limit in limits))))
    q = 2 * np.pi * np.sqrt(((indices / edges) ** 2).sum(axis=1))
    inside = (q > 0) & (q < Q_MAX)
    indices = indices[inside]
    q = q[inside]
    amplitude = np.zeros(len(q), dtype=complex)
    for element, *position in structure.atoms:
        phases = np.exp(2j * np.pi * indices @ np.asarray(position))
        amplitude += xraydb.f0(element, q / (4 * np.pi)) * phases
    strength = np.abs(amplitude) ** 2 * np.exp(-2 * DEBYE_WALLER_A2 * (q / (4 * np.pi)) ** 2)
    return q, 2 * np.pi**2 * strength / (edges.prod() * structure.formula_units * q**2)


def phase_pattern(phase: str, q: ArrayLike, temperature_c: float, phases: Phases) -> FloatArray:
    """Return the scattering of one formula unit of `phase` at `q` (1/angstrom), electrons squared x angstrom.

    Lines are Gaussians with the width of the domains (Scherrer) and of the instrument; the shape is that of `q`.
    """
    # Heat stretches the lattice by 1 + alpha dT, so every line moves to a smaller momentum transfer by that factor. Its
    # width is that of the domains (Scherrer: 2 pi 0.9 / size) and of the instrument, added in quadrature. Lines weaker
    # than a millionth of the strongest are left out: they are most of the list, and no image shows them.
    momentum = np.asarray(q, dtype=float)
    lines, strengths = reflections(phase)
    grown = 1 + phases.expansion_per_k * (temperature_c - STRUCTURES[phase].measured_c)
    fwhm = np.hypot(2 * np.pi * SCHERRER / (10 * phases.domain_nm), INSTRUMENT_FWHM)
    sigma = fwhm / np.sqrt(8 * np.log(2))
    strong = strengths > strengths.max() * 1e-6
    distance = momentum[..., None] - lines[strong] / grown
    profiles = np.exp(-0.5 * (distance / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    return np.asarray(profiles @ strengths[strong])


def powder_pattern(q: ArrayLike, temperature_c: float, phases: Phases) -> FloatArray:
    """Return the scattering of one formula unit of the mixture at `temperature_c`, electrons squared x angstrom.

    The shape is that of `q`, 1/angstrom.
    """
    parts = phase_fractions(phases, temperature_c)
    momentum = np.asarray(q, dtype=float)
    total = np.zeros_like(momentum)
    for phase, fraction in parts.items():
        if fraction:
            total += fraction * phase_pattern(phase, momentum, temperature_c, phases)
    return total


@dataclass(frozen=True, kw_only=True)
class Diffraction:
    """Images of one powder on one detector; the faulty pixels come from `seed`."""

    phases: Phases
    seed: int
    geometry: Geometry = field(default_factory=Geometry)
    brightness: Brightness = field(default_factory=Brightness)

    @functools.cached_property
    def gaps(self) -> BoolArray:
        """Pixels between the chips; shape (ROWS, COLUMNS)."""
        rows = np.arange(ROWS) % (CHIP_ROWS + 1) == CHIP_ROWS
        columns = np.arange(COLUMNS) % (CHIP_COLUMNS + 1) == CHIP_COLUMNS
        return np.asarray(rows[:, None] | columns[None, :])

    @functools.cached_property
    def faulty(self) -> tuple[BoolArray, BoolArray]:
        """Dead pixels, which the detector marks, and hot ones, which it does not mark.

        Both masks have the shape (ROWS, COLUMNS).
        """
        drawn = np.random.default_rng([self.seed, 102]).random((ROWS, COLUMNS))
        return (drawn < 1e-4) & ~self.gaps, (drawn > 1 - 5e-5) & ~self.gaps

    def expected(self, scene: PowderScene) -> FloatArray:
        """Return the mean counts per second of every pixel, without faulty pixels; shape (ROWS, COLUMNS)."""
        # Two factors for a flat detector perpendicular to a horizontally polarised beam. Polarisation: the intensity is
        # 1 - (component of the direction along the electric field)^2, so it falls along the horizontal. Solid angle: a
        # pixel at angle 2 theta is farther away by 1 / cos, seen twice, and tilted by cos, which gives cos^3.
        two_theta, azimuth = self.geometry.directions()
        q = 4 * np.pi / (HC_EV_ANGSTROM / scene.energy_ev) * np.sin(two_theta / 2)
        # The pattern is computed on its own grid, much finer than any line, and interpolated to 95 000 pixels.
        grid = np.arange(0.0, q.max() + 0.002, 0.002)
        rate = np.interp(q, grid, self._pattern(grid, scene))
        polarization = 1 - (np.sin(two_theta) * np.cos(azimuth)) ** 2
        return np.asarray(scene.flux * rate * polarization * np.cos(two_theta) ** 3)

    def _pattern(self, q: FloatArray, scene: PowderScene) -> FloatArray:
        bright = self.brightness
        pattern = bright.background * (0.4 + 0.6 * np.exp(-q / 1.2))
        if scene.powder_in_beam:
            line = np.exp(-4 * np.log(2) * ((q - GRAPHITE_Q) / GRAPHITE_FWHM) ** 2)
            powder = 1e-3 * bright.powder * powder_pattern(q, scene.temperature_c, self.phases)
            pattern = pattern + bright.graphite * line + powder
        return pattern

    def image(self, scene: PowderScene, exposure_s: float, rng: np.random.Generator) -> Image:
        """Draw an image of `exposure_s` seconds: Poisson counts, with gaps and dead pixels marked.

        Its shape is (ROWS, COLUMNS).
        """
        dead, hot = self.faulty
        counts = rng.poisson(self.expected(scene) * exposure_s + hot * HOT_COUNTS_PER_S * exposure_s)
        counts[self.gaps] = GAP
        counts[dead] = DEAD
        return counts.astype(np.int32)
