"""Maps of the campaign: how they are measured, and read back as results."""

from __future__ import annotations

import math
from dataclasses import dataclass

from errors import ReductionError
from reduction.tplm.results import MapResults
from reduction.values import Value
from trxas.session.session import Session
from trxas.validation.paper.section_session import SectionSession
from trxas.validation.paper.stored_runs import StoredRuns
from trxas.validation.paper.table import Row
from trxas.validation.types import Uids

SERIES = "paper"
SEARCH_DWELL_S = 2.0
SEARCH_POWER_NW = 5.0

ROOM_K = 296.0
LEAST_REACH_UM = 0.75
REACH_PER_K_UM = 0.03
"""Search for the focus: its smallest reach, and how far the sample may have moved per K since the last one, um."""


@dataclass(frozen=True, kw_only=True)
class MapSetting:
    """Settings of one map: power (nW), rate (MHz), density, temperature (K; None: as it is), number for repeats."""

    power_nw: float
    rate_mhz: float = 2.5
    nd_od: float = 0.0
    temperature_k: float | None = None
    repeat: int = 1

    @property
    def name(self) -> str:
        """Name of the map in the campaign."""
        parts = [f"{self.power_nw:g} nW", f"{self.rate_mhz:g} MHz"]
        parts += [f"OD {self.nd_od:g}"] if self.nd_od else []
        parts += [] if self.temperature_k is None else [f"{self.temperature_k:g} K"]
        parts += [f"no. {self.repeat}"] if self.repeat > 1 else []
        return ", ".join(parts)


def calibrate(session: Session) -> None:
    """Measure dark rate, and time zero with the response for both trigger sources; all following maps use them."""
    plans = session.plans()
    session.measure_all(plans["tplm_dark"](series=SERIES))
    for rate_mhz in (2.5, 1.0):
        session.measure_all(plans["tplm_response"](SEARCH_POWER_NW, rate_mhz, series=SERIES))


def align(session: Session, temperature_k: float | None = None, reach_um: float = 0.0) -> None:
    """Find the centre of the image, where the plans that follow measure; first settle a temperature (K) and refocus.

    The focus is searched for up to `reach_um` from the present height (um). Raises AcquisitionError if no image is
    found.
    """
    plans = session.plans()
    common = {"series": SERIES, "temperature_k": temperature_k}
    if reach_um:
        session.measure_all(plans["tplm_focus"](reach_um=reach_um, **common))
    session.measure_all(plans["tplm_centre"](power_nw=SEARCH_POWER_NW, dwell_s=SEARCH_DWELL_S, **common))


def measure_maps(session: SectionSession, settings: tuple[MapSetting, ...], prefix: str = "") -> Uids:
    """Measure a map at every setting, and return the uids by name, which `prefix` begins.

    Where a setting has a temperature, the sample is brought into focus at it first.
    """
    # A section may begin hours after the last, so the centre is searched again; the maps follow it by themselves.
    scan = session.plans()["tplm_map"]
    align(session.session)
    uids = {}
    earlier_k = ROOM_K
    for one in settings:
        options: dict[str, float] = {}
        if one.temperature_k is not None:
            options = {"temperature_k": one.temperature_k}
            reach_um = max(LEAST_REACH_UM, REACH_PER_K_UM * abs(one.temperature_k - earlier_k))
            align(session.session, one.temperature_k, reach_um)
            earlier_k = one.temperature_k
        plan = scan(power_nw=one.power_nw, rate_mhz=one.rate_mhz, nd_od=one.nd_od, series=SERIES, **options)
        uids[prefix + one.name] = session.measure(prefix + one.name, plan)
    return uids


def map_of(runs: StoredRuns, setting: MapSetting, prefix: str = "") -> MapResults:
    """Return the results of a map of the campaign; raises ReductionError if it could not be reduced."""
    results = runs.results(prefix + setting.name)
    if not isinstance(results, MapResults):
        raise ReductionError(f"The map {prefix}{setting.name} has no diffusivity. {results.table()}")
    return results


def truth_row(found: MapResults, setting: MapSetting, name: str, prefix: str = "") -> Row:
    """Return the row of a diffusivity, cm2/s, that only the truth of a simulated film is compared with."""
    value = found.diffusivity_cm2_s
    truth = diffusivity_name(setting, prefix)
    return Row(
        name=name, unit="cm2/s", expected=None, value=value.value, sigma=value.sigma, uids=(found.uid,), truth=truth
    )


def diffusivity_name(setting: MapSetting, prefix: str = "") -> str:
    """Return the name of the true diffusivity of a map, such as "diffusivity at 1 nW, 2.5 MHz"."""
    return f"diffusivity at {prefix}{setting.name}"


def compared(one: MapResults, other: MapResults) -> Value:
    """Return the first diffusivity minus the second, cm2/s."""
    first = one.diffusivity_cm2_s
    second = other.diffusivity_cm2_s
    return Value(first.value - second.value, math.hypot(first.sigma, second.sigma))
