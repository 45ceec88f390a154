"""Campaigns of techniques, those of trxas and of other packages, which show whether their error bars are true."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

from errors import InputError, PlugInError
from plugins.entry_points import PlugIn, PlugInGroup, load_plug_ins
from trxas.techniques import bringing, part_of
from trxas.terminal.tables import table, table_text
from trxas.validation.coverage.pulls import PullStatistics, pull_statistics
from trxas.validation.coverage.report import HEADINGS, cells


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """One result of a measurement beside the truth that the simulation had; all three in the unit of the parameter."""

    value: float
    sigma: float
    truth: float


@dataclass(frozen=True, kw_only=True)
class Campaign:
    """A campaign, as an entry point of the group `trxas.campaigns` names it.

    `measure(samples, seed)` starts the technique's simulation, draws that many random samples from the seed, measures
    each by its usual plan, reduces it in the usual way, and yields the estimates by parameter. A parameter that a
    sample does not determine is omitted.
    """

    name: str
    parameters: tuple[str, ...]
    measure: Callable[[int, int], Iterator[Mapping[str, Estimate]]]


@dataclass(kw_only=True)
class TechniqueCoverage:
    """The pulls of a campaign so far; `pulls[parameter][sample]` is a list with one number, or empty."""

    campaign: Campaign
    seed: int
    samples: int = 0
    pulls: dict[str, dict[int, list[float]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin without pulls."""
        self.pulls = {name: {} for name in self.campaign.parameters}

    def take(self, estimates: Mapping[str, Estimate]) -> None:
        """Add the pulls of one sample; raises PlugInError for a parameter that the campaign does not name."""
        if unknown := estimates.keys() - self.pulls.keys():
            raise PlugInError(
                f"The campaign {self.campaign.name} does not name {', '.join(unknown)} among its "
                f"parameters. Add it there."
            )
        for name, pulls in self.pulls.items():
            one = estimates.get(name)
            pulls[self.samples] = [] if one is None else [(one.value - one.truth) / one.sigma]
        self.samples += 1

    def statistics(self) -> dict[str, PullStatistics]:
        """Return mean and width of the pulls of every parameter."""
        return {
            name: pull_statistics(list(pulls.values()), failed=sum(not found for found in pulls.values()))
            for name, pulls in self.pulls.items()
        }

    def summary(self) -> str:
        """Return what is printed: a table with a row per parameter."""
        head = (
            f"Pulls (value - truth) / sigma of {self.samples} random samples of {self.campaign.name}; seed {self.seed}"
        )
        return f"{head}\n{table_text(table(HEADINGS, map(cells, self.statistics().items()), right=HEADINGS[1:5]))}"


def campaigns() -> dict[str, Campaign]:
    """Return the campaigns of all plug-ins by name; one that cannot be used is logged and skipped."""

    def campaign_of(plug_in: PlugIn) -> list[Campaign]:
        """Return the campaign of a plug-in; raises PlugInError for another object."""
        brought = plug_in.load()
        if not isinstance(brought, Campaign):
            raise PlugInError(f"{brought!r} is not a trxas.validation.coverage.technique.Campaign. Name one")
        return [brought]

    return {one.name: one for one in load_plug_ins(PlugInGroup.CAMPAIGNS, campaign_of, lambda one: one.name)}


def campaign_called(name: str) -> Campaign:
    """Return a campaign of trxas or of a plug-in; raise InputError, listing the known names, for an unknown one."""
    own = part_of("trxas.validation", name, "coverage")
    if own is not None:
        return cast(Campaign, own.CAMPAIGN)
    known = campaigns()
    if name not in known:
        names = ", ".join((*known, *bringing("trxas.validation", "coverage")))
        raise InputError(
            f"--technique {name}: there is no such campaign. Give one of {names}; `trxas plugins` lists those of other "
            "packages."
        )
    return known[name]
