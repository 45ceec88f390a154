"""Shared parameters of plans: one annotation gives signature, check, form, forecast and documentation.

A parameter is annotated with one of the types below, or with `Annotated[type, Arg(...)]` of its own. `parameters_of`
reads them from a plan; nothing reads a docstring.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from devices.exposure.slices import LONGEST_S, SHORTEST_S
from devices.instrument_response import HIGH_PS, LOW_PS
from devices.names import Approach
from plans.argument import MAXIMUM_REPEATS, Arg
from plans.choices import (
    DelayGoal,
    DelayStepping,
    EnergyGoal,
    EnergyStepping,
    PointOrder,
    Schedule,
    ShutterReference,
    read_schedule,
)
from plans.dwell_factors import HIGHEST, LOWEST
from plans.edges import edge_name, suggested_edges
from plans.grids import Region
from plans.limits import (
    angle_limits,
    bunch_period_limits,
    delay_limits,
    dwell_limits,
    energy_limits,
    fluence_limits,
    image_dwell_limits,
    position_limits,
    temperature_limits,
    time_zero_limits,
)

HIGHEST_K = 40.0
"""Largest wave number of a photoelectron in a grid, 1/A: 6 keV above the edge, beyond any EXAFS."""


Edge = Annotated[
    str,
    Arg(
        'K or L edge of any element within reach, such as "Fe K"; sets the default energies and the intervals that '
        "normalise a spectrum",
        read=edge_name,
        suggestions=suggested_edges,
    ),
]
EnergyEv = Annotated[
    float, Arg("photon energy; by default the main feature of the edge", unit="eV", limits=energy_limits)
]
RegionsEv = Annotated[
    Sequence[Region],
    Arg(
        "energies as regions (start, stop, step); by default those of the edge",
        unit="eV",
        limits=energy_limits,
        formerly=("grid",),
    ),
]
RegionsK = Annotated[
    Sequence[Region],
    Arg(
        "wave numbers of the photoelectron as regions (start, stop, step), above those in eV; by default those of the "
        "edge, none with `regions_ev`",
        unit="1/A",
        limits=lambda _: (0.0, HIGHEST_K),
        rare=True,
    ),
]
DelayPs = Annotated[
    float, Arg("pump to first probe, positive when the X-rays come after the laser", unit="ps", limits=delay_limits)
]
DelaysPs = Annotated[Sequence[float], Arg("delays of the first probe, ascending", unit="ps", limits=delay_limits)]
RegionsPs = Annotated[
    Sequence[Region],
    Arg("delays as regions (start, stop, step), instead of `delays_ps`", unit="ps", limits=delay_limits),
]
TimeZeroPs = Annotated[
    float,
    Arg(
        "delay on the current axis at which laser and X-rays coincide",
        unit="ps",
        limits=time_zero_limits,
        remedy="Beyond that, another X-ray pulse is closer to the pump.",
    ),
]
ResponsePs = Annotated[
    float,
    Arg("standard deviation of the instrument response", unit="ps", low=LOW_PS, high=HIGH_PS, remedy="Fit it again."),
]
ResponseErrorPs = Annotated[
    float, Arg("standard error of `sigma_ps`, from the same fit", unit="ps", low=0.01, high=HIGH_PS)
]
PeriodPs = Annotated[
    float,
    Arg(
        "time from one X-ray pulse to the next",
        unit="ps",
        limits=bunch_period_limits,
        remedy="Only another fill pattern or harmonic number differs by that much: correct the configuration first.",
    ),
]
PeriodErrorPs = Annotated[
    float, Arg("standard error of `period_ps`, from the same self-test", unit="ps", low=0.001, high=1e4)
]
FluenceMjCm2 = Annotated[float, Arg("pump fluence on the sample", unit="mJ/cm2", limits=fluence_limits)]
FluencesMjCm2 = Annotated[
    Sequence[float], Arg("pump fluences on the sample, ascending", unit="mJ/cm2", limits=fluence_limits)
]
PositionsUm = Annotated[
    Sequence[float], Arg("positions of the mirror, on the sample, ascending", unit="um", limits=position_limits)
]
AnglesDeg = Annotated[
    Sequence[float], Arg("angles of the half-wave plate, ascending, at least 4", unit="deg", limits=angle_limits)
]
DwellPower = Annotated[
    float,
    Arg(
        "growth of the dwell in the regions in k, where `dwell_s` is multiplied by (k / first k)^power; 0 keeps "
        "it constant",
        low=0.0,
        high=3.0,
        rare=True,
    ),
]
DwellFactors = Annotated[
    Sequence[float],
    Arg(
        "factors of `dwell_s`, one for each region of the grid or for each point; without them all points count "
        "equally long",
        low=LOWEST,
        high=HIGHEST,
        rare=True,
    ),
]
DwellS = Annotated[
    float,
    Arg("beam time per point and laser state; in each pass, if `repeats` is given", unit="s", limits=dwell_limits),
]
ImageDwellS = Annotated[
    float,
    Arg(
        "beam time per image; `i0` is counted for the same time",
        unit="s",
        limits=image_dwell_limits,
        formerly=("exposure_s", "image_exposure_s"),
    ),
]
Repeats = Annotated[int, Arg("passes over all points", low=1, high=MAXIMUM_REPEATS)]
ChosenRepeats = Annotated[
    int,
    Arg(
        "passes over all points, each of which counts `dwell_s`; by default one, but a scan of the delay divides "
        "`dwell_s` into short passes of at least 2 s",
        low=1,
        high=MAXIMUM_REPEATS,
    ),
]
UntilSigma = Annotated[
    float,
    Arg(
        "error at which the scan ends: ps for a lifetime, relative to it for 'tau1_relative', otherwise relative to "
        "the unpumped signal; each pass then measures the points that lower it most, and `repeats` above 1 is the "
        "largest number of passes",
        low=1e-7,
        high=1e6,
        rare=True,
    ),
]
MaxTimeS = Annotated[
    float,
    Arg(
        "longest beam time of a scan with `until_sigma`, at least that of one pass over all points; moves, waits, and "
        "bad exposures, which are measured again, come on top",
        unit="s",
        low=0.001,
        high=1_000_000.0,
        rare=True,
    ),
]
UntilDelays = Annotated[
    DelayGoal,
    Arg("result whose error is `until_sigma`: every point, or a lifetime, in ps or relative to itself", rare=True),
]
UntilEnergies = Annotated[
    EnergyGoal, Arg("result whose error is `until_sigma`: every point, or the mean over `until_window_ev`", rare=True)
]
UntilWindowEv = Annotated[
    Sequence[float], Arg("lower and upper limit of the window of `until`", unit="eV", limits=energy_limits, rare=True)
]
TemperatureC = Annotated[
    float,
    Arg(
        "temperature of the powder, set and settled before the run; without it the cell stays as it is",
        unit="C",
        limits=temperature_limits,
    ),
]
TemperaturesC = Annotated[
    Sequence[float], Arg("temperatures of the powder, measured in the order given", unit="C", limits=temperature_limits)
]
Reference = Annotated[
    ShutterReference,
    Arg("repeat with the laser blocked: nothing (none), every point (point), or every pass (scan)"),
]
SteppedBy = Annotated[
    DelayStepping,
    Arg(
        "what steps the delay between exposures: the plan (software), or the sequencer, without any dead time but that "
        "of the laser (hardware)"
    ),
]
SweptBy = Annotated[
    EnergyStepping,
    Arg(
        "what brings the energy from point to point: the plan (software), or sweeps up and down that count on the way "
        "(fly)"
    ),
]
BinS = Annotated[
    float,
    Arg(
        "in fly scans: time in which a sweep crosses the bin of one point; `dwell_s` is shared by as many sweeps as it "
        "takes",
        unit="s",
        low=0.02,
        high=0.25,
        rare=True,
    ),
]
SliceS = Annotated[
    float,
    Arg(
        "with hardware stepping: count each exposure in at least 5 slices of this length, all of which are stored, so "
        "that only a bad slice is measured again; by default as a whole",
        unit="s",
        low=SHORTEST_S,
        high=LONGEST_S,
        rare=True,
    ),
]
GateSchedule = Annotated[
    str | int,
    Arg(
        "dark and blocked exposures in runs of their own, which calibrate the gates of the scan: none, before it "
        "(before), also after it (around), or also after every N passes (a number N): between two of them, the "
        "calibration is interpolated in time",
        read=read_schedule,
        suggestions=lambda _: tuple(Schedule),
        rare=True,
    ),
]
GateSeconds = Annotated[
    float,
    Arg(
        "beam time of the dark exposures, in each state of the laser, and of the blocked ones",
        unit="s",
        low=1.0,
        high=36_000.0,
        rare=True,
    ),
]
FoilSchedule = Annotated[
    str | int,
    Arg(
        "foil scans, which correct the energy axis: none, before the scan (before), also after it (around), or also "
        "after every N passes (a number N): between two of them, the correction is interpolated in time",
        read=read_schedule,
        suggestions=lambda _: tuple(Schedule),
        rare=True,
    ),
]
FoilEdge = Annotated[
    str,
    Arg("K or L edge of the metal foil of `foil`", read=edge_name, suggestions=suggested_edges, rare=True),
]
AllowUnreducible = Annotated[
    bool,
    Arg("measure even if no point lies below or above the edge, so that the spectrum cannot be normalised", rare=True),
]
Sample = Annotated[str, Arg("name of the sample, for the metadata")]
Series = Annotated[str, Arg("name of the series; runs of one series are combined")]
Metadata = Annotated[Mapping[str, Any], Arg("more metadata of the run: names and values", rare=True)]
Order = Annotated[
    PointOrder,
    Arg(
        "order of the points: ascending (up), alternately up and down (snake), every other point on the way up and "
        "the rest on the way down (interleaved), or every eighth first and then those between (progressive); by "
        "default snake, interleaved for "
        "a single pass over delays, and up for the energy",
        rare=True,
    ),
]
EnergyApproach = Annotated[
    Approach,
    Arg("how a long move down in energy ends: from below, or directly; by default as configured", rare=True),
]
