"""Series of maps: over power and repetition rate, there and back, at equal counts, and over temperature."""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from typing import Annotated

from devices.numbers import is_finite_number
from errors import InputError
from plans.argument import Arg
from plans.engine.spec import ScanSpec
from plans.registry import scan_plan
from plans.tplm.centring import at_measured_centre
from plans.tplm.excitation_cuts import constant_fluence, constant_power, constant_rate
from plans.tplm.histograms import histograms
from plans.tplm.map_points import MAP_KEYS, Excitation, map_run
from plans.tplm.parameters import GROUP, MapOptions, PowerNw, PowersNw, RateMhz, RatesMhz, numbers

Settings = Annotated[
    Sequence[tuple[float, float]],
    Arg("pairs of power, nW, and repetition rate, MHz, such as those of `constant_power`; see `order_seed`"),
]
OrderSeed = Annotated[
    int, Arg("seed of a random order of the maps; 0 keeps the order given, and drift is then not averaged out", low=0,
             high=1_000_000),
]  # fmt: skip
PerPulse = Annotated[float, Arg("excitations per nanocrystal and pulse that all maps share", low=1e-4, high=1.0)]

FILTERS_OD = (0.0, 0.3, 0.6, 1.0, 1.3, 2.0)
"""Optical densities of the wheel."""

map_series = functools.partial(
    scan_plan,
    group=GROUP,
    detection=histograms,
    resumable=False,
    own_keys=MAP_KEYS,
    course=at_measured_centre,
)
"""Shared registration of all plans of several maps, which differ only in their `order` in lists of plans."""


@map_series(order=6)
def tplm_power_series(settings: Settings, *, options: MapOptions, order_seed: OrderSeed = 1) -> list[ScanSpec]:
    """Make one map at every pair of power and repetition rate, in a random order.

    All maps share `series`. Returns the runs' uids in their order.
    """
    return _maps(options, _ordered(_checked(settings), order_seed))


@map_series(order=7)
def tplm_constant_fluence(
    rates_mhz: RatesMhz = (0.5, 1.0, 2.5, 5.0, 10.0, 20.0),
    *,
    options: MapOptions,
    per_pulse: PerPulse = 0.02,
    order_seed: OrderSeed = 1,
) -> list[ScanSpec]:
    """Make maps at one number of excitations per nanocrystal and pulse: the power follows the repetition rate.

    All maps share `series`. Returns the runs' uids in their order.
    """
    return _maps(options, _ordered(constant_fluence(per_pulse, numbers(rates_mhz, "rates_mhz")), order_seed))


@map_series(order=8)
def tplm_constant_rate(
    powers_nw: PowersNw = (0.5, 1.0, 2.5, 5.0, 10.0, 25.0),
    *,
    options: MapOptions,
    rate_mhz: RateMhz = 5.0,
    order_seed: OrderSeed = 1,
) -> list[ScanSpec]:
    """Make maps at one repetition rate and several powers.

    All maps share `series`. Returns the runs' uids in their order.
    """
    return _maps(options, _ordered(constant_rate(numbers(powers_nw, "powers_nw"), rate_mhz), order_seed))


@map_series(order=9)
def tplm_constant_power(
    rates_mhz: RatesMhz = (0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0),
    *,
    options: MapOptions,
    power_nw: PowerNw = 2.5,
    order_seed: OrderSeed = 1,
) -> list[ScanSpec]:
    """Make maps at one power and several repetition rates.

    All maps share `series`. Returns the runs' uids in their order.
    """
    return _maps(options, _ordered(constant_power(power_nw, numbers(rates_mhz, "rates_mhz")), order_seed))


@map_series(order=10)
def tplm_reversibility(
    rate_mhz: RateMhz = 2.5,
    *,
    options: MapOptions,
    powers_nw: PowersNw = (1.5, 6.0, 6.0, 1.5, 1.5, 6.0),
) -> list[ScanSpec]:
    """Make maps at the same spot with low and high power in turn: the diffusivity must return (Fig. 3a).

    All maps share `series`. Returns the runs' uids in order.
    """
    return _maps(options, constant_rate(numbers(powers_nw, "powers_nw"), rate_mhz))


@map_series(order=11)
def tplm_constant_snr(
    powers_nw: PowersNw = (1.0, 2.0, 4.0, 10.0, 20.0, 100.0), rate_mhz: RateMhz = 5.0, *, options: MapOptions
) -> list[ScanSpec]:
    """Make maps at several powers, each with the filter that brings the counts nearest to those of the lowest power.

    A diffusivity that depended on the counts would show here (Fig. 3b). All maps share `series`. Returns the runs' uids
    in order.
    """
    # The paper keeps the counts, not the light: a diffusivity that came from the counts would be the same in all these
    # maps.
    powers = numbers(powers_nw, "powers_nw")
    return [
        map_run(options, Excitation(power_nw=power, rate_mhz=rate_mhz, nd_od=equalising_filter(power / min(powers))))
        for power in powers
    ]


def equalising_filter(ratio: float) -> float:
    """Return the optical density of the wheel that best compensates `ratio` times the counts."""
    return min(FILTERS_OD, key=lambda density: abs(ratio * 10.0**-density - 1.0))


def _maps(options: MapOptions, settings: Sequence[tuple[float, float]]) -> list[ScanSpec]:
    return [map_run(options, Excitation(power_nw=power, rate_mhz=rate)) for power, rate in settings]


def _ordered(settings: Sequence[tuple[float, float]], seed: int) -> list[tuple[float, float]]:
    """Return the settings in a random order, the same one for the same seed; 0 keeps the order."""
    # A drift of laser or film would otherwise follow the power, and be read as its effect. The order is random but
    # repeatable: a series that is begun again after a failure has the same one.
    found = list(settings)
    if seed:
        random.Random(seed).shuffle(found)  # noqa: S311  # an order of measurements, not a secret
    return found


def _checked(settings: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    rows = list(settings) if isinstance(settings, Sequence) and not isinstance(settings, str) else []
    pairs = [row for row in rows if isinstance(row, Sequence) and not isinstance(row, str) and len(row) == 2]
    if not rows or len(pairs) < len(rows) or not all(is_finite_number(value) for row in pairs for value in row):
        raise InputError(
            f"settings = {settings!r}: give a list of pairs of power in nW and repetition rate in MHz, such as "
            "[(1.0, 2.5), (6.0, 2.5)]."
        )
    return [(float(power), float(rate)) for power, rate in pairs]
