"""One beamline as configured: a table per device."""

from __future__ import annotations

from collections.abc import Mapping
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
from devices.configuration.epics_settings import EpicsSettings
from devices.configuration.fields import SETTINGS, text
from devices.configuration.fly_settings import FlySettings
from devices.configuration.foil_settings import FoilSettings
from devices.configuration.further_axis_settings import RecordAxisSettings
from devices.configuration.geometry_settings import GeometrySettings
from devices.configuration.guard_settings import HolderSettings, QualitySettings, SafetySettings
from devices.configuration.jet_settings import JetSettings
from devices.configuration.listed_detectors import Entry
from devices.configuration.scheme_settings import PumpSchemeSettings
from devices.configuration.sequencer_settings import SequencerSettings
from devices.configuration.surroundings_settings import LaserSettings, SurroundingsSettings
from devices.pump_scheme import PumpScheme

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
    jet: JetSettings | None = None
    quality: QualitySettings = field(default_factory=QualitySettings)
    cell: CellSettings | None = None
    sdd: SddSettings | None = None
    pilatus: PilatusSettings | None = None
    foil_wheel: FoilWheelSettings | None = None
    sequencer: SequencerSettings | None = None
    fly: FlySettings | None = None
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
        """Detectors of the list or, without a list, those of `[exposure]`; none if one device makes the exposures."""
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
    "jet": JetSettings,
    "quality": QualitySettings,
    "cell": CellSettings,
    "sdd": SddSettings,
    "pilatus": PilatusSettings,
    "foil_wheel": FoilWheelSettings,
    "sequencer": SequencerSettings,
    "fly": FlySettings,
    "safety": SafetySettings,
    "holder": HolderSettings,
}
"""Settings by the name of their table."""

OPTIONAL_TABLES = frozenset(
    {"pump_scheme", "jet", "cell", "sdd", "pilatus", "foil_wheel", "sequencer", "fly", "safety", "holder"}
)
"""Tables that a beamline may lack; any other table that is missing has its default values."""
