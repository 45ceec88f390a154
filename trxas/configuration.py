"""The one configuration file: the beamline, how to reach it, and where its data live."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass as plain_dataclass
from dataclasses import field, replace
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import platformdirs
from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from devices.configuration import BeamlineConfiguration, SettingsReader, read_toml
from devices.configuration.fields import SETTINGS, Fault, switch, text, whole_number
from devices.configuration.reading import read_beamline

DEFAULT_CONFIGURATION = Path(str(files("trxas") / "7id.toml"))
"""Configuration of 7ID-D, which is also that of the simulated beamline."""


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
    def root(self) -> Path:
        """The data folder: as configured, else TRXAS_DATA, else trxas in the user's data folder (XDG on Linux)."""
        chosen = self.directory or os.environ.get("TRXAS_DATA") or platformdirs.user_data_path("trxas", appauthor=False)
        return Path(chosen).expanduser()

    def faults(self) -> Iterable[Fault]:
        """Yield nothing: the keys do not depend on each other."""
        return ()


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class ServeSettings:
    """What `trxas serve` starts.

    `redis`: host and port of the Redis server that holds the queue; without one a stand-in holds it in memory, and the
    queue is lost when serving ends. `tiled`: whether the catalogue is served.
    """

    redis: Annotated[str, text("host and port of a Redis server; empty: a stand-in in memory")] = ""
    tiled: Annotated[bool, switch("serve the catalogue")] = True

    def faults(self) -> Iterable[Fault]:
        """Yield nothing: the keys do not depend on each other."""
        return ()


@plain_dataclass(frozen=True, kw_only=True)
class Configuration:
    """Everything a session needs to know, and the file it came from."""

    path: Path
    beamline: BeamlineConfiguration
    storage: StorageSettings
    serve: ServeSettings = field(default_factory=ServeSettings)

    @property
    def simulation_options(self) -> tuple[str, ...]:
        """Options with which a simulation has the ring and the photodiodes of this configuration."""
        photodiodes = ("--photodiodes", str(self.beamline.exposure.apds))
        return photodiodes if self.beamline.pump_scheme is None else (*photodiodes, "--scheme", str(self.path))


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
    """Read a configuration file; by default TRXAS_CONFIG, or that of 7ID-D.

    `address_list` (else EPICS_CA_ADDR_LIST), `prefix` and `data` take the place of what the file sets. Raises
    ConfigurationError with every fault of the file: table, key, value, allowed range with unit, and what to do.
    """
    path = Path(path or os.environ.get("TRXAS_CONFIG") or DEFAULT_CONFIGURATION)
    # Precedence, from the weakest: the file, the environment of EPICS, the command line. The file is checked as a whole
    # before anything of it is used, so that one message names all of its faults.
    reader = SettingsReader(read_toml(path), str(path))
    beamline = read_beamline(reader)
    storage = reader.table("storage", StorageSettings)
    serve = reader.table("serve", ServeSettings)
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
    return Configuration(path=path, beamline=replace(beamline, epics=epics), storage=storage, serve=serve)


def configuration_schema() -> dict[str, Any]:
    """Return the JSON schema of a configuration file, for editors to check and complete with."""
    schema = TypeAdapter(BeamlineConfiguration).json_schema()
    for name, settings in (("storage", StorageSettings), ("serve", ServeSettings)):
        schema["$defs"][settings.__name__] = TypeAdapter(settings).json_schema()
        schema["properties"][name] = {"$ref": f"#/$defs/{settings.__name__}"}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "trxas configuration"}


if __name__ == "__main__":
    print(json.dumps(configuration_schema(), indent=2))
