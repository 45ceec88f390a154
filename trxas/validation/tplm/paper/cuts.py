"""Maps over power and repetition rate: relaxation, attribution, decays (Figs. 1d, 2, 4a, S6)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from gui.palette import ROLES_ON_WHITE
from reduction.kinds import combine_runs
from reduction.number_text import with_error
from reduction.run_kind import CombineChoice
from reduction.tplm.attribution import Attribution, Cause, attribute
from reduction.tplm.intensity import intensity_exponent
from reduction.tplm.map_model import NM2_PER_NS
from reduction.tplm.relaxation import LawComparison, MapPoint, compare_laws
from reduction.tplm.results import MapResults
from reduction.tplm.series_results import SeriesResults
from reduction.values import Value
from trxas.validation.paper.row_kinds import sign_row
from trxas.validation.paper.section import Drawing, PaperSection, SectionResult
from trxas.validation.paper.section_session import SectionSession
from trxas.validation.paper.stored_runs import StoredRuns
from trxas.validation.paper.table import Row, RowKind
from trxas.validation.tplm.paper import published
from trxas.validation.tplm.paper.maps import MapSetting, calibrate, map_of, measure_maps, truth_row
from trxas.validation.types import Uids

CONSTANT_FLUENCE = tuple(
    MapSetting(power_nw=0.02 / 0.0205 * rate, rate_mhz=rate) for rate in (1.0, 2.5, 5.0, 10.0, 20.0)
)
"""<N> = 0.02 at every rate (Fig. 2a, b)."""

CONSTANT_RATE = tuple(MapSetting(power_nw=power, rate_mhz=5.0) for power in (0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 100.0))
"""5 MHz at every power (Fig. 2c, d)."""

CONSTANT_POWER = tuple(MapSetting(power_nw=5.0, rate_mhz=rate) for rate in (1.0, 2.5, 10.0, 20.0, 40.0))
"""5 nW at every rate (Fig. 2e, S3)."""

FIRST = MapSetting(power_nw=1.0, rate_mhz=2.5)
"""The map of the tables: 1 nW at 2.5 MHz."""

ALL = (FIRST, *CONSTANT_FLUENCE, *CONSTANT_RATE, *CONSTANT_POWER)

LOWEST = CONSTANT_RATE[0]
HIGHEST = CONSTANT_RATE[5]
"""Maps at 0.5 and 25 nW, between which the paper shows decays."""

BRIGHT = CONSTANT_RATE[4]
"""Map at 10 nW, whose displacement the paper shows."""


POWER_TOLERANCE = 0.02
"""Relative difference between power meter and set point within which a point is measured."""


def _measure(session: SectionSession) -> Uids:
    calibrate(session.session)
    return measure_maps(session, ALL)


def _reduce(runs: StoredRuns) -> SectionResult:
    found = {setting: map_of(runs, setting) for setting in ALL}
    maps = [one.point for one in found.values()]
    uids = tuple(one.uid for one in maps)
    # One focus for all maps, so they share the width at time zero; the note states whether the maps agree with that.
    series = combine_runs([runs.documents(one.name) for one in ALL], choice=CombineChoice(force=True))
    assert isinstance(series, SeriesResults)  # what maps are combined to
    laws = compare_laws(series.maps, series.fit.covariance)
    attribution = attribute(maps)
    rows = [
        *_relaxation_rows(laws, uids),
        *_attribution_rows(attribution, uids),
        _constant_power_row([found[one].point for one in CONSTANT_POWER]),
        *_decay_rows(found[LOWEST], found[HIGHEST]),
        *_dose_rows(found[FIRST]),
        _sublinear_row(found[BRIGHT]),
        _light_row([found[one] for one in CONSTANT_RATE]),
        _heating_row(found[FIRST]),
        *(truth_row(one, setting, f"D at {setting.name}") for setting, one in found.items()),
    ]
    drawing = Drawing(
        name="tplm-relaxation",
        caption="Diffusivity against power, and against rate and excitons per pulse (Figs. 2f-h, 4a)",
        figure=_figure(maps, laws),
    )
    shared = (
        f"Relaxation by one fit of {len(maps)} maps that share their width at time zero; those of the maps alone agree "
        f"with it with p = {series.fit.p_value:.2g}."
    )
    return SectionResult(rows=tuple(rows), drawings=(drawing,), notes=(shared, laws.text(), attribution.text()))


def _relaxation_rows(laws: LawComparison, uids: tuple[str, ...]) -> list[Row]:
    fit = laws.exponential
    # Both come from one fit and are hardly correlated: the slow one from the lowest powers, the fast from the highest.
    ratio = fit.fast_cm2_s.value / fit.slow_cm2_s.value
    relative = np.hypot(fit.fast_cm2_s.sigma / fit.fast_cm2_s.value, fit.slow_cm2_s.sigma / fit.slow_cm2_s.value)
    compared = (
        ("D at long waiting time", "cm2/s", published.SLOW_CM2_S, fit.slow_cm2_s, "diffusion.slow_cm2_s"),
        ("D of crystals just visited", "cm2/s", published.FAST_CM2_S, fit.fast_cm2_s, "diffusion.fast_cm2_s"),
        ("ratio of both", "", published.RATIO, Value(ratio, ratio * float(relative)), ""),
        ("relaxation time", "us", published.TAU_US, fit.tau_us, "diffusion.tau_us"),
    )
    return [_row(name, unit, expected, value, uids, truth) for name, unit, expected, value, truth in compared]


def _attribution_rows(found: Attribution, uids: tuple[str, ...]) -> list[Row]:
    none = Value(0.0, 0.0)
    ranks = f"rank correlation {found.ranks.power:+.2f}; with the rate {found.ranks.rate:+.2f}"
    # The cause is named by three tests against each other, so that a film that follows the fluence gets another name.
    return [
        _row("exponent of the rate at constant power", "", none, found.rate_exponent, uids),
        sign_row("exponent of the power", 1.0, found.power_exponent, uids, ranks),
        Row(
            name="D depends on the power alone", expected=1.0, value=1.0 if found.cause is Cause.POWER else -1.0,
            sigma=None, uids=uids, remark=f"on {found.cause}",
        ),
    ]  # fmt: skip


def _constant_power_row(maps: Sequence[MapPoint]) -> Row:
    """Return the difference of the diffusivities at the highest and at the lowest rate, at one power."""
    # The same power with forty times fewer excitons per pulse: if the fluence mattered, it would show here first.
    low = maps[0]
    high = maps[-1]
    difference = high.diffusivity.value - low.diffusivity.value
    sigma = float(np.hypot(high.diffusivity.sigma, low.diffusivity.sigma))
    name = f"D at {high.rate_mhz:.3g} MHz minus at {low.rate_mhz:.3g} MHz, {high.power_nw:.3g} nW"
    return _row(name, "cm2/s", Value(0.0, 0.0), Value(difference, sigma), (low.uid, high.uid))


def _decay_rows(low: MapResults, high: MapResults) -> list[Row]:
    rows = []
    for which, power, results, lifetime, exponent in (
        ("slow", "0.5 nW", low, published.SLOW_LIFETIME_NS, published.LOW_EXPONENT),
        ("fast", "25 nW", high, published.FAST_LIFETIME_NS, published.HIGH_EXPONENT),
    ):
        truth = f"emission.{which}_prompt_ns"
        rows.append(_row(f"prompt lifetime at {power}", "ns", lifetime, results.lifetime_ns, (results.uid,), truth))
        found = None if results.tail is None else results.tail.exponent
        truth = f"emission.{'low' if which == 'slow' else 'high'}_exponent"
        rows.append(_row(f"power-law exponent at {power}", "", exponent, found, (results.uid,), truth))
    return rows


def _dose_rows(first: MapResults) -> list[Row]:
    dose = first.conditions.dose
    uids = (first.uid,)
    return [
        _row("<N> at 1 nW and 2.5 MHz", "", published.EXCITONS, Value(dose.excitons, 0.0), uids),
        _row("fluence at 1 nW and 2.5 MHz", "uJ/cm2", published.FLUENCE_UJ_CM2, Value(dose.fluence_uj_cm2, 0.0), uids),
    ]


def _sublinear_row(bright: MapResults) -> Row:
    """Return the sign of the displacement from 8 to 20 ns minus that of free diffusion (Fig. 1f)."""
    name = "displacement after 8 ns minus that of free diffusion"
    if bright.widths is None:
        return Row(name=name, expected=-1.0, value=None, sigma=None, uids=(bright.uid,))
    # Far from 3 ns, where the excitons are trapped, so that the choice of the border does not matter.
    widths = bright.widths
    late = (widths.delay_ns > 8) & (widths.delay_ns < 20)
    free = 2 * NM2_PER_NS * float(widths.time_ns[late].mean())
    diffusivity = bright.fit.diffusivity_cm2_s
    moved = float(widths.variance_nm2[late].mean() - bright.fit.common[1])
    counting = float(np.sqrt((widths.sigma_nm2[late] ** 2).sum()) / late.sum())
    difference = Value(moved - free * diffusivity.value, float(np.hypot(counting, free * diffusivity.sigma)))
    return sign_row(name, -1.0, difference, (bright.uid,), f"{with_error(*difference)} nm2")


def _light_row(maps: Sequence[MapResults]) -> Row:
    """Return the exponent of the integrated light with the power, at one rate."""
    seen = [(one.conditions.power_nw, one.light) for one in maps if one.light is not None]
    found = intensity_exponent([power for power, _ in seen], [light for _, light in seen])
    uids = tuple(one.uid for one in maps)
    return _row("exponent of the integrated light with the power", "", published.LINEAR, found, uids)


def _heating_row(first: MapResults) -> Row:
    """Return the sign of the published bound of the heating minus that of a pulse of 0.1 uJ/cm2, K."""
    dose = first.conditions.dose
    heating_k = dose.heating_k * 0.1 / dose.fluence_uj_cm2
    # The power is known to the tolerance of the meter.
    left = Value(published.HEATING_K - heating_k, POWER_TOLERANCE * heating_k)
    what = f"{heating_k:.4f} K, if all of its energy is heat in the crystals"
    return sign_row("0.01 K minus the heating by a pulse of 0.1 uJ/cm2", 1.0, left, (first.uid,), what)


def _row(name: str, unit: str, expected: Value, found: Value | None, uids: tuple[str, ...], truth: str = "") -> Row:
    return Row(
        name=name,
        unit=unit,
        kind=RowKind.PAPER,
        expected=expected.value,
        expected_sigma=expected.sigma,
        value=None if found is None else found.value,
        sigma=None if found is None else found.sigma,
        uids=uids,
        truth=truth,
    )


def _figure(maps: Sequence[MapPoint], laws: LawComparison) -> Figure:
    figure = Figure(figsize=(11, 4), layout="constrained")
    power, rate, excitons = figure.subplots(1, 3, sharey=True)
    value = [one.diffusivity.value for one in maps]
    sigma = [one.diffusivity.sigma for one in maps]
    colour = ROLES_ON_WHITE["transient"]
    for axes, x, label in (
        (power, [one.power_nw for one in maps], "power (nW)"),
        (rate, [one.rate_mhz for one in maps], "repetition rate (MHz)"),
        (excitons, [one.excitons for one in maps], "excitons per crystal and pulse"),
    ):
        axes.errorbar(x, value, sigma, fmt="o", markersize=4, color=colour)
        axes.set_xscale("log")
        axes.set_xlabel(label)
    shown = np.geomspace(min(one.power_nw for one in maps), max(one.power_nw for one in maps), 100)
    # The waiting time is inversely proportional to the power, so one number draws the law over all powers.
    per_nw = float(np.mean([one.waiting_us * one.power_nw for one in maps]))
    power.plot(shown, laws.better.at(per_nw / shown), color=ROLES_ON_WHITE["fit"], label=str(laws.better.law))
    power.set_ylabel("diffusivity (cm2/s)")
    power.legend()
    return figure


SECTION = PaperSection(name="cuts", title="power, rate and fluence", measure=_measure, reduce=_reduce, resumable=True)
"""The section of this module."""
