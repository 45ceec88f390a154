"""Is it an artefact? There and back in power, constant counts, temperature (Fig. 3a to c)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from reduction.number_text import with_error
from reduction.tplm.results import MapResults
from reduction.values import Value
from trxas.validation.paper.row_kinds import sign_row
from trxas.validation.paper.section import PaperSection, SectionResult
from trxas.validation.paper.section_session import SectionSession
from trxas.validation.paper.stored_runs import StoredRuns
from trxas.validation.paper.table import Row
from trxas.validation.tplm.paper import published
from trxas.validation.tplm.paper.known_truth import WARMEST
from trxas.validation.tplm.paper.maps import MapSetting, map_of, measure_maps, truth_row
from trxas.validation.types import Uids

THERE_AND_BACK = tuple(
    MapSetting(power_nw=power, repeat=repeat)
    for power, repeat in ((1.5, 1), (6.0, 1), (6.0, 2), (1.5, 2), (1.5, 3), (6.0, 3))
)
"""1.5, 6, 6, 1.5 nW, then both once more, at one spot (Fig. 3a)."""

FILTERED = ((4.0, 0.6), (10.0, 1.0), (20.0, 1.3))
"""Powers, nW, and the filters that bring their counts down to those of 1 nW (Fig. 3b)."""

WITH_FILTER = tuple(MapSetting(power_nw=power, rate_mhz=5.0, nd_od=density) for power, density in FILTERED)
WITHOUT = tuple(MapSetting(power_nw=power, rate_mhz=5.0, repeat=2) for power, _ in FILTERED)

TEMPERATURES_K = (5.0, 60.0, 100.0, 150.0, 200.0, 250.0, 296.0)
WARMING = tuple(MapSetting(power_nw=1.0, temperature_k=kelvin) for kelvin in TEMPERATURES_K)
"""1 nW and 2.5 MHz: first cold, then warmer (Fig. 3c)."""

BAND_EXPONENT = 1.5
"""Exponent of the temperature in band-like transport, D ~ T^-1.5; trapping adds an activation energy."""

COLDEST_IN_LAW_K = 60.0
"""Lowest temperature at which the diffusivity follows that law, K."""

ALL = (*THERE_AND_BACK, *WITH_FILTER, *WITHOUT, *WARMING)
"""All settings of this module."""


def _reduce_there_and_back(runs: StoredRuns) -> SectionResult:
    low = [map_of(runs, one) for one in THERE_AND_BACK if one.power_nw == 1.5]
    high = [map_of(runs, one) for one in THERE_AND_BACK if one.power_nw == 6.0]
    rows = (
        _difference("D at 1.5 nW, after minus before 6 nW", low[1:], low[:1]),
        _difference("D at 6 nW, last minus first", high[2:], high[:1]),
        _sign("D at 6 nW minus that at 1.5 nW", high, low),
        truth_row(low[0], THERE_AND_BACK[0], "D at 1.5 nW"),
        truth_row(high[0], THERE_AND_BACK[1], "D at 6 nW"),
    )
    return SectionResult(rows=rows)


def _reduce_filtered(runs: StoredRuns) -> SectionResult:
    rows = tuple(
        _difference(
            f"D at {with_filter.power_nw:g} nW, with minus without OD {with_filter.nd_od:g}",
            [map_of(runs, with_filter)],
            [map_of(runs, without)],
        )
        for with_filter, without in zip(WITH_FILTER, WITHOUT, strict=True)
    )
    return SectionResult(rows=rows)


def _reduce_warming(runs: StoredRuns) -> SectionResult:
    maps = {one.temperature_k: map_of(runs, one) for one in WARMING}
    around = [maps[100.0], maps[150.0], maps[200.0]]
    rows = (
        _warmest_row(maps),
        _sign("D around 150 K minus that at 296 K", around, [maps[296.0]]),
        _sign("D around 150 K minus that at 60 K and below", around, [maps[5.0], maps[60.0]]),
        *(truth_row(maps[one.temperature_k], one, f"D at {one.temperature_k:g} K") for one in WARMING),
    )
    notes = [f"{kelvin:g} K: {one.diffusivity_cm2_s} cm2/s"
             for kelvin, one in maps.items()]  # fmt: skip
    return SectionResult(rows=rows, notes=("D at 1 nW and 2.5 MHz. " + "; ".join(notes),))


def _warmest_row(maps: Mapping[float | None, MapResults]) -> Row:
    """Return the temperature, K, of the maximum of D ~ T^-1.5 exp(-E/kT), which is E / 1.5 k."""
    # The maximum itself is flat within the errors of the maps; the slopes on both sides of it show where it is.
    used = {
        kelvin: one.diffusivity_cm2_s
        for kelvin, one in maps.items()
        if kelvin is not None and kelvin >= COLDEST_IN_LAW_K and one.diffusivity_cm2_s.value > 0
    }
    kelvin = np.array(list(used))
    values = np.array([one.value for one in used.values()])
    relative = np.array([one.sigma for one in used.values()]) / values
    logs = np.log(values) + BAND_EXPONENT * np.log(kelvin)
    design = np.stack([np.ones_like(kelvin), -1 / kelvin], axis=1) / relative[:, np.newaxis]
    covariance = np.linalg.inv(design.T @ design)
    found = covariance @ design.T @ (logs / relative)
    return Row(
        name="temperature of the highest D", unit="K", expected=published.WARMEST_K.value,
        expected_sigma=published.WARMEST_K.sigma, value=float(found[1]) / BAND_EXPONENT,
        sigma=float(covariance[1, 1] ** 0.5) / BAND_EXPONENT, uids=tuple(one.uid for one in maps.values()),
        truth=WARMEST, remark="maximum of T^-1.5 exp(-E/kT) fitted from 60 K",
    )  # fmt: skip


def _mean(maps: Sequence[MapResults]) -> Value:
    # Maps of the same setting differ by counting alone.
    weights = np.array([one.diffusivity_cm2_s.sigma**-2 for one in maps])
    values = np.array([one.diffusivity_cm2_s.value for one in maps])
    return Value(float((weights * values).sum() / weights.sum()), float(weights.sum() ** -0.5))


def _difference(name: str, first: Sequence[MapResults], second: Sequence[MapResults]) -> Row:
    one = _mean(first)
    other = _mean(second)
    return Row(
        name=name, unit="cm2/s", expected=0.0, expected_sigma=0.0, value=one.value - other.value,
        sigma=float(np.hypot(one.sigma, other.sigma)), uids=tuple(result.uid for result in (*first, *second)),
    )  # fmt: skip


def _sign(name: str, first: Sequence[MapResults], second: Sequence[MapResults]) -> Row:
    """Return the row of a difference that must be above 0, and is not certain within two errors."""
    one = _mean(first)
    other = _mean(second)
    difference = Value(one.value - other.value, float(np.hypot(one.sigma, other.sigma)))
    uids = tuple(result.uid for result in (*first, *second))
    return sign_row(name, 1.0, difference, uids, f"difference {with_error(*difference)} cm2/s")


def _measure_there_and_back(session: SectionSession) -> Uids:
    return measure_maps(session, THERE_AND_BACK)


def _measure_filtered(session: SectionSession) -> Uids:
    pairs = zip(WITH_FILTER, WITHOUT, strict=True)
    return measure_maps(session, tuple(one for pair in pairs for one in pair))


def _measure_warming(session: SectionSession) -> Uids:
    return measure_maps(session, WARMING)


SECTIONS = (
    PaperSection(
        name="reversibility", title="there and back in power", measure=_measure_there_and_back,
        reduce=_reduce_there_and_back, resumable=True,
    ),
    PaperSection(
        name="constant-snr", title="constant signal to noise", measure=_measure_filtered, reduce=_reduce_filtered,
        resumable=True,
    ),
    PaperSection(
        name="temperature", title="temperature", measure=_measure_warming, reduce=_reduce_warming, resumable=True
    ),
)  # fmt: skip
"""The sections of this module."""
