"""One beamline as configured: a table per device, and the checks between tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import Annotated, Any

from pydantic.dataclasses import dataclass

from devices.bunch_period import BunchPeriod, PeriodSource
from devices.configuration.axis_settings import (
    CellSettings,
    DelaySettings,
    EnergySettings,
    FixedFluenceSettings,
    FluenceSettings,
    PointingSettings,
)
from devices.configuration.condition_settings import ConditionSettings
from devices.configuration.detector_list import beside_exposure, entries_of
from devices.configuration.detector_settings import ExposureSettings, FoilWheelSettings, PilatusSettings, SddSettings
from devices.configuration.device_settings import DeviceSettings
from devices.configuration.edge_settings import EdgeSettings
from devices.configuration.fields import SETTINGS, Fault, quantity, text, whole_number
from devices.configuration.foil_settings import FoilSettings
from devices.configuration.further_axis_settings import RecordAxisSettings
from devices.configuration.guard_settings import HolderSettings, QualitySettings, SafetySettings
from devices.configuration.listed_detectors import Entry
from devices.configuration.scheme_settings import PumpSchemeSettings
from devices.configuration.sequencer_settings import SequencerSettings
from devices.configuration.surroundings_settings import LaserSettings, SurroundingsSettings
from devices.names import AxisName
from devices.pump_scheme import PumpScheme


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class EpicsSettings:
    """How to reach the control system.

    `address_list` becomes EPICS_CA_ADDR_LIST (hosts and ports separated by spaces); `prefix` is put in front of every
    PV name.
    """

    address_list: Annotated[str, text("hosts and ports of the servers, separated by spaces")] = "127.0.0.1"
    prefix: Annotated[str, text("prefix of every PV name")] = ""
    connection_timeout_s: Annotated[float, quantity("time to connect", "s", above=0.0, high=600.0)] = 5.0

    def faults(self) -> Iterable[Fault]:
        """Yield nothing: the keys do not depend on each other."""
        return ()


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class GeometrySettings:
    """Facts about beam and jet that the reduction needs (paper, SI 2).

    `bunch_period_ps` and `bunch_period_error_ps`: time between two pulses until it is measured, and its error. The RF
    frequency of `[surroundings]` gives it too, with `harmonic_number` and `bunches`.
    `irf_sigma_ps` and `irf_error_ps`: instrument response until it is measured, and its error. The default of 45 ps is
    the paper's value, of which pulse lengths explain 34 ps; the jitter may change from day to day. `laser_fwhm_um` and
    `jet_speed_m_s` determine how fast a pumped spot leaves the beam.
    """

    # From the 500 MHz of the densest ring to one bunch in 3 km.
    bunch_period_ps: Annotated[float, quantity("time between two X-ray pulses", "ps", low=1000.0, high=1e7)] = 153_400.0
    # The published 153.4 ns are rounded to 100 ps, which is a standard deviation of 100 / sqrt(12).
    bunch_period_error_ps: Annotated[
        float, quantity("standard error of bunch_period_ps", "ps", above=0.0, high=1e4)
    ] = 29.0
    harmonic_number: Annotated[int, whole_number("buckets of the ring; 0: not known", low=0, high=100_000)] = 0
    bunches: Annotated[int, whole_number("equally spaced bunches in the ring; 0: not known", low=0, high=100_000)] = 0
    pumped_probe: Annotated[int, whole_number("gate of the pumped pulse", low=0, high=999)] = 0
    unpumped_probe: Annotated[int, whole_number("gate of the unpumped pulse", low=0, high=999)] = 4
    irf_sigma_ps: Annotated[float, quantity("width of the instrument response", "ps", low=0.1, high=1e5)] = 45.0
    irf_error_ps: Annotated[float, quantity("standard error of irf_sigma_ps", "ps", above=0.0, high=1e5)] = 15.0
    laser_fwhm_um: Annotated[float, quantity("width of the laser spot", "um", low=1.0, high=10_000.0)] = 45.0
    jet_speed_m_s: Annotated[float, quantity("speed of the jet", "m/s", low=0.01, high=1000.0)] = 4.0

    def faults(self) -> Iterable[Fault]:
        """Yield a fault for all keys of the table that contradict each other."""
        if self.pumped_probe >= self.unpumped_probe:
            yield Fault(
                table="geometry",
                key="pumped_probe",
                message=f"= {self.pumped_probe}: must be below unpumped_probe = {self.unpumped_probe}. Swap them.",
            )
        if self.irf_sigma_ps >= self.bunch_period_ps:
            yield Fault(
                table="geometry",
                key="irf_sigma_ps",
                message=f"= {self.irf_sigma_ps:g} ps: must be below bunch_period_ps = {self.bunch_period_ps:g} ps. "
                "Lower it.",
            )
        if self.bunches and self.harmonic_number % self.bunches:
            yield Fault(
                table="geometry",
                key="bunches",
                message=f"= {self.bunches}: must divide harmonic_number = {self.harmonic_number}, as the bunches are "
                "equally spaced. Correct one of them, or describe the fill in [pump_scheme].",
            )


X_RAY_TECHNIQUES = ("xas", "powder")
"""Techniques of a beamline whose file names none."""


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class BeamlineConfiguration:
    """One beamline: a name and the settings of every device; a device that may be None needs no table.

    `detectors`: the list `[[detectors]]`, empty for a file that describes its detectors in `[exposure]`.
    `techniques`: those whose plans the beamline offers, besides the plans of other packages.
    `conditions`: further conditions of a good point by name, each from a table `[conditions.NAME]`.
    `axes`: further axes by name, each from a table `[axes.NAME]`; `devices`: further devices, each from a table
    `[devices.NAME]`. `edges`: absorption edges that differ from their defaults, each from a table such as
    `[edges."Fe K"]`. `foils`: curves of reference foils, each from a table such as `[foils.Pb]`.
    """

    name: Annotated[str, text("name of the beamline")]
    techniques: tuple[str, ...] = X_RAY_TECHNIQUES
    epics: EpicsSettings = field(default_factory=EpicsSettings)
    energy: EnergySettings
    delay: DelaySettings
    fluence: FluenceSettings | FixedFluenceSettings
    laser: LaserSettings
    pointing: PointingSettings = field(default_factory=PointingSettings)
    surroundings: SurroundingsSettings
    exposure: ExposureSettings
    pump_scheme: PumpSchemeSettings | None = None
    geometry: GeometrySettings = field(default_factory=GeometrySettings)
    quality: QualitySettings = field(default_factory=QualitySettings)
    cell: CellSettings | None = None
    sdd: SddSettings | None = None
    pilatus: PilatusSettings | None = None
    foil_wheel: FoilWheelSettings | None = None
    sequencer: SequencerSettings | None = None
    safety: SafetySettings | None = None
    holder: HolderSettings | None = None
    detectors: tuple[Entry, ...] = ()
    conditions: Mapping[str, ConditionSettings] = field(default_factory=dict)
    axes: Mapping[str, RecordAxisSettings] = field(default_factory=dict)
    devices: Mapping[str, DeviceSettings] = field(default_factory=dict)
    edges: Mapping[str, EdgeSettings] = field(default_factory=dict)
    foils: Mapping[str, FoilSettings] = field(default_factory=dict)

    @property
    def all_detectors(self) -> tuple[Entry, ...]:
        """Detectors of the list, or those that `[exposure]` describes if there is no list; none of a detector alone."""
        return () if self.exposure.detector else self.detectors or entries_of(self.exposure)

    @property
    def further_detectors(self) -> tuple[Entry, ...]:
        """Detectors that are read alongside the exposure, each separately."""
        return tuple(beside_exposure(self.all_detectors))

    @property
    def bunch_period(self) -> BunchPeriod:
        """The configured bunch period with its error, ps."""
        # The keys of [pump_scheme] have set those of [geometry].
        return BunchPeriod(
            period_ps=self.scheme.bunch_period_ps,
            error_ps=self.geometry.bunch_period_error_ps,
            source=PeriodSource.CONFIGURATION.value,
        )

    @property
    def buckets_per_bunch(self) -> float:
        """RF cycles in one bunch period; 0 if the configuration does not give them."""
        if self.pump_scheme is not None:
            return self.pump_scheme.buckets_per_bunch
        geometry = self.geometry
        return geometry.harmonic_number / geometry.bunches if geometry.bunches else 0.0

    @property
    def scheme(self) -> PumpScheme:
        """Gates and pumps: those of `[pump_scheme]`, or without it equally spaced bunches with one gate each."""
        if self.pump_scheme is not None:
            return self.pump_scheme.scheme()
        geometry = self.geometry
        probes = self.exposure.probes
        return PumpScheme(
            name="equally spaced bunches",
            gate_delays_ps=tuple(probe * geometry.bunch_period_ps for probe in range(probes)),
            pump_period_ps=probes * geometry.bunch_period_ps,
            bunch_period_ps=geometry.bunch_period_ps,
            pumped_probe=geometry.pumped_probe,
            unpumped_probe=geometry.unpumped_probe,
            reference_probes=(geometry.unpumped_probe,),
            rate_divider=self.laser.required_divider,
        )


TABLES: Mapping[str, type[Any]] = {
    "epics": EpicsSettings,
    "energy": EnergySettings,
    "delay": DelaySettings,
    "fluence": FluenceSettings,
    "laser": LaserSettings,
    "pointing": PointingSettings,
    "surroundings": SurroundingsSettings,
    "exposure": ExposureSettings,
    "pump_scheme": PumpSchemeSettings,
    "geometry": GeometrySettings,
    "quality": QualitySettings,
    "cell": CellSettings,
    "sdd": SddSettings,
    "pilatus": PilatusSettings,
    "foil_wheel": FoilWheelSettings,
    "sequencer": SequencerSettings,
    "safety": SafetySettings,
    "holder": HolderSettings,
}
"""Settings by the name of their table."""

OPTIONAL_TABLES = frozenset({"pump_scheme", "cell", "sdd", "pilatus", "foil_wheel", "sequencer", "safety", "holder"})
"""Tables that a beamline may lack; any other table that is missing has its default values."""

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
    exposure: ExposureSettings, sdd: SddSettings | None, probes: int, *, listed: bool
) -> Iterable[Fault]:
    """Yield a fault for a row of scaler channels without one channel per gate, and for detectors that need frames.

    Rows of a file with a list of detectors are checked there.
    """
    if exposure.detector:
        return
    if not listed and exposure.apds == 0:
        yield Fault(table="exposure", key="apds", message="= 0: must be at least 1. Give it, or [[detectors]].")
    for row in () if listed else exposure.spc_channels:
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


AXIS_NAME = re.compile(r"[a-z][a-z0-9_]*")

EVENT_FIELDS = frozenset(
    {"scan_index", "point_index", "laser_shutter", "spc_counts", "spc_pulses", "boxcar_mean", "boxcar_variance", "i0",
     "foil", "exposure_s", "exposure_id", "ring_current_ma", "jet_flow_ml_min", "temperature_c", "laser_power_w",
     "quality", "marks"}
)  # fmt: skip
"""Fields that events have already, whose names an axis must not take."""


FIXED_DEVICES = frozenset(
    {"laser", "exposure", "point", "surroundings", "waveplate", "power_meter", "xray_shutter", "cell", "sample_stage",
     "pilatus", "foil_wheel", "ring", "sequencer", "safety", "holder", "powder"}
)  # fmt: skip
"""Names of devices at the prompt, which a detector must not take."""


def device_name_faults(devices: Iterable[str], axes: Iterable[str]) -> Iterable[Fault]:
    """Yield a fault for every further device whose name is not an identifier, or is used for something else."""
    yield from axis_name_faults(devices, kind="devices", others=axes)


def axis_name_faults(names: Iterable[str], kind: str = "axes", others: Iterable[str] = ()) -> Iterable[Fault]:
    """Yield a fault for every further axis whose name is not an identifier, or is that of a device or a field.

    `kind` is the table that the names are in; `others` are further names that are taken.
    """
    taken = {*EVENT_FIELDS, *TABLES, *AxisName, *(name.name.lower() for name in AxisName), *others}
    for name in names:
        if not AXIS_NAME.fullmatch(name):
            yield Fault(
                table=f"{kind}.{name}",
                key="",
                message="is not a name. Use lower-case letters, digits and _, and begin with a letter.",
            )
        elif name in taken:
            yield Fault(
                table=f"{kind}.{name}", key="", message="is already the name of a device or a field. Choose another."
            )


def driven_pv_faults(axes: Mapping[str, RecordAxisSettings], made: Mapping[str, Any]) -> Iterable[Fault]:
    """Yield a fault for every further axis that moves the PV of another axis, so that both would move.

    `made`: settings of the other tables, None where they have faults.
    """
    owners: dict[str, str] = {}
    for table, keys in DRIVEN_PVS.items():
        settings = made.get(table)
        owners |= {} if settings is None else {getattr(settings, key): f"{table}.{key}" for key in keys}
    for name, settings in axes.items():
        if (pv := settings.driven_pv) and pv in owners:
            key = "pv" if settings.pv else "motor" if settings.motor else "setpoint"
            yield Fault(
                table=f"axes.{name}",
                key=key,
                message=f"= {pv!r}: is {owners[pv]} too, so that one would move the other. Give each axis its own PV.",
            )
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
"""What must agree between tables: their names, and the check that takes their settings in this order."""
