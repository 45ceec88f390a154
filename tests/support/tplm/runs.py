"""Documents of photoluminescence maps, as the simulated microscope would give them, without a microscope."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from reduction.tplm.map_sums import COLUMNS, Exposures
from reduction.tplm.metadata import MapMetadata
from sim.physics.tplm.counting import blocked_pulses, draw
from sim.physics.tplm.forward import expected_per_pulse, time_zero_ps
from sim.physics.tplm.sample import Film
from sim.physics.tplm.setting import Setting, channels_of

PIXEL_UM = 50 / 495
MAGNIFICATION = 495.0


@dataclass(frozen=True, kw_only=True)
class MapPlan:
    """A line of places about the centre, and the beam time at each, s."""

    places: int = 31
    dwell_s: float = 30.0
    overhead_s: float = 0.5


def start_of(film: Film, setting: Setting, plan_name: str = "tplm_map", **changes: Any) -> dict[str, Any]:
    """A start document with what the reduction reads, and time zero as a calibration would have found it."""
    timing = film.timing
    usual = {
        "uid": f"map-{plan_name}-{setting.power_nw:g}-{setting.repetition_rate_mhz:g}", "plan_name": plan_name,
        "technique": "tplm", "time": 0.0, "sample": "film", "series": "", "dwell_s": 30.0, "repeats": 1,
        "kept_channels": channels_of(setting, timing.bin_ps), "bin_ps": timing.bin_ps, "line_axis": "x_um",
        "magnification": MAGNIFICATION, "detector_um": 50.0, "time_zero_ps": time_zero_ps(film, setting),
        "response": {"fwhm_ps": timing.irf_fwhm_ps, "tail_share": timing.irf_tail_share, "tail_ps": timing.irf_tail_ps},
        "electronics": {"dead_time_ns": timing.dead_time_ns, "channel_limit": 65_535},
        "excitation": {
            "sample_share": 0.374, "spot_fwhm_nm": 500.0, "wavelength_nm": 405.0, "cross_section_cm2": 5.29e-14,
        },
    }  # fmt: skip
    return usual | changes


def line_places(places: int, centre_um: float = 0.0) -> np.ndarray:
    """Even places first, then odd ones; the centre again after every eighth."""
    x_um = centre_um + PIXEL_UM * (np.arange(places) - (places - 1) / 2)
    one_way = np.concatenate([x_um[::2], x_um[1::2]])
    with_centre = [[*one_way[first : first + 8], centre_um] for first in range(0, places, 8)]
    return np.array([place for part in with_centre for place in part])


def map_documents(
    film: Film, setting: Setting, rng: np.random.Generator, plan: MapPlan | None = None, **changes: Any
) -> list[tuple[str, dict[str, Any]]]:
    """One map: start, descriptor, events, stop."""
    plan = plan or MapPlan()
    start = start_of(film, setting, **changes)
    places = line_places(plan.places)
    start["grid"] = {"axes": ["x_um", "y_um"], "points": [[float(x), 0.0] for x in places]}
    documents: list[tuple[str, dict[str, Any]]] = [("start", start)]
    documents.append(("descriptor", {"uid": "d", "name": "primary", "run_start": start["uid"]}))
    for number, x_um in enumerate(places):
        elapsed_s = number * (plan.dwell_s + plan.overhead_s)
        at = replace(setting, dose_nw_s=setting.power_nw * elapsed_s)
        documents.append(
            ("event", event_of(film, at, rng, x_um=float(x_um), elapsed_s=elapsed_s, dwell_s=plan.dwell_s))
        )
        documents[-1][1]["seq_num"] = number + 1
        documents[-1][1]["data"]["point_index"] = number
    documents.append(("stop", {"run_start": start["uid"], "exit_status": "success"}))
    return documents


def event_of(
    film: Film, setting: Setting, rng: np.random.Generator, *, x_um: float, elapsed_s: float, dwell_s: float
) -> dict[str, Any]:
    """One exposure at a place of the line."""
    expected = expected_per_pulse(film, setting, x_um=x_um, y_um=film.image.centre_y_um, elapsed_s=elapsed_s)
    sync = int(dwell_s * setting.repetition_rate_mhz * 1e6)
    blocked = blocked_pulses(film.timing.dead_time_ns, setting.period_ns)
    counts = draw(rng, expected, sync_pulses=sync, blocked=blocked)
    data = {
        "tcspc_counts": counts.astype(np.uint32), "bin_ps": film.timing.bin_ps, "sync_pulses": sync, "x_um": x_um,
        "y_um": film.image.centre_y_um, "laser_power_nw": setting.power_nw,
        "repetition_rate_mhz": setting.repetition_rate_mhz,
        "nd_od": setting.nd_od, "temperature_k": setting.temperature_k, "exposure_s": dwell_s, "quality": "",
        "highest_channel": int(counts.max()), "trigger_source": "internal", "exposure_id": 1, "scan_index": 0,
    }  # fmt: skip
    return {"descriptor": "d", "seq_num": 1, "time": elapsed_s, "data": data}


def map_of_means(
    film: Film, setting: Setting, plan: MapPlan | None = None, *, beside_um: float = 0.0
) -> tuple[Exposures, MapMetadata]:
    """One map whose counts are the expected ones, without noise and not rounded: what is left of an error is bias.

    The line is `beside_um` beside the centre of the image.
    """
    plan = plan or MapPlan()
    places = line_places(plan.places)
    pulses = plan.dwell_s * setting.repetition_rate_mhz * 1e6
    blocked = blocked_pulses(film.timing.dead_time_ns, setting.period_ns)
    counts = []
    for number, x_um in enumerate(places):
        elapsed_s = number * (plan.dwell_s + plan.overhead_s)
        at = replace(setting, dose_nw_s=setting.power_nw * number * plan.dwell_s)
        y_um = film.image.centre_y_um + beside_um
        reached = -np.expm1(-np.cumsum(expected_per_pulse(film, at, x_um=x_um, y_um=y_um, elapsed_s=elapsed_s)))
        counts.append(pulses / (1 + blocked * reached[-1]) * np.diff(reached, prepend=0.0))
    settings: dict[str, Any] = {
        "x_um": places, "sync_pulses": pulses, "exposure_s": plan.dwell_s, "laser_power_nw": setting.power_nw,
        "repetition_rate_mhz": setting.repetition_rate_mhz,
    }  # fmt: skip
    columns = {name: np.zeros(len(places)) + settings.get(name, 0.0) for name in COLUMNS}
    return Exposures(counts=np.array(counts), columns=columns), MapMetadata.from_start(start_of(film, setting))
