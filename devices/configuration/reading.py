"""From the tables of a configuration file to the settings of a beamline, with their relations checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from devices.configuration.absent_tables import ABSENT
from devices.configuration.axis_settings import FixedFluenceSettings
from devices.configuration.beamline_configuration import (
    OPTIONAL_TABLES,
    TABLES,
    X_RAY_TECHNIQUES,
    BeamlineConfiguration,
)
from devices.configuration.condition_settings import ConditionSettings
from devices.configuration.detector_list import (
    exposure_keys,
    gate_number_faults,
    list_faults,
)
from devices.configuration.device_settings import DeviceSettings
from devices.configuration.edge_settings import EdgeSettings, edge_faults, edge_name_faults
from devices.configuration.fields import Fault
from devices.configuration.foil_settings import FoilSettings, foil_faults
from devices.configuration.further_axis_settings import RecordAxisSettings
from devices.configuration.inheritance import InheritedContent
from devices.configuration.name_faults import EVENT_FIELDS, FIXED_DEVICES, axis_name_faults, device_name_faults
from devices.configuration.relation_faults import (
    RELATIONS,
    SCHEME_KEYS,
    channel_faults,
    detector_faults,
    driven_pv_faults,
    gates_faults,
    rf_faults,
    scheme_faults,
)
from devices.configuration.settings_reader import SettingsReader
from devices.names import AxisName


def read_beamline(reader: SettingsReader) -> BeamlineConfiguration | None:
    """Return the beamline of a file, with its relations checked; None after a fault, which `reader.finish` raises."""
    # Faults are collected in three passes, so that one message lists as many as possible: every table by itself, the
    # names of the further axes, and the relations between those tables that are sound by themselves. A relation whose
    # tables have faults is skipped: comparing with a value that is wrong anyway would only add noise.
    name = reader.text("name")
    techniques = reader.names("techniques", X_RAY_TECHNIQUES)
    classes: dict[str, type[Any]] = dict(TABLES)
    if "fixed_mj_cm2" in reader.given("fluence"):
        classes["fluence"] = FixedFluenceSettings
    detectors = reader.detectors()
    # An endstation whose exposures are made by a detector of its own may lack everything that X-rays need.
    own_detector = "detector" in reader.given("exposure")
    absent = {table: ABSENT[table] for table in ABSENT if own_detector and not reader.has(table)}
    derived = {} if detectors is None else {"exposure": exposure_keys(detectors)}
    made = {
        table: reader.table(table, settings, optional=table in OPTIONAL_TABLES, derived=derived.get(table))
        for table, settings in classes.items()
        if table not in absent
    } | absent
    axes = reader.tables("axes", RecordAxisSettings)
    reader.add(axis_name_faults(reader.given("axes")))
    reader.add(driven_pv_faults(reader.content("axes"), made, reader.content))
    devices = reader.tables("devices", DeviceSettings)
    reader.add(device_name_faults(reader.given("devices"), reader.given("axes")))
    conditions = reader.tables("conditions", ConditionSettings)
    reader.add(detector_faults(made["exposure"], devices))
    edges = reader.tables("edges", EdgeSettings)
    reader.add(edge_name_faults(reader.given("edges")))
    reader.add(edge_faults(made["energy"], edges))
    foils = reader.tables("foils", FoilSettings)
    reader.add(foil_faults(foils))
    for tables, check in RELATIONS:
        settings = [made[table] for table in tables]
        if None not in settings:
            reader.add(check(*settings))
    reader.add(pump_faults(reader, made))
    is_sound = made["pump_scheme"] is not None and made["pump_scheme"].is_sound
    if is_sound:
        made |= with_scheme(made)
    if made["exposure"] is not None:
        # How many gates there are is unknown while the scheme has faults.
        probes = made["exposure"].probes if is_sound or not reader.has("pump_scheme") else None
        reader.add(channel_faults(made["exposure"], made["sdd"], probes, listed=detectors is not None))
        reader.add(() if probes is None else gate_number_faults(detectors or (), probes))
    if detectors is not None:
        taken = {*EVENT_FIELDS, *axes, *devices, *AxisName, *(name.name.lower() for name in AxisName), *FIXED_DEVICES}
        reader.add(list_faults(detectors, reader.given("exposure"), taken, complete=reader.is_complete(detectors)))
    required = {table for table in TABLES if table not in OPTIONAL_TABLES}
    if any(made[table] is None for table in required):
        return None
    fixed: dict[str, Any] = {table: made[table] for table in TABLES}
    listed = tuple(detectors or ())
    further: dict[str, Any] = {"axes": axes, "devices": devices, "edges": edges, "foils": foils}
    further |= {"techniques": techniques, "conditions": conditions}
    return BeamlineConfiguration(name=name, detectors=listed, **further, **fixed)


def with_scheme(made: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables among `made` whose keys follow from their pump scheme, with these keys set."""
    settings = made["pump_scheme"]
    scheme = settings.scheme()
    derived: dict[str, dict[str, Any]] = {
        "laser": {"required_divider": scheme.rate_divider},
        "exposure": {"probes": scheme.probes},
        "geometry": {
            "bunch_period_ps": scheme.bunch_period_ps,
            "bunch_period_error_ps": settings.revolution_error_ps * scheme.bunch_period_ps / settings.revolution_ps,
            "pumped_probe": scheme.pumped_probe,
            "unpumped_probe": scheme.unpumped_probe,
        },
    }
    return {table: replace(made[table], **keys) for table, keys in derived.items() if made[table] is not None}


def pump_faults(reader: SettingsReader, made: Mapping[str, Any]) -> Iterable[Fault]:
    """Yield a fault for every contradiction between gates and pumps, ps, and the faultless tables in `made`."""
    if any(made[table] is None for table in (*SCHEME_KEYS, "delay")):
        return
    if made["pump_scheme"] is not None:
        given = {table: reader.given(table) for table in SCHEME_KEYS}
        yield from scheme_faults(given, made["pump_scheme"], made["geometry"], made["delay"])
    elif not reader.given("pump_scheme"):
        yield from gates_faults(made["laser"], made["exposure"], made["geometry"])
        if made["surroundings"] is not None:
            yield from rf_faults(made["surroundings"], made["geometry"])


def beamline_from_table(content: Mapping[str, Any], where: str) -> BeamlineConfiguration:
    """Return the beamline of a parsed file; raises ConfigurationError with every fault, named after `where`."""
    reader = SettingsReader(InheritedContent(content=dict(content)), where)
    beamline = read_beamline(reader)
    reader.finish()
    assert beamline is not None  # otherwise there was a fault
    return beamline
