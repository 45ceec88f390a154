"""Faults of tables that contradict each other, each of which may be right alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from devices.configuration.axis_settings import (
    DelaySettings,
)
from devices.configuration.detector_settings import ExposureSettings, SddSettings
from devices.configuration.device_settings import DeviceSettings
from devices.configuration.fields import Fault
from devices.configuration.geometry_settings import GeometrySettings
from devices.configuration.guard_settings import QualitySettings
from devices.configuration.scheme_settings import PumpSchemeSettings
from devices.configuration.surroundings_settings import LaserSettings, SurroundingsSettings

SCHEME_KEYS: Mapping[str, tuple[str, ...]] = {
    "laser": ("required_divider",),
    "exposure": ("probes",),
    "geometry": (
        *("bunch_period_ps", "bunch_period_error_ps", "harmonic_number", "bunches"),
        *("pumped_probe", "unpumped_probe"),
    ),
}
"""Keys by table that describe equally spaced bunches, and follow from `[pump_scheme]` where there is one."""


def gates_faults(laser: LaserSettings, exposure: ExposureSettings, geometry: GeometrySettings) -> Iterable[Fault]:
    """Yield a fault unless the gates fit the pump: one per X-ray pulse from one pump to the next."""
    if laser.required_divider != exposure.probes:
        yield Fault(
            table="laser",
            key="required_divider",
            message=f"= {laser.required_divider}: must equal exposure.probes = {exposure.probes}, as there is one gate "
            "per X-ray pulse between two pumps. Correct one of them.",
        )
    if geometry.unpumped_probe >= exposure.probes:
        yield Fault(
            table="geometry",
            key="unpumped_probe",
            message=f"= {geometry.unpumped_probe}: must be within 0 to {exposure.probes - 1}, the gates of "
            "exposure.probes. Lower it.",
        )


def rf_faults(surroundings: SurroundingsSettings, geometry: GeometrySettings) -> Iterable[Fault]:
    """Yield a fault for an RF frequency from which no bunch period follows."""
    if surroundings.rf_frequency and not (geometry.harmonic_number and geometry.bunches):
        key = "bunches" if geometry.harmonic_number else "harmonic_number"
        yield Fault(
            table="geometry",
            key=key,
            message="is missing: the bunch period follows from surroundings.rf_frequency only with harmonic_number and "
            "bunches. Give both, or [pump_scheme], or leave out the RF frequency.",
        )


def scheme_faults(
    given: Mapping[str, Iterable[str]],
    scheme: PumpSchemeSettings,
    geometry: GeometrySettings,
    delay: DelaySettings,
) -> Iterable[Fault]:
    """Yield a fault for every key among those `given` by table that follows from the scheme, and for times that clash.

    The response must be shorter than the time to the next pulse, and some delay must leave the references unpumped, ps.
    """
    for table, keys in SCHEME_KEYS.items():
        for key in keys:
            if key in given[table]:
                yield Fault(table=table, key=key, message="follows from [pump_scheme]. Remove it.")
    # The table's own check reports a scheme with faults; times that follow from it would mean nothing.
    if not scheme.is_sound:
        return
    found = scheme.scheme()
    if geometry.irf_sigma_ps >= found.bunch_period_ps:
        yield Fault(
            table="geometry",
            key="irf_sigma_ps",
            message=f"= {geometry.irf_sigma_ps:g} ps: must be below {found.bunch_period_ps:.6g} ps, after which the "
            "next X-ray pulse comes by [pump_scheme]. Lower it.",
        )
    if delay.low_ps >= found.unpumped_until_ps:
        yield Fault(
            table="delay",
            key="low_ps",
            message=f"= {delay.low_ps:g} ps: at every delay an unpumped pulse meets the next pump, "
            f"{found.unpumped_until_ps:.6g} ps after it by [pump_scheme]. Lower it, or choose other gates.",
        )


def detector_faults(exposure: ExposureSettings | None, devices: Mapping[str, DeviceSettings]) -> Iterable[Fault]:
    """Yield a fault if the detector that makes the exposures has no table among the `devices`."""
    if exposure is not None and exposure.detector and exposure.detector not in devices:
        known = ", ".join(devices) or "none"
        message = f"= {exposure.detector!r}: there is no table [devices.{exposure.detector}]; known: {known}. Add it."
        yield Fault(table="exposure", key="detector", message=message)


def channel_faults(
    exposure: ExposureSettings, sdd: SddSettings | None, probes: int | None, *, listed: bool
) -> Iterable[Fault]:
    """Yield a fault for a row of scaler channels without one channel per gate, and for detectors that need frames.

    Rows are not checked if the number of gates, `probes`, is unknown. Those of a file with a list of detectors are
    checked there.
    """
    if exposure.detector:
        return
    if not listed and exposure.apds == 0:
        yield Fault(table="exposure", key="apds", message="= 0: must be at least 1. Give it, or [[detectors]].")
    for row in () if listed or probes is None else exposure.spc_channels:
        if len(row) != probes:
            yield Fault(
                table="exposure",
                key="spc_channels",
                message=f"row {list(row)}: has {len(row)} channels for {probes} gates of the pump scheme. Give one per "
                "gate, in their order.",
            )
    if not exposure.spc_frame and sdd is not None:
        yield Fault(
            table="sdd",
            key="",
            message="needs the number of the exposure in exposure.spc_frame, which scaler channels do not have. "
            "Remove the table, or give the frame.",
        )


def resume_faults(surroundings: SurroundingsSettings, quality: QualitySettings) -> Iterable[Fault]:
    """Yield a fault for each threshold, in mA or ml/min, that would let a scan continue where its points are bad."""
    for key, resume, low_key, low, unit in (
        ("ring_current_resume_ma", quality.ring_current_resume_ma, "ring_current_low_ma",
         surroundings.ring_current_low_ma, "mA"),
        ("jet_flow_resume_ml_min", quality.jet_flow_resume_ml_min, "jet_flow_low_ml_min",
         surroundings.jet_flow_low_ml_min, "ml/min"),
    ):  # fmt: skip
        if resume < low:
            yield Fault(
                table="quality",
                key=key,
                message=f"= {resume:g} {unit}: must not be below surroundings.{low_key} = {low:g} {unit}, below which "
                "points are bad. Raise it.",
            )
    if quality.jet_stopped_below_ml_min > surroundings.jet_flow_low_ml_min:
        yield Fault(
            table="quality",
            key="jet_stopped_below_ml_min",
            message=f"= {quality.jet_stopped_below_ml_min:g} ml/min: must not exceed "
            f"surroundings.jet_flow_low_ml_min = {surroundings.jet_flow_low_ml_min:g} ml/min. Lower it.",
        )


def driven_pv_faults(
    axes: Mapping[str, Any], made: Mapping[str, Any], content: Callable[[str], Mapping[str, Any]]
) -> Iterable[Fault]:
    """Yield a fault for every further axis that moves the PV of another axis, so that both would move.

    `axes`: tables of the further axes as they stand in the file, so that an axis with other faults is checked as well.
    `made`: settings of the other tables, None where they have faults; then `content` returns the table as it stands.
    """
    owners: dict[object, str] = {}
    for table, keys in DRIVEN_PVS.items():
        pvs = content(table) if made.get(table) is None else vars(made[table])
        owners |= {pvs[key]: f"{table}.{key}" for key in keys if isinstance(pvs.get(key), str) and pvs[key]}
    for name, given in axes.items():
        keys = () if not isinstance(given, Mapping) else ("pv", "motor", "setpoint")
        key = next((key for key in keys if isinstance(given.get(key), str) and given[key]), None)
        if key is None:
            continue
        pv = given[key].removesuffix(".VAL")
        if pv in owners:
            message = f"= {pv!r}: is {owners[pv]} too, so that one would move the other. Give each axis its own PV."
            yield Fault(table=f"axes.{name}", key=key, message=message)
        # The first axis that has a PV owns it; every later one is the fault.
        owners.setdefault(pv, f"axes.{name}")


DRIVEN_PVS: Mapping[str, tuple[str, ...]] = {
    "energy": ("setpoint", "motor"),
    "delay": ("coarse_setpoint", "fine_setpoint"),
    "fluence": ("waveplate",),
    "pointing": ("horizontal", "vertical"),
    "cell": ("setpoint",),
}
"""Keys of the PVs that move the fixed axes, by table."""

RELATIONS: tuple[tuple[tuple[str, ...], Callable[..., Iterable[Fault]]], ...] = (
    (("surroundings", "quality"), resume_faults),
)
"""Checks between tables: the names of the tables, and the function that takes their settings in this order."""
