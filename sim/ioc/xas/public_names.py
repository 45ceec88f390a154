"""The names of the real beamline that are public: the only PVs that its control system is known to serve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PUBLIC_RECORDS = (
    "7ida:BraggEAO",
    "7ida:BraggERdbkAO",
    "7idd:DG1:ADelayAO",
    "7idd:DG1:ADelayAI",
    "7idd:digDelay1:actualDelay",
    "7idd:scaler1",
    "amofg1a:scaler1",
    "7idb:userCalc11",
    "7idb:userCalc12",
    "7idb:userCalc13",
    "7idb:userCalc14",
)
"""Records in public analysis scripts: energy, both delays, two scalers, and the means of the boxcar."""

FLUENCE_BY_HAND_MJ_CM2 = 8.83
"""Fluence set by hand where the attenuator cannot be moved over the network, mJ/cm2 (paper, SI 2)."""


def only_public(pvdb: Mapping[str, Any], macro: str) -> dict[str, Any]:
    """Return the public records of `pvdb`, whose names begin with `macro`."""
    return {macro + name: pvdb[macro + name] for name in PUBLIC_RECORDS}
