"""Spectra at both edges and powder images at one temperature after the other."""

from __future__ import annotations

import uuid
from collections.abc import Generator, Mapping, Sequence
from typing import Any

from bluesky.utils import Msg

from devices.beamline import Beamline
from devices.numbers import is_finite_number
from errors import InputError
from plans.edges import EDGES
from plans.engine.approach import check_room_between
from plans.engine.preflight import check_beamline
from plans.engine.request import ScanRequest
from plans.engine.scanning import scan
from plans.powder.diffraction import DIFFRACTION_ENERGY_EV, diffraction_request
from plans.powder.static_energy_scan import static_request

TEMPERATURES_C = (25.0, 35.0, 40.0, 45.0, 55.0, 60.0, 65.0, 80.0, 100.0, 120.0, 140.0)
"""Default temperatures: those of the paper's Pb spectra; its Br spectra leave out 80 and 100 C (SI 1)."""


def temperature_series(
    beamline: Beamline,
    temperatures_c: Sequence[float] = TEMPERATURES_C,
    *,
    edges: Sequence[str] = tuple(EDGES),
    dwell_s: float = 6.0,
    repeats: int = 1,
    images: int = 1,
    image_exposure_s: float = 60.0,
    sample: str = "",
    series: str = "",
    md: Mapping[str, Any] | None = None,
    approach: str | None = None,
) -> Generator[Msg, Any, list[str]]:
    """Measure the powder at every temperature: a static spectrum of each edge, then powder images at 12.9 keV.

    Every temperature is settled before its first run, and held for the others. All runs share `series`.

    Parameters
    ----------
    temperatures_c : temperatures, C, measured in the order given.
    edges : edges, measured in the order given; none of them gives images only.
    dwell_s : beam time per point of a spectrum and pass, s.
    repeats : passes over the grid of a spectrum.
    images : powder images per temperature; 0 gives spectra only.
    image_exposure_s : beam time per image, s.
    sample, series, md : what goes into the metadata of every run.
    approach : "below" or "direct", how a long move down in energy ends; as configured by default.

    Returns the runs' uids in order. Raises as `static_energy_scan` and `diffraction` do: for wrong input before
    anything has moved, for any of the runs; if one fails the series ends there, and the runs before it are whole.
    """
    common: dict[str, Any] = {"sample": sample, "series": series or str(uuid.uuid4()), "md": md, "approach": approach}
    if isinstance(images, bool) or not isinstance(images, int) or images < 0:
        raise InputError(f"images = {images!r}: give a whole number from 0 on.")
    requests: list[ScanRequest] = []
    for temperature_c in _checked_temperatures(temperatures_c):
        options: dict[str, Any] = {**common, "temperature_c": temperature_c}
        requests += [
            static_request(beamline, edge, grid=None, dwell_s=dwell_s, repeats=repeats, **options)
            for edge in _checked_edges(edges)
        ]
        if images:
            requests.append(
                diffraction_request(
                    beamline, energy_ev=DIFFRACTION_ENERGY_EV, exposure_s=image_exposure_s, images=images, **options
                )
            )
    if not requests:
        raise InputError("Without edges and images there is nothing to measure. Give one of them.")
    # Once for all of them, as the last run's detector may be missing hours later.
    for detection in {request.detection.modes: request.detection for request in requests}.values():
        check_beamline(beamline, detection)
    check_room_between(beamline, requests)
    uids: list[str] = []
    for request in requests:
        uid = yield from scan(beamline, request)
        uids.append(uid)
    return uids


def _checked_temperatures(temperatures_c: Sequence[float]) -> list[float]:
    if isinstance(temperatures_c, str) or not isinstance(temperatures_c, Sequence) or not temperatures_c:
        raise InputError(f"temperatures_c = {temperatures_c!r}: give a list of temperatures in C.")
    for temperature_c in temperatures_c:
        if not is_finite_number(temperature_c):
            raise InputError(f"temperatures_c holds {temperature_c!r}, which is not a finite number of C.")
    return list(temperatures_c)


def _checked_edges(edges: Sequence[str]) -> list[str]:
    if isinstance(edges, str) or not isinstance(edges, Sequence):
        raise InputError(f"edges = {edges!r}: give a list of edges, of {', '.join(EDGES)}.")
    return list(edges)
