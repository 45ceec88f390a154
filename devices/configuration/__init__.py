"""The configuration of a beamline: its tables, their ranges and relations, and how a TOML file becomes settings."""

from devices.configuration.axis_settings import (
    CellSettings,
    DelaySettings,
    EnergySettings,
    FixedFluenceSettings,
    FluenceSettings,
    PointingSettings,
)
from devices.configuration.beamline_configuration import BeamlineConfiguration
from devices.configuration.condition_settings import ConditionSettings
from devices.configuration.detector_settings import ExposureSettings, FoilWheelSettings, PilatusSettings, SddSettings
from devices.configuration.edge_settings import EdgeSettings
from devices.configuration.epics_settings import EpicsSettings
from devices.configuration.fly_settings import FlySettings
from devices.configuration.foil_settings import FoilSettings
from devices.configuration.further_axis_settings import RecordAxisSettings
from devices.configuration.geometry_settings import GeometrySettings
from devices.configuration.guard_settings import HolderSettings, QualitySettings, SafetySettings
from devices.configuration.inheritance import read_inherited
from devices.configuration.reading import beamline_from_table
from devices.configuration.scheme_settings import PumpSchemeSettings
from devices.configuration.sequencer_settings import SequencerSettings
from devices.configuration.settings_reader import SettingsReader
from devices.configuration.surroundings_settings import LaserSettings, SurroundingsSettings
from devices.configuration.toml_file import read_toml

__all__ = [
    "BeamlineConfiguration",
    "CellSettings",
    "ConditionSettings",
    "DelaySettings",
    "EdgeSettings",
    "EnergySettings",
    "EpicsSettings",
    "ExposureSettings",
    "FixedFluenceSettings",
    "FluenceSettings",
    "FlySettings",
    "FoilSettings",
    "FoilWheelSettings",
    "GeometrySettings",
    "HolderSettings",
    "LaserSettings",
    "PilatusSettings",
    "PointingSettings",
    "PumpSchemeSettings",
    "QualitySettings",
    "RecordAxisSettings",
    "SafetySettings",
    "SddSettings",
    "SequencerSettings",
    "SettingsReader",
    "SurroundingsSettings",
    "beamline_from_table",
    "read_inherited",
    "read_toml",
]
