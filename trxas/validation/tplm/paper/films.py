"""Films with other surfaces, each in a simulation of its own (Figs. 3e, S11, S12)."""

from __future__ import annotations

import functools

from reduction.tplm.limits import is_measured, upper_limit
from reduction.tplm.relaxation import fit_relaxation
from trxas.validation.paper.section import PaperSection, SectionResult
from trxas.validation.paper.section_session import SectionSession
from trxas.validation.paper.stored_runs import StoredRuns
from trxas.validation.paper.table import Row
from trxas.validation.tplm.paper import published
from trxas.validation.tplm.paper.cuts import BRIGHT
from trxas.validation.tplm.paper.maps import MapSetting, map_of, measure_maps
from trxas.validation.types import Uids

SHELL_POWERS_NW = (0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 100.0)
"""Powers of the relaxation with a shell of 4 layers."""

SPREADING = {"zwitterionic": "zwitterionic ligands", "ald_alox": "ALD AlOx", "cald_4": "4 layers of AlOx"}
TOO_SLOW = {"cald_8": "8 layers of AlOx", "cald_12": "12 layers of AlOx"}
"""Films by the names of their samples; the images of the second group do not spread measurably."""


def _settings(film: str) -> tuple[MapSetting, ...]:
    powers = SHELL_POWERS_NW if film == "cald_4" else (BRIGHT.power_nw,)
    return tuple(MapSetting(power_nw=power, rate_mhz=BRIGHT.rate_mhz) for power in powers)


def _measure(session: SectionSession, film: str) -> Uids:
    return measure_maps(session, _settings(film), prefix=f"{film} ")


def _reduce(runs: StoredRuns, film: str, text: str) -> SectionResult:
    settings = _settings(film)
    maps = [map_of(runs, one, prefix=f"{film} ") for one in settings]
    bright = maps[settings.index(MapSetting(power_nw=BRIGHT.power_nw, rate_mhz=BRIGHT.rate_mhz))]
    uncoated = map_of(runs, BRIGHT)
    found = bright.diffusivity_cm2_s
    known = uncoated.diffusivity_cm2_s
    uids = (bright.uid, uncoated.uid)
    # An upper limit is the result for a film whose image does not spread; a diffusivity within twice its error is none.
    if film in TOO_SLOW:
        limit = upper_limit(found)
        return SectionResult(
            rows=(
                Row(
                    name=f"{text}: too slow to be measured at 10 nW", expected=1.0,
                    value=-1.0 if is_measured(found) else 1.0, sigma=None, uids=uids[:1],
                    remark=f"below {limit:.2g} cm2/s (95 %)",
                ),
            )
        )  # fmt: skip
    if film == "zwitterionic":
        sigma = (found.sigma**2 + known.sigma**2) ** 0.5
        return SectionResult(
            rows=(
                Row(
                    name=f"{text}: D at 10 nW minus that of OLA/OA", unit="cm2/s", expected=0.0, expected_sigma=0.0,
                    value=found.value - known.value, sigma=sigma, uids=uids,
                ),
            )
        )  # fmt: skip
    rows = [
        Row(
            name=f"{text}: D at 10 nW is below that of OLA/OA", expected=1.0,
            value=1.0 if known.value > found.value else -1.0, sigma=None, uids=uids,
            remark=f"{found.value:.4f} ± {found.sigma:.4f}, uncoated {known.value:.4f} cm2/s",
        )
    ]  # fmt: skip
    if film == "cald_4":
        fit = fit_relaxation([one.point for one in maps])
        rows.append(
            Row(
                name=f"{text}: relaxation time", unit="us", expected=published.SHELL_TAU_US.value,
                expected_sigma=published.SHELL_TAU_US.sigma, value=fit.tau_us.value, sigma=fit.tau_us.sigma,
                uids=tuple(one.uid for one in maps),
            )
        )  # fmt: skip
    return SectionResult(rows=tuple(rows))


SECTIONS = {
    film: PaperSection(
        name=f"film-{film}",
        title=f"film with {text}",
        measure=functools.partial(_measure, film=film),
        reduce=functools.partial(_reduce, film=film, text=text),
        needs=("cuts",),
        resumable=True,
    )
    for film, text in {**SPREADING, **TOO_SLOW}.items()
}
"""A section for every film, by the name of its sample."""
