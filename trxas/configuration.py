"""The one configuration file: the beamline, how to reach it, and where its data live."""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass as plain_dataclass
from dataclasses import field, replace
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import platformdirs
from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from devices.configuration import BeamlineConfiguration, SettingsReader, read_inherited
from devices.configuration.fields import SETTINGS, Fault, switch, text, whole_number
from devices.configuration.reading import read_beamline
from storage import TiledServer
from trxas.alert_settings import TABLE as ALERTS
from trxas.alert_settings import AlertSettings
from trxas.kafka_settings import TABLE as KAFKA
from trxas.kafka_settings import KafkaSettings
from trxas.past_settings import TABLE as PAST
from trxas.past_settings import PastSettings

DEFAULT_CONFIGURATION = Path(str(files("trxas") / "7id.toml"))
"""Configuration of 7ID-D, which is also that of the simulated beamline."""

SHIPPED = {
    "7ID-D": DEFAULT_CONFIGURATION,
    "7ID-D, public names": DEFAULT_CONFIGURATION.with_name("7id-public.toml"),
    "tplm": DEFAULT_CONFIGURATION.with_name("tplm.toml"),
}
"""Configurations that a file may extend by name, and `--config` may give by name."""


STOCK_MOTOR = "ophyd.EpicsMotor"
AXIS_PVS = ("motor", "setpoint", "readback", "stop", "done")
"""Keys of a further axis that name the PVs which a simulation can serve; the stock motor names them by its prefix."""

DEFAULT_PHOTODIODES = 2
"""Photodiodes of a simulation for a beamline of which none is counted."""


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class StorageSettings:
    """Where runs are stored.

    `directory`: data folder; `uri`: a shared Tiled server instead of the embedded catalogue, its key taken from the
    environment variable named in `api_key_variable`; a scan does not start with less than `minimum_free_mb` free.
    """

    directory: Annotated[str, text("data folder; empty: TRXAS_DATA, or trxas in the user's data folder")] = ""
    uri: Annotated[str, text("address of a shared Tiled server; empty: the catalogue in the data folder")] = ""
    api_key_variable: Annotated[str, text("environment variable with the server's key")] = "TILED_API_KEY"
    minimum_free_mb: Annotated[int, whole_number("free space a scan needs to start, MB", low=0, high=10**9)] = 200

    @property
    def server(self) -> TiledServer | None:
        """Tiled server that holds the catalogue, with its key from the environment; None if that is in the folder."""
        return TiledServer(uri=self.uri, api_key=os.environ.get(self.api_key_variable)) if self.uri else None

    @property
    def root(self) -> Path:
        """The data folder: the configured one, TRXAS_DATA, or trxas in the user's data folder (XDG on Linux)."""
        chosen = self.directory or os.environ.get("TRXAS_DATA") or platformdirs.user_data_path("trxas", appauthor=False)
        return Path(chosen).expanduser()

    def faults(self) -> Iterable[Fault]:
        """Yield nothing: the keys do not depend on each other."""
        return ()


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class ServeSettings:
    """Programs that `trxas serve` starts.

    `redis`: host and port of the Redis or Valkey server that holds the queue; without one a stand-in holds it in memory
    and saves it in the data folder. `tiled`: whether the catalogue is served. `page`: whether the read-only page is, on
    `page_port` of this machine. `interface`: where relay and Tiled listen; everything else listens on loopback.
    """

    redis: Annotated[
        str,
        text("host and port of a Redis or Valkey server; empty: a stand-in that saves the queue in the data folder"),
    ] = ""
    tiled: Annotated[bool, switch("serve the catalogue")] = True
    page: Annotated[bool, switch("serve a read-only page for phones and for people at home")] = False
    page_port: Annotated[int, whole_number("port of that page on this machine; 0: a free one", low=0, high=65535)] = 0
    interface: Annotated[
        str,
        text("IPv4 address of this machine where relay and Tiled listen; anything but loopback opens them to others"),
    ] = "127.0.0.1"

    def faults(self) -> Iterable[Fault]:
        """Yield a fault for an interface that is not one IPv4 address."""
        try:
            is_one = not ipaddress.IPv4Address(self.interface).is_unspecified
        except ValueError:
            is_one = False
        if not is_one:
            # 0.0.0.0 would listen everywhere, but is not an address at which a window finds the relay.
            message = f"= {self.interface!r}: give one IPv4 address of this machine, such as 127.0.0.1 or 192.0.2.7."
            yield Fault(table="serve", key="interface", message=message)


@plain_dataclass(frozen=True, kw_only=True)
class Configuration:
    """Everything a session needs to know, and the file it came from.

    `scheme_path` is the file with the table `[pump_scheme]`, if there is one: `path`, or one that it extends.
    """

    path: Path
    beamline: BeamlineConfiguration
    storage: StorageSettings
    serve: ServeSettings = field(default_factory=ServeSettings)
    alerts: AlertSettings | None = None
    kafka: KafkaSettings | None = None
    past: PastSettings = field(default_factory=PastSettings)
    scheme_path: Path | None = None

    @property
    def simulation_options(self) -> tuple[str, ...]:
        """Options that give a simulation the ring and the photodiodes of this configuration."""
        exposure = self.beamline.exposure
        if exposure.detector:
            # An endstation of its own has one technique, and the simulation of that name.
            return ("--experiment", self.beamline.techniques[0])
        photodiodes = str(exposure.apds * exposure.diodes_per_channel or DEFAULT_PHOTODIODES)
        # A beamline without a laser shutter cannot turn the laser on, so the simulation must have it on.
        by_hand = () if self.beamline.laser.shutter else ("--public-names",)
        scheme = () if self.beamline.pump_scheme is None else ("--scheme", str(self.scheme_path or self.path))
        return ("--photodiodes", photodiodes, *by_hand, *scheme, *self._simulated_axes())

    def _simulated_axes(self) -> Iterator[str]:
        """Yield the options for further axes whose records are known; an axis of another class has its own IOC."""
        for axis in self.beamline.axes.values():
            table = {"unit": axis.unit, "low": axis.low, "high": axis.high}
            if axis.motor or axis.setpoint:
                pvs = {name: getattr(axis, name) for name in AXIS_PVS}
                yield from ("--axis", json.dumps(table | {name: pv for name, pv in pvs.items() if pv}))
            elif axis.class_path == STOCK_MOTOR:
                yield from ("--axis", json.dumps(table | {"motor": axis.pv}))


def images_elsewhere(configuration: Configuration) -> Path | None:
    """Return the folder that the area detector's IOC writes to, None if it is in the data folder."""
    pilatus = configuration.beamline.pilatus
    return Path(pilatus.folder) if pilatus is not None and pilatus.folder else None


def load_configuration(
    path: Path | str | None = None,
    *,
    address_list: str | None = None,
    prefix: str | None = None,
    data: Path | str | None = None,
) -> Configuration:
    """Read a configuration file, and those that it extends; by default TRXAS_CONFIG, or that of 7ID-D.

    `address_list` (by default EPICS_CA_ADDR_LIST), `prefix` and `data` replace what the file sets. Raises
    ConfigurationError with every fault of the file: table, key, value, allowed range with unit, and what to do.
    """
    chosen = path or os.environ.get("TRXAS_CONFIG") or DEFAULT_CONFIGURATION
    path = SHIPPED.get(str(chosen), Path(chosen))
    # Precedence, from the weakest: the file, the environment of EPICS, the command line. The file is checked as a whole
    # before anything of it is used, so that one message names all of its faults.
    inherited = read_inherited(path, SHIPPED)
    reader = SettingsReader(inherited, str(path))
    beamline = read_beamline(reader)
    storage = reader.table("storage", StorageSettings)
    serve = reader.table("serve", ServeSettings)
    alerts = reader.table(ALERTS, AlertSettings, optional=True)
    kafka = reader.table(KAFKA, KafkaSettings, optional=True)
    past = reader.table(PAST, PastSettings)
    reader.finish()
    assert beamline is not None  # what is missing was reported by `finish`
    assert storage is not None
    assert serve is not None
    address_list = address_list or os.environ.get("EPICS_CA_ADDR_LIST") or beamline.epics.address_list
    epics = replace(beamline.epics, address_list=address_list)
    if prefix is not None:
        epics = replace(epics, prefix=prefix)
    if data is not None:
        storage = replace(storage, directory=str(data))
    return Configuration(
        path=path,
        beamline=replace(beamline, epics=epics),
        storage=storage,
        serve=serve,
        alerts=alerts,
        kafka=kafka,
        past=past or PastSettings(),
        scheme_path=inherited.file_of("pump_scheme"),
    )


def configuration_schema() -> dict[str, Any]:
    """Return the JSON schema of a configuration file, for editors to check and complete with."""
    schema = TypeAdapter(BeamlineConfiguration).json_schema()
    for name, settings in (("storage", StorageSettings), ("serve", ServeSettings), *_FURTHER):
        schema["$defs"][settings.__name__] = TypeAdapter(settings).json_schema()
        schema["properties"][name] = {"$ref": f"#/$defs/{settings.__name__}"}
    schema["properties"] |= _INHERITANCE
    whole = _required_parts(schema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "trxas configuration",
        "if": {"not": {"anyOf": [{"required": ["extends"]}, _OWN_DETECTOR]}},
        "then": whole,
    }


_FURTHER = ((ALERTS, AlertSettings), (KAFKA, KafkaSettings), (PAST, PastSettings))
"""Tables that a beamline may leave out, with their settings."""

_OWN_DETECTOR = {"required": ["exposure"], "properties": {"exposure": {"required": ["detector"]}}}
"""Schema of a file whose exposures are made by a detector of its own, which lacks the tables of the X-rays."""

_INHERITANCE = {
    "extends": {
        "description": f"file that this one extends, relative to it, or one of {'; '.join(SHIPPED)}",
        "type": "string",
    },
    "omits": {
        "description": "tables and keys of that file to leave out, such as sdd or energy.motor",
        "items": {"type": "string"},
        "type": "array",
    },
}


def _required_parts(schema: dict[str, Any]) -> dict[str, Any]:
    """Move the required keys out of a schema; return them as their own schema, for files that extend no other file."""
    required = {name: inner.pop("required", []) for name, inner in schema["$defs"].items()}
    tables: dict[str, Any] = {}
    for name, declared in schema["properties"].items():
        one = next((part for part in declared.get("anyOf", [declared]) if "$ref" in part), None)
        many = declared.get("additionalProperties")
        reference = one or (many if isinstance(many, dict) else None) or {}
        keys = required.get(str(reference.get("$ref", "")).rpartition("/")[2], [])
        if keys:
            tables[name] = {"required": keys} if one else {"additionalProperties": {"required": keys}}
    return {"required": schema.pop("required"), "properties": tables}


if __name__ == "__main__":
    print(json.dumps(configuration_schema(), indent=2))
