"""The truth of a simulated sample; `sample_file` reads it from one of `sim/samples/`."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from sim.errors import SimulationInputError
from sim.physics.sample_effects import JET_SELF_ABSORPTION

SAMPLES = Path(str(files("sim") / "samples"))
"""Folder of the sample files that come with the simulation."""

DEFAULT_SAMPLE = SAMPLES / "cspbbr3.toml"
"""Sample file of the paper: CsPbBr3 nanocrystals in toluene."""


@dataclass(frozen=True, kw_only=True)
class Peak:
    """A Gaussian feature: centre and full width at half maximum in eV, height in units of the edge step."""

    center_ev: float
    fwhm_ev: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Edge:
    """Spectra at one absorption edge, in units of its edge step.

    `photons_per_pulse` is what all APDs together detect per X-ray pulse for a spectrum value of 1 at nominal flux;
    `scatter` is the flat pre-edge level; `transient` is the change at full excitation, just after the pump, at the
    reference fluence. `jet_self_absorption` is the loss of fluorescence in the jet per edge step.
    """

    edge_ev: float
    width_ev: float
    scatter: float
    photons_per_pulse: float
    static: tuple[Peak, ...]
    transient: tuple[Peak, ...]
    jet_self_absorption: float = JET_SELF_ABSORPTION


@dataclass(frozen=True, kw_only=True)
class Kinetics:
    """Recovery after one pump: one or two exponentials and a long-lived remainder, fractions at time zero.

    The remainder has `1 - fraction1 - fraction2` of the amplitude and decays with `offset_lifetime_ns`. A sample with
    one lifetime gives `tau1_ps` alone.
    """

    tau1_ps: float
    fraction1: float = 1.0
    tau2_ps: float = 1000.0
    fraction2: float = 0.0
    offset_lifetime_ns: float = 400.0


@dataclass(frozen=True, kw_only=True)
class Pump:
    """Response to fluence: linear, then flat above `saturation_fluence_mj_cm2`."""

    reference_fluence_mj_cm2: float
    saturation_fluence_mj_cm2: float


@dataclass(frozen=True, kw_only=True)
class Beam:
    """Hidden properties of the beamline: error of time zero, width of the response, errors of the monochromator.

    `time_zero_ps` is added to the nominal time zero; `backlash_ev` shifts the energy after a long move downwards.
    Optional: the jump of the fine delay below 2560 ps, and the direction (1 or -1) of both raw delays; the position of
    the X-rays relative to the centre of the laser spot with its mirrors at 0, um; and `foil_shift_ev`, by which the
    edges of the foils behind the sample are above those of other foils of the same metal. `drive_play_ev`: by which the
    true energies of sweeps down are above those of sweeps up at the same place of the encoder.
    """

    time_zero_ps: float
    irf_sigma_ps: float
    backlash_ev: float
    calibration_offset_ev: float
    fine_jump_ps: float = 0.0
    coarse_sign: float = 1.0
    fine_sign: float = 1.0
    laser_horizontal_um: float = 0.0
    laser_vertical_um: float = 0.0
    foil_shift_ev: float = 0.0
    drive_play_ev: float = 0.12


@dataclass(frozen=True, kw_only=True)
class Jet:
    """The liquid in the X-rays, without the sample in it: chemical formula, g/cm3, and the path through it in um.

    It absorbs X-rays on their way to the calibration foil behind it. The default is the paper's sheet of toluene,
    200 um thick, at 45 degrees (SI 1).
    """

    solvent: str = "C7H8"
    density_g_cm3: float = 0.867
    thickness_um: float = 283.0


@dataclass(frozen=True, kw_only=True)
class ThermalPeak:
    """A feature that heat adds to the static spectrum: centre and full width at half maximum in eV.

    `heights` are in units of the edge step, one for each of the edge's `temperatures_c`; linear in between.
    """

    center_ev: float
    fwhm_ev: float
    heights: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class ThermalEdge:
    """Changes of one edge's spectrum with temperature, against the reference temperature."""

    temperatures_c: tuple[float, ...]
    changes: tuple[ThermalPeak, ...]


@dataclass(frozen=True, kw_only=True)
class Thermal:
    """Effects of heat on the static spectra of the dry powder.

    The edges of `static` belong to `reference_c`; the band gap follows Varshni with `varshni_alpha_ev_k` and
    `varshni_beta_k`; `edges` holds the changes by the edge's name. The defaults change nothing.
    """

    reference_c: float = 25.0
    varshni_alpha_ev_k: float = 0.0
    varshni_beta_k: float = 314.0
    edges: dict[str, ThermalEdge] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Phases:
    """Transition temperatures of the powder, C, and properties of its patterns.

    Between an onset and its end both phases coexist. `expansion_per_k` is the linear thermal expansion within a phase,
    `domain_nm` the size of the coherent domains, which widens the powder lines.
    """

    tetragonal_onset_c: float = 50.0
    tetragonal_end_c: float = 59.0
    cubic_onset_c: float = 108.0
    cubic_end_c: float = 117.0
    expansion_per_k: float = 3.3e-5
    domain_nm: float = 10.0


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One simulated sample: its name and its true properties."""

    name: str
    edges: dict[str, Edge]
    kinetics: Kinetics
    pump: Pump
    beam: Beam
    jet: Jet = field(default_factory=Jet)
    thermal: Thermal = field(default_factory=Thermal)
    phases: Phases = field(default_factory=Phases)


def shipped_samples() -> dict[str, Path]:
    """Return the sample files that come with the simulation, by the names that select them."""
    return {path.stem: path for path in sorted(SAMPLES.glob("*.toml"))}


def sample_path(sample: str) -> Path:
    """Return the file of a sample, given as the name of a shipped one or as a path.

    Raises SimulationInputError listing the shipped names if it is neither. A file takes precedence over a shipped name.
    """
    shipped = shipped_samples()
    path = Path(sample)
    if path.is_file():
        return path
    if sample in shipped:
        return shipped[sample]
    raise SimulationInputError(
        f"There is no sample {sample!r}: give one of {', '.join(shipped)}, or the path of a sample file (TOML)"
    )
