"""The one configuration file: the beamline, how to reach it, and where its data live."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path

from devices.configuration import BeamlineConfiguration, read_configuration, settings_from

DEFAULT_CONFIGURATION = Path(str(files("trxas") / "7id.toml"))
"""Configuration of 7ID-D, which is also that of the simulated beamline."""


@dataclass(frozen=True)
class StorageSettings:
    """Where runs are kept.

    `directory`: data folder; `uri`: a shared Tiled server instead of the embedded catalogue, its key taken from the
    environment variable named in `api_key_variable`; a scan does not start with less than `minimum_free_mb` free.
    """

    directory: str = ""
    uri: str = ""
    api_key_variable: str = "TILED_API_KEY"
    minimum_free_mb: int = 200

    @property
    def root(self) -> Path:
        """The data folder: as configured, else TRXAS_DATA, else trxas in the user's data folder (XDG)."""
        default = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "trxas"
        return Path(self.directory or os.environ.get("TRXAS_DATA") or default).expanduser()


@dataclass(frozen=True)
class ServeSettings:
    """What `trxas serve` starts.

    `redis`: host and port of the Redis server that keeps the queue; without one a stand-in keeps it in memory, and the
    queue is lost when serving ends. `tiled` says whether the catalogue is served.
    """

    redis: str = ""
    tiled: bool = True


@dataclass(frozen=True)
class Configuration:
    """Everything a session needs to know, and the file it came from."""

    path: Path
    beamline: BeamlineConfiguration
    storage: StorageSettings
    serve: ServeSettings = field(default_factory=ServeSettings)


def images_elsewhere(configuration: Configuration) -> Path | None:
    """Folder that the area detector's IOC writes to, None if that is the one of the data folder."""
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

    `address_list` (else EPICS_CA_ADDR_LIST), `prefix` and `data` take the place of what the file says. Raises
    ConfigurationError naming the file, the table and the key that is wrong.
    """
    path = Path(path or os.environ.get("TRXAS_CONFIG") or DEFAULT_CONFIGURATION)
    table = read_configuration(path)
    storage = settings_from(StorageSettings, table.pop("storage", {}), f"{path}: storage")
    serve = settings_from(ServeSettings, table.pop("serve", {}), f"{path}: serve")
    beamline = settings_from(BeamlineConfiguration, table, str(path))
    address_list = address_list or os.environ.get("EPICS_CA_ADDR_LIST") or beamline.epics.address_list
    epics = replace(beamline.epics, address_list=address_list)
    if prefix is not None:
        epics = replace(epics, prefix=prefix)
    if data is not None:
        storage = replace(storage, directory=str(data))
    return Configuration(path, replace(beamline, epics=epics), storage, serve)
