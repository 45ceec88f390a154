"""Foil scans with a spectrum of the powder, which correct its energies."""

from __future__ import annotations

from devices.configuration import BeamlineConfiguration
from plans.choices import Schedule
from plans.engine.calibrated_scan import scheduled
from plans.engine.spec import Runs, ScanSpec
from plans.options import PowderOptions
from plans.registry import PLANS

FOIL_PLAN = "foil_scan"
"""Plan that scans a foil; techniques know each other's plans by name only."""


def with_foils(configuration: BeamlineConfiguration, scan: ScanSpec, options: PowderOptions) -> Runs:
    """Return the runs of a scan of the powder with its foil scans, by name in their order; the scan alone if none.

    Raises InputError for an edge that no foil has.
    """
    if options.foil == Schedule.NONE:
        return scan
    foil = PLANS[FOIL_PLAN].entry.specs(configuration, edge=options.foil_edge, series=options.series)
    assert isinstance(foil, ScanSpec)  # that plan makes one run
    return scheduled(scan, [(options.foil, {"foil": foil})])
