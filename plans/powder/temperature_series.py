"""Spectra at both edges and powder images at one temperature after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Annotated, Any

from devices.configuration import BeamlineConfiguration
from devices.numbers import is_finite_number
from errors import InputError
from plans.argument import MAXIMUM_REPEATS, Arg
from plans.edges import PAPER_EDGES
from plans.engine.detection import powder
from plans.engine.spec import ScanSpec, as_list
from plans.options import PowderOptions, RunOptions, shared_options
from plans.parameters import ImageDwellS, TemperaturesC
from plans.powder.diffraction import diffraction
from plans.powder.static_energy_scan import static_energy_scan
from plans.registry import Group, scan_plan

TEMPERATURES_C = (25.0, 35.0, 40.0, 45.0, 55.0, 60.0, 65.0, 80.0, 100.0, 120.0, 140.0)
"""Default temperatures: those of the paper's Pb spectra; its Br spectra leave out 80 and 100 C (SI 1)."""

Edges = Annotated[Sequence[str], Arg("absorption edges, measured in the order given; an empty list gives images only")]
ImagesEach = Annotated[int, Arg("powder images per temperature; 0 gives spectra only", low=0, high=MAXIMUM_REPEATS)]


@scan_plan(
    group=Group.POWDER,
    order=3,
    detection=powder,
    resumable=False,
)
def temperature_series(
    configuration: BeamlineConfiguration,
    temperatures_c: TemperaturesC = TEMPERATURES_C,
    *,
    options: PowderOptions,
    edges: Edges = tuple(PAPER_EDGES),
    images: ImagesEach = 1,
    image_dwell_s: ImageDwellS = 60.0,
) -> list[ScanSpec]:
    """Measure the powder at every temperature: a static spectrum of each edge, then powder images at 12.9 keV.

    Every temperature is settled before its first run, and held for the others. All runs share `series`. Everything is
    checked before the first temperature, so that no mistake shows up hours later; if a run fails the series ends there,
    and the earlier runs are complete. With `foil`, each spectrum has foil scans of its own, which correct its energies.
    Returns the runs' uids in order. Raises InputError for a faulty list of temperatures or edges, and if neither edges
    nor images are requested.
    """
    scan: dict[str, Any] = {one.name: getattr(options, one.name) for one in fields(options)}
    run = shared_options(options, RunOptions)
    specs: list[ScanSpec] = []
    # All runs of one temperature follow each other, because settling takes longer than any of them. They are built by
    # the plans themselves, so a run of a series is the same as one that was started alone, and can be resumed like
    # that.
    for temperature_c in _checked_temperatures(temperatures_c):
        for edge in _checked_edges(edges):
            specs += as_list(
                static_energy_scan.entry.specs(configuration, edge=edge, temperature_c=temperature_c, **scan)
            )
        if images:
            specs += as_list(
                diffraction.entry.specs(
                    configuration, images=images, dwell_s=image_dwell_s, temperature_c=temperature_c, **run
                )
            )
    if not specs:
        raise InputError(
            "Neither edges nor images are requested, so there is nothing to measure. Give edges, images, or both."
        )
    return specs


def _checked_temperatures(temperatures_c: Sequence[float]) -> list[float]:
    if isinstance(temperatures_c, str) or not isinstance(temperatures_c, Sequence) or not temperatures_c:
        raise InputError(f"temperatures_c = {temperatures_c!r}: give a list of temperatures in C.")
    for temperature_c in temperatures_c:
        if not is_finite_number(temperature_c):
            raise InputError(f"temperatures_c holds {temperature_c!r}, which is not a finite number of C.")
    return list(temperatures_c)


def _checked_edges(edges: Sequence[str]) -> list[str]:
    if isinstance(edges, str) or not isinstance(edges, Sequence):
        raise InputError(f"edges = {edges!r}: give a list of edges, such as {list(PAPER_EDGES)}.")
    return list(edges)
