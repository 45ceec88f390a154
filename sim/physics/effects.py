"""Sizes of everything that makes the simulated beamline less than ideal, as multiples of the usual sizes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class EffectSizes:
    """Size of each effect as a multiple of its usual one: 1 as usual, 0 off.

    The modules of the effects state the usual sizes with their sources. `noise` is different: it is the counting
    noise, with the fluctuations of jet and flux, and is either there (1) or not (0); without it, every detector shows
    the mean of its counts.

    Off by default: the jet within a dwell, since nothing states how large it is; and the blind bunches, since
    photodiodes are ready again after 153 ns.
    """

    efficiencies: float = 1.0
    gains: float = 1.0
    zeros: float = 1.0
    dark_counts: float = 1.0
    laser_light: float = 1.0
    damage: float = 1.0
    laser_power: float = 1.0
    pointing: float = 1.0
    time_zero: float = 1.0
    energy_drift: float = 1.0
    i0_offset: float = 1.0
    i0_curvature: float = 1.0
    glitches: float = 1.0
    harmonics: float = 1.0
    self_absorption: float = 1.0
    dead_time: float = 0.0
    afterpulses: float = 1.0
    crosstalk: float = 1.0
    turbulence: float = 0.0
    mains: float = 1.0
    shared_photons: float = 1.0
    noise: float = 1.0


IDEAL = EffectSizes(
    gains=0.0,
    zeros=0.0,
    dark_counts=0.0,
    laser_light=0.0,
    damage=0.0,
    laser_power=0.0,
    pointing=0.0,
    time_zero=0.0,
    energy_drift=0.0,
    i0_offset=0.0,
    i0_curvature=0.0,
    glitches=0.0,
    harmonics=0.0,
    self_absorption=0.0,
    dead_time=0.0,
    afterpulses=0.0,
    crosstalk=0.0,
    turbulence=0.0,
    mains=0.0,
    shared_photons=0.0,
)
"""A beamline whose gates differ in the efficiency of counting, and which has no other effect than counting noise."""

MEANINGS = {
    "efficiencies": "counting gates differ",
    "gains": "boxcar gates differ in gain",
    "zeros": "boxcar gates differ in zero",
    "dark_counts": "photodiodes count in the dark",
    "laser_light": "light of the laser in gates",
    "damage": "sample is damaged with dose",
    "laser_power": "power of the laser drifts",
    "pointing": "laser spot moves",
    "time_zero": "time zero drifts with hutch",
    "energy_drift": "Bragg angle drifts",
    "i0_offset": "ion chambers have an offset",
    "i0_curvature": "ion chambers recombine",
    "glitches": "monochromator has glitches",
    "harmonics": "third harmonic in the beam",
    "self_absorption": "sample absorbs fluorescence",
    "dead_time": "photodiodes blind for a bunch",
    "afterpulses": "counts in the next gate",
    "crosstalk": "crosstalk of gates and diodes",
    "turbulence": "jet changes within a dwell",
    "mains": "60 Hz on the analog signal",
    "shared_photons": "boxcar shares SPC's photons",
    "noise": "counting noise, 0 or 1",
}
"""Description of each effect by its field in `EffectSizes`; short enough for the description of a PV."""
