"""Films with other surfaces, each in a simulation of its own (Figs. 3e, S11, S12)."""

from __future__ import annotations

import functools

from reduction.number_text import with_error
from reduction.tplm.limits import is_measured, upper_limit
from reduction.tplm.relaxation import fit_relaxation
from trxas.validation.paper.row_kinds import sign_row
from trxas.validation.paper.section import PaperSection, SectionResult
from trxas.validation.paper.section_session import SectionSession
from trxas.validation.paper.stored_runs import StoredRuns
from trxas.validation.paper.table import Row
from trxas.validation.tplm.paper import published
from trxas.validation.tplm.paper.cuts import BRIGHT
from trxas.validation.tplm.paper.maps import MapSetting, compared, map_of, measure_maps, truth_row
from trxas.validation.types import Uids

SHELL_POWERS_NW = (0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 100.0)
"""Powers of the relaxation with a shell of 4 layers."""

SPREADING = {"zwitterionic": "zwitterionic ligands", "ald_alox": "ALD AlOx", "cald_4": "4 layers of AlOx"}
TOO_SLOW = {"cald_8": "8 layers of AlOx", "cald_12": "12 layers of AlOx"}
"""Films by the names of their samples; the images of the second group do not spread measurably."""


def prefix_of(film: str) -> str:
    """Return the beginning of the names of a film's maps."""
    return f"{film} "


def settings_of(film: str) -> tuple[MapSetting, ...]:
    """Return the settings at which a film is measured."""
    powers = SHELL_POWERS_NW if film == "cald_4" else (BRIGHT.power_nw,)
    return tuple(MapSetting(power_nw=power, rate_mhz=BRIGHT.rate_mhz) for power in powers)


def _measure(session: SectionSession, film: str) -> Uids:
    return measure_maps(session, settings_of(film), prefix=prefix_of(film))


def _reduce(runs: StoredRuns, film: str, text: str) -> SectionResult:
    settings = settings_of(film)
    maps = [map_of(runs, one, prefix=prefix_of(film)) for one in settings]
    bright = maps[settings.index(MapSetting(power_nw=BRIGHT.power_nw, rate_mhz=BRIGHT.rate_mhz))]
    uncoated = map_of(runs, BRIGHT)
    found = bright.diffusivity_cm2_s
    uids = (bright.uid, uncoated.uid)
    difference = compared(bright, uncoated)
    rows = [truth_row(bright, BRIGHT, f"{text}: D at 10 nW", prefix_of(film))]
    if film in TOO_SLOW:
        # An upper limit is the result for a film whose image does not spread.
        rows.append(
            Row(
                name=f"{text}: too slow to be measured at 10 nW", expected=1.0,
                value=-1.0 if is_measured(found) else 1.0, sigma=None, uids=uids[:1],
                remark=f"below {upper_limit(found):.2g} cm2/s (95 %)",
            )
        )  # fmt: skip
    elif film == "zwitterionic":
        rows.append(
            Row(
                name=f"{text}: D at 10 nW minus that of OLA/OA", unit="cm2/s", expected=0.0, expected_sigma=0.0,
                value=difference.value, sigma=difference.sigma, uids=uids,
            )
        )  # fmt: skip
    else:
        what = f"difference {with_error(*difference)} cm2/s"
        rows.append(sign_row(f"{text}: D at 10 nW minus that of OLA/OA", -1.0, difference, uids, what))
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
