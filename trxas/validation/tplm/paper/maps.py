"""Maps of the campaign: how they are measured, and read back as results."""

from __future__ import annotations

from dataclasses import dataclass

from errors import ReductionError
from reduction.tplm.results import CentreResults, MapResults
from trxas.session.session import Session
from trxas.validation.paper.section_session import SectionSession
from trxas.validation.paper.stored_runs import StoredRuns
from trxas.validation.tplm.paper.focus import refocus
from trxas.validation.types import Uids

SERIES = "paper"
SEARCH_DWELL_S = 2.0
SEARCH_POWER_NW = 5.0


@dataclass(frozen=True, kw_only=True)
class MapSetting:
    """Settings of one map: power, nW, rate, MHz, density, temperature, K (None: as it is), and a number for repeats."""

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


def found_centre(session: Session) -> dict[str, float]:
    """Search the centre of the image, and return it as arguments of maps, um.

    Raises ReductionError if a line over the image shows none.
    """
    plan = session.plans()["tplm_centre"](power_nw=SEARCH_POWER_NW, dwell_s=SEARCH_DWELL_S, series=SERIES)
    centre: dict[str, float] = {}
    for uid in session.measure_all(plan):
        results = StoredRuns(session.store, {"line": uid}).results("line")
        if isinstance(results, CentreResults):
            found = {"centre_x_um": results.x, "centre_y_um": results.y}
            centre |= {name: one.centre_um.value for name, one in found.items() if one is not None}
    if len(centre) != 2:
        raise ReductionError("The search of the centre shows no image along both axes. Check laser and filters.")
    return centre


def measure_maps(session: SectionSession, settings: tuple[MapSetting, ...], prefix: str = "") -> Uids:
    """Measure a map at every setting, and return the uids by name, which `prefix` begins.

    Where a setting has a temperature, the sample is brought into focus at it first.
    """
    scan = session.plans()["tplm_map"]
    centre = found_centre(session.session)
    uids = {}
    height_um: float | None = None
    for one in settings:
        options = {} if one.temperature_k is None else {"temperature_k": one.temperature_k}
        if options:
            height_um = refocus(session.session, {**centre, **options}, height_um)
        plan = scan(power_nw=one.power_nw, rate_mhz=one.rate_mhz, nd_od=one.nd_od, series=SERIES, **centre, **options)
        uids[prefix + one.name] = session.measure(prefix + one.name, plan)
    return uids


def map_of(runs: StoredRuns, setting: MapSetting, prefix: str = "") -> MapResults:
    """Return the results of a map of the campaign; raises ReductionError if it could not be reduced."""
    results = runs.results(prefix + setting.name)
    if not isinstance(results, MapResults):
        raise ReductionError(f"The map {prefix}{setting.name} has no diffusivity. {results.table()}")
    return results
