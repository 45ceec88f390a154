"""Beam time of the paper's pump-probe campaign, before and after, and what that does to its errors."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping

import numpy as np

from errors import ReductionError
from reduction.types import FloatArray
from trxas.benchmarks.campaign_numbers import Reduced, by_all_gates, by_the_recipe, error_bars_of, numbers_of
from trxas.benchmarks.campaign_plans import Plans, before, with_every_error_bar, with_every_number
from trxas.benchmarks.entry import Entries, Entry

AFTER = {"": with_every_number, "_bars": with_every_error_bar}
"""The shorter campaigns by the suffix of their entries."""

_ONE_SIGMA = (0.1587, 0.8413)
_ERROR = 1.4
"""Relative error of the ratio of two such ranges of normal values, times the root of their number."""


def bench_campaign(draws: int = 40) -> Entries:
    """Compare the paper's scans before and now: beam time, h, and errors, from `draws` drawn campaigns of each.

    `campaign`: beam time that keeps the error of every number of the paper; `campaign_bars`: beam time that keeps the
    error bar of every point as well. `campaign_error_NAME` and `campaign_bars_error_NAME`: scatter of a number relative
    to that before. `campaign_bars_error_bar_NAME`: largest error bar of a spectrum over that before, at the same point.
    `campaign_reduced` and `campaign_bars_reduced`: share of the campaigns whose fit is not refused, over that before.
    Raises ReductionError if every campaign is refused.
    """
    found = campaign_times()
    # Seeds of their own for each kind of campaign: the error of a ratio of scatters (`_scatter`) holds for independent
    # draws.
    old_numbers, old_bars = _drawn(before(), by_the_recipe, range(draws))
    old_share = _share(old_numbers, draws)
    for place, (suffix, plans) in enumerate(AFTER.items(), 1):
        numbers, bars = _drawn(plans(), by_all_gates, range(place * draws, (place + 1) * draws))
        found[f"campaign{suffix}_reduced"] = Entry.of([_share(numbers, draws)], [old_share], "")
        for name, values in numbers.items():
            found[f"campaign{suffix}_error_{name}"] = _scatter(values, old_numbers[name])
        if suffix:
            found |= {f"campaign{suffix}_error_bar_{name}": _largest(one, old_bars[name]) for name, one in bars.items()}
    return found


def campaign_times() -> Entries:
    """Return the beam time of every kind of scan, h, and of all together, beside that of the paper's recipe."""
    old = before()
    found: Entries = {}
    for suffix, plans in AFTER.items():
        now = plans()
        for (edge, kind), scan in now.items():
            found[f"campaign{suffix}_{edge}_{kind}"] = Entry.of([scan.hours], [old[edge, kind].hours], "h")
        totals = [[sum(scan.hours for scan in one.values())] for one in (now, old)]
        found[f"campaign{suffix}"] = Entry.of(totals[0], totals[1], "h")
    return found


def _drawn(plans: Plans, reduced: Reduced, seeds: range) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Return the numbers of all campaigns, (campaigns,), and the error bars of the spectra, (points,), by name."""
    campaigns = []
    for seed in seeds:
        # A campaign whose fit is refused has no numbers; a user would keep counting. `campaign_reduced` states how many
        # there are.
        with contextlib.suppress(ReductionError):
            campaigns.append(reduced(plans, seed))
    if not campaigns:
        raise ReductionError(f"The fits of all {len(seeds)} drawn campaigns are refused. Draw more of them.")
    numbers = [numbers_of(one) for one in campaigns]
    bars = [error_bars_of(one) for one in campaigns]
    return (
        {name: np.array([one[name] for one in numbers]) for name in numbers[0]},
        {name: np.sqrt(np.mean([one[name] ** 2 for one in bars], axis=0)) for name in bars[0]},
    )


def _share(numbers: Mapping[str, FloatArray], draws: int) -> float:
    """Return the share of drawn campaigns that have numbers."""
    return next(iter(numbers.values())).size / draws


def _scatter(now: FloatArray, old: FloatArray) -> Entry:
    """Return the scatter of drawn numbers over that before; its spread is that of two estimates of a scatter."""
    own, other = (_half_of_68(one) for one in (now, old))
    ratio = own / other if other > 0 else math.nan
    return Entry(value=own, baseline=other, ratio=ratio, unit="", spread=ratio * _ERROR / float(np.sqrt(now.size)))


def _half_of_68(values: FloatArray) -> float:
    """Return half of the range that holds 68 % of the values: occasionally a lifetime is far off."""
    # A feature that the noise hides in one draw has no place there.
    low, high = np.nanquantile(values, _ONE_SIGMA)
    return float(high - low) / 2.0


def _largest(now: FloatArray, old: FloatArray) -> Entry:
    # The point where the bar has grown most: the shorter campaign promises every bar, and a mean over the points would
    # hide a broken promise.
    place = int(np.argmax(now / old))
    return Entry.of([float(now[place])], [float(old[place])], "")
