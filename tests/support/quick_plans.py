"""Every plan of a session with arguments that make it short, and the limits that plans themselves state."""

from __future__ import annotations

from typing import Any

import plans
from devices.beamline import Beamline
from plans.registry import plans_of
from trxas.configuration import load_configuration

PLANS = {plan.entry.name: plan for plan in plans_of(load_configuration().beamline)}
"""Every plan of the X-ray beamline by its name."""

REGIONS_EV = [(13_460, 13_461, 1), (13_540, 13_541, 1)]
"""Two points before the edge of Br and two behind it."""

SHORT: dict[str, Any] = {
    "edge": "Br K",
    "delay_ps": 100.0,
    "delays_ps": [0.0, 50.0],
    "regions_ev": REGIONS_EV,
    "fluences_mj_cm2": [1.0, 2.0],
    "positions_um": [-10.0, 0.0],
    "dwell_s": 1.0,
    "image_dwell_s": 1.0,
    "repeats": 1,
}
"""Arguments that make a plan short, by the name of the parameter, which means the same in every plan."""

OWN: dict[str, dict[str, Any]] = {
    "energy_scan": {"edge": "Br K", "delay_ps": 100.0, "regions_ev": REGIONS_EV, "dwell_s": 1.0},
    "delay_scan": {"edge": "Pb L3", "delays_ps": [0.0, 50.0], "dwell_s": 1.0, "shutter_reference": "point"},
    "fluence_scan": {"edge": "Br K", "fluences_mj_cm2": [1.0, 2.0], "dwell_s": 1.0},
    "foil_scan": {"regions_ev": [(13_030, 13_035, 5)], "dwell_s": 1.0},
    "time_zero_scan": {"delays_ps": [0.0, 50.0], "dwell_s": 1.0},
    "overlap_scan": {"direction": "horizontal", "positions_um": [-10.0, 0.0], "dwell_s": 1.0},
    "axis_scan": {"axis": "nozzle_mm", "positions": [-1.0, 1.0], "dwell_s": 1.0},
    "grid_scan": {
        "edge": "Br K",
        "slow_points": [13_460.0, 13_472.0],
        "fast_points": [0.0, 50.0],
        "dwell_s": 1.0,
    },
    "settings_scan": {
        "settings": [{"nozzle_mm": -1.0, "delay_ps": 0.0}, {"nozzle_mm": 1.0, "delay_ps": 50.0}],
        "dwell_s": 1.0,
    },
    "delay_self_test": {"dwell_s": 1.0},
    "rezero": {"t0_ps": 10.0},
    "calibrate_attenuator": {"angles_deg": [0.0, 10.0, 20.0, 30.0, 40.0], "readings": 2},
    "apply_energy_calibration": {"offset_ev": 0.3},
    "apply_instrument_response": {"sigma_ps": 57.6, "error_ps": 1.9},
    "apply_bunch_period": {"period_ps": 153_439.0, "error_ps": 4.0},
    "dark_exposures": {"dwell_s": 1.0, "repeats": 1},
    "blocked_exposures": {"dwell_s": 1.0, "repeats": 2},
    "static_energy_scan": {"edge": "Br K", "temperature_c": 30.0, "regions_ev": REGIONS_EV, "dwell_s": 1.0},
    "diffraction": {"dwell_s": 1.0, "images": 2, "temperature_c": 30.0},
    "temperature_series": {"temperatures_c": [30.0], "edges": [], "images": 1, "image_dwell_s": 1.0},
}
"""Arguments of plans that are tested with others than those of `SHORT`."""

QUICK: dict[str, dict[str, Any]] = {
    name: {one.name: SHORT[one.name] for one in plan.entry.parameters if one.name in SHORT}
    for name, plan in PLANS.items()
} | OWN
"""Arguments of every plan."""

STATED_LIMITS: dict[str, tuple[float, float]] = {
    one.name: (one.arg.low, one.arg.high)
    for plan in PLANS.values()
    for one in plan.entry.parameters
    if one.kind is float and one.arg.low is not None and one.arg.high is not None
}
"""Limits of the numbers whose annotation states them, as opposed to those of a device, by parameter."""

MOVE_NOTHING = frozenset({"rezero", "apply_energy_calibration", "apply_instrument_response", "apply_bunch_period"})
"""Plans that only change what a number means."""


def quick_plan(line: Beamline, name: str, **options: Any) -> Any:
    """The plan called `name` on `line`, short; `options` instead of its usual arguments."""
    return getattr(plans, name)(line, **(QUICK[name] | options))
