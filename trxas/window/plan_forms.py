"""The plans of trxas as the window's forms know them: their parameters, limits and exposures, from the registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from devices.absorption_edges import absorption_edge
from devices.configuration import BeamlineConfiguration
from errors import InputError
from gui.control.entries import Limits
from gui.control.forecast import ExposureBatch, PlannedExposures
from gui.control.parameters import EntryKind
from gui.control.parameters import Parameter as FormParameter
from gui.control.plan_signature import PlanSignature
from gui.control.regions import EdgeOutline, OutlineOf
from plans.argument import Parameter
from plans.choices import Stepping
from plans.edges import edge_preset
from plans.engine.left_out import left_out_text
from plans.engine.request import check_combinations
from plans.engine.spec import ScanSpec, as_list
from plans.grids import Region
from plans.plan_entry import PlanEntry
from plans.registry import PLANS, plans_of, sorted_plans
from reduction.xas.calibration_plans import CALIBRATION_PLANS

SETTLING = "the time in which temperatures settle"
"""Time that a forecast does not include if a plan waits for a temperature."""

WITHOUT_EXAFS = "Regions in eV replace the usual energies and the usual wave numbers; give the wave numbers too."
"""Remark on the regions of an edge whose default grid continues in wave numbers."""

KINDS: dict[Any, EntryKind] = {
    float: EntryKind.NUMBER,
    int: EntryKind.INTEGER,
    bool: EntryKind.FLAG,
    str: EntryKind.TEXT,
    str | int: EntryKind.TEXT,
    Sequence[float]: EntryKind.NUMBERS,
    Sequence[Region]: EntryKind.REGIONS,
    Sequence[str]: EntryKind.WORDS,
    Mapping[str, Any]: EntryKind.MAPPING,
    Sequence[Mapping[str, float]]: EntryKind.MAPPINGS,
}
"""Entry of a value by its type; a choice is one of its words, and everything else a Python literal."""


def known_plans(configuration: BeamlineConfiguration | None = None) -> dict[str, PlanSignature]:
    """Return the signatures of all plans by name, in display order.

    With a `configuration` only those of its beamline, which suggest its values, such as edges, and have its defaults.
    """
    plans = sorted_plans() if configuration is None else plans_of(configuration)
    return {plan.entry.name: _signature(plan.entry, order, configuration) for order, plan in enumerate(plans)}


def plan_limits(configuration: BeamlineConfiguration) -> dict[str, Limits]:
    """Return the limits of every parameter that has some, by its name, in its unit.

    A name means the same quantity in every plan, so that one pair of limits holds for all.
    """
    found: dict[str, Limits] = {}
    for plan in plans_of(configuration):
        for one in plan.entry.parameters:
            limits = one.limits(configuration)
            if limits is not None:
                found[one.name] = Limits(*limits)
    return found


class PlanExposures:
    """Function that derives the exposures of a plan from its arguments, for a beamline with this `configuration`."""

    def __init__(self, configuration: BeamlineConfiguration) -> None:
        self._configuration = configuration

    def __call__(self, plan: str, arguments: Mapping[str, Any], _listed: int | None) -> PlannedExposures | None:
        """Return the exposures of a plan; None for a plan that does not scan.

        Raises InputError, in the words of the plan, for arguments that it refuses.
        """
        if plan not in PLANS or PLANS[plan].entry.runs is None:
            return None
        # The plan itself is asked what it would measure, with the arguments of the form: the forecast cannot differ
        # from the scan, and fields that are right one by one but not together are refused before they are queued.
        specs = as_list(PLANS[plan].entry.specs(self._configuration, **arguments))
        for spec in specs:
            check_combinations(spec, self._configuration)
        settles = any(spec.temperature_c is not None for spec in specs)
        batches = tuple(_batch(spec) for spec in specs)
        texts = (text for spec in specs for text in self._texts(spec))
        return PlannedExposures(
            batches=batches,
            besides=SETTLING if settles else "",
            expects=" ".join(dict.fromkeys(filter(None, texts))),
            has_transient=plan not in CALIBRATION_PLANS,
            at_most=any(spec.until is not None for spec in specs),
        )

    def _texts(self, spec: ScanSpec) -> tuple[str, ...]:
        """Return what a form states about a run beside its time, "" for nothing."""
        return _sweeps_text(spec), spec.expects, left_out_text(self._configuration, spec.stepping)


def _batch(spec: ScanSpec) -> ExposureBatch:
    # Sweeps count without a gap between their bins.
    overhead_s = 0.0 if spec.stepping is Stepping.FLY else None
    dwell_s = spec.mean_dwell_s
    if spec.until is not None and spec.until.max_time_s is not None:
        # Where dwells differ, the most exposures are those at the shortest, and all of them take no more than this.
        dwell_s = min(dwell_s, spec.until.max_time_s / spec.exposures)
    return ExposureBatch(exposures=spec.exposures, dwell_s=dwell_s, overhead_s=overhead_s)


def _sweeps_text(spec: ScanSpec) -> str:
    """Return how many sweeps a fly scan makes, to explain the exposures of its forecast; "" for other scans."""
    if spec.stepping is not Stepping.FLY:
        return ""
    return f"The exposures are {spec.options.passes} sweeps, up and down in turn, over {len(spec.points)} bins."


def edge_outlines(configuration: BeamlineConfiguration) -> OutlineOf:
    """Return the function that gives what a form draws of an edge, in eV; None for an edge that cannot be measured."""

    def outline(name: str) -> EdgeOutline | None:
        try:
            edge = edge_preset(name, configuration)
        except InputError:
            return None
        regions = tuple((float(start), float(stop), float(step)) for start, stop, step in edge.regions_ev)
        return EdgeOutline(
            name=edge.name,
            edge_ev=edge.zero_ev,
            width_ev=absorption_edge(edge.name).core_hole_ev,
            regions_ev=regions,
            remark=WITHOUT_EXAFS if edge.regions_k else "",
        )

    return outline


def _signature(entry: PlanEntry, order: int, configuration: BeamlineConfiguration | None) -> PlanSignature:
    parameters = tuple(_form_parameter(one, configuration) for one in entry.parameters)
    return PlanSignature(
        name=entry.name, description=entry.summary, parameters=parameters, group=str(entry.group), order=order
    )


def _form_parameter(one: Parameter, configuration: BeamlineConfiguration | None) -> FormParameter:
    suggest = one.arg.suggestions
    return FormParameter(
        name=one.name,
        kind=EntryKind.CHOICE if one.choices else KINDS.get(one.kind, EntryKind.OTHER),
        required=one.required,
        default=None if one.required else one.plain_default_at(configuration),
        optional=one.optional,
        choices=one.choices,
        description=one.arg.description,
        unit=one.arg.unit,
        suggestions=() if suggest is None or configuration is None else tuple(suggest(configuration)),
        rare=one.arg.rare,
    )
